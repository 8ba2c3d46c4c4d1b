"""The store: plans, what was measured for them, and looks at test splits, kept between runs and shared by everyone.

By default a SQLite file in the user data directory; `HEADCOUNT_DATABASE_URL` names another one, or a
PostgreSQL database. Several threads, and several servers, may use one store.
"""

from __future__ import annotations

from functools import lru_cache

from analysis.store.database import Database
from analysis.store.looks import KeptLooks, Look
from analysis.store.plans import Plans, StoredPlan
from analysis.store.results import Occasion, Result, Results, Saving, Setting

__all__ = [
    "Look",
    "Occasion",
    "Plans",
    "Result",
    "Results",
    "Saving",
    "Setting",
    "Store",
    "StoredPlan",
    "opened",
]


class Store:
    """Plans, results and looks in one database."""

    def __init__(self, url: str | None = None) -> None:
        """Open the store; nothing is read or written before it is first used.

        Args:
            url: of the database; what `HEADCOUNT_DATABASE_URL` says when not given, else the file in the
                user data directory.

        Raises:
            StoreError: the address is of no database that Headcount can use.
            PlaceError: the user data directory cannot be made.
        """
        self._database = Database(url)
        self.plans = Plans(self._database)
        self.results = Results(self._database)
        self.looks = KeptLooks(self._database)

    @property
    def place(self) -> str:
        """Where it is, for people; without a password."""
        return self._database.place

    def reach(self) -> None:
        """Make sure that it can be used; after the first time this costs nothing.

        Raises:
            StoreError: it cannot.
        """
        self._database.prepare()

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()


@lru_cache(maxsize=8)
def opened(url: str) -> Store:
    """The store of an address (`database.address`), which all of this process share."""
    return Store(url)
