"""The database behind the store: one engine, short transactions, and errors that are sentences."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from analysis.errors import StoreError
from analysis.places import data_dir
from analysis.store import schema

VARIABLE = "HEADCOUNT_DATABASE_URL"
FILE = "headcount.db"
PATIENCE = 10
"""Seconds that a SQLite transaction waits for another one's end."""
REACHED_WITHIN = 5
"""Seconds in which a PostgreSQL server must answer."""


class Database:
    """Where rows are kept. Used by many threads at once; every transaction is short."""

    def __init__(self, url: str | None = None) -> None:
        """Know the database; it is reached when it is first used."""
        self._url = _checked(url or address())
        self._engine = _engine(self._url)
        self._lock = threading.Lock()
        self._is_ready = False

    @property
    def place(self) -> str:
        """Where it is, for people; without a password."""
        if self._url.get_backend_name() == "sqlite":
            return str(self._url.database or "in memory")
        return self._url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading, in one transaction.

        Raises:
            StoreError: it cannot be reached or read.
        """
        self.prepare()
        with self._told("read"), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection for writing, in one transaction that begins with the right to write.

        Raises:
            StoreError: it cannot be reached or written.
            IntegrityError: a row contradicts one that is there; the caller knows what that means.
        """
        self.prepare()
        with self._told("written"), self._writer().begin() as connection:
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _writer(self) -> Engine:
        return self._engine.execution_options(writes=True)

    def prepare(self) -> None:
        """Make or update the tables once; a store that is up to date is not written to.

        Raises:
            StoreError: it cannot be reached, read or brought up to date.
        """
        if self._is_ready:
            return
        with self._lock:
            if self._is_ready:
                return
            with self._told("read"), self._engine.begin() as connection:
                version = schema.version_of(connection)
            if version != schema.VERSION:
                with self._told("written"), self._writer().begin() as connection:
                    schema.prepare(connection, self.place)
            self._is_ready = True

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise StoreError(_sentence(error, self.place, what)) from error


def address() -> str:
    """Of the database that is used: as `HEADCOUNT_DATABASE_URL` says, else the file in the user data directory.

    Raises:
        PlaceError: that directory cannot be made.
    """
    if given := os.environ.get(VARIABLE):
        return given
    return URL.create("sqlite", database=str(data_dir() / FILE)).render_as_string()


def _checked(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreError(
            f"{VARIABLE} is not the address of a database; write postgresql://user:password@host/name "
            "or sqlite:////absolute/path.db"
        ) from error
    kind = url.drivername
    if kind in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if kind not in ("sqlite", "postgresql+psycopg"):
        raise StoreError(f"{VARIABLE} names {kind[:40]!r}; plans are kept in postgresql or sqlite")
    return url


def _engine(url: URL) -> Engine:
    is_file = url.get_backend_name() == "sqlite"
    wait: dict[str, Any] = {"timeout": PATIENCE} if is_file else {"connect_timeout": REACHED_WITHIN}
    try:
        engine = create_engine(url, connect_args=wait, pool_pre_ping=not is_file)
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError(
            'PostgreSQL needs the package psycopg; pip install "headcount[postgres]"'
        ) from error
    if is_file:
        event.listen(engine, "connect", _settle)
        event.listen(engine, "begin", _begin)
    return engine


def _settle(connection: Any, _: Any) -> None:
    """Let readers and a writer work side by side; leave transactions to `_begin`."""
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and wants to write later can be refused without any waiting.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _sentence(error: SQLAlchemyError, place: str, what: str) -> str:
    """What went wrong with the store, and what would help."""
    cause = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
    if "not a database" in cause or "malformed" in cause:
        return (
            f"the store of plans {place} is damaged ({cause}); move the file away to begin with an empty one, "
            "or put a copy of it back"
        )
    if "readonly" in cause or "read-only" in cause:
        return f"the store of plans {place} is read-only; plans in it can be opened, not kept or changed"
    if "locked" in cause:
        return f"the store of plans {place} is busy with other work; try again"
    return f"the store of plans {place} cannot be {what} ({cause}); {VARIABLE} names another one"
