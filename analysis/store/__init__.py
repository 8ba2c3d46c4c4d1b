"""The store: plans and what was measured for them, kept between runs and shared by everyone on a server.

By default a SQLite file in the user data directory; `HEADCOUNT_DATABASE_URL` names another one, or a
PostgreSQL database. Several threads, and several servers, may use one store.
"""

from __future__ import annotations

from analysis.store.database import Database
from analysis.store.plans import Plans, StoredPlan
from analysis.store.results import Occasion, Result, Results, Saving, Setting

__all__ = ["Occasion", "Plans", "Result", "Results", "Saving", "Setting", "Store", "StoredPlan"]


class Store:
    """Plans and results in one database."""

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
