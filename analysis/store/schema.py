"""The tables of the store and how older ones are brought up to date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    inspect,
    select,
    text,
    update,
)

from analysis.errors import StoreError

VERSION = 4
"""Version of the tables; `MIGRATIONS` lead to it from every older one."""
TURN = 7_346_201
"""Number of the PostgreSQL lock that a server holds while it makes tables."""

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A time, kept in UTC; SQLite would forget the time zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """As UTC without its name."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """As UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


state = Table("headcount_store", metadata, Column("version", Integer, nullable=False))

plans = Table(
    "plans",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("data", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("data_name", Text, nullable=False),
    Column("heads", Text, nullable=False),
    Column("mask", Text, nullable=False),
    Column("ablation", String(20), nullable=False),
    Column("repair", String(20), nullable=False),
    Column("parent", String(32), ForeignKey("plans.id")),
    Column("trace", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("deleted", Moment),
)
Index(
    "plans_names",
    plans.c.fingerprint,
    plans.c.data,
    plans.c.name,
    unique=True,
    sqlite_where=plans.c.deleted.is_(None),
    postgresql_where=plans.c.deleted.is_(None),
)

results = Table(
    "results",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("data", String(64), nullable=False),
    Column("split", String(20), nullable=False),
    Column("mask", Text, nullable=False),
    Column("ablation", String(20), nullable=False),
    Column("repair", String(20), nullable=False),
    Column("precision", String(20), nullable=False),
    Column("sentences", Integer),
    Column("n", Integer, nullable=False),
    Column("value", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("loss", Float, nullable=False),
    Column("change", Float),
    Column("change_low", Float),
    Column("change_high", Float),
    Column("fixed", Integer),
    Column("broken", Integer),
    Column("measured", Moment, nullable=False),
)

savings = Table(
    "savings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("mask", Text, nullable=False),
    Column("computer", Text, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("length", Integer, nullable=False),
    Column("latency_ratio", Float),
    Column("latency_low", Float),
    Column("latency_high", Float),
    Column("parameters", BigInteger, nullable=False),
    Column("flops", BigInteger, nullable=False),
    Column("measured", Moment, nullable=False),
)

looks = Table(
    "looks",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("sentences", String(64), nullable=False),
    Column("mask", Text, nullable=False),
    Column("ablation", String(20), nullable=False),
    Column("repair", String(20), nullable=False),
    Column("first", Moment, nullable=False),
    Column("place", Integer, nullable=False),
)
Index("looks_of", looks.c.fingerprint, looks.c.sentences)


def _measure_anew(connection: Connection) -> None:
    """Accuracies were kept whatever a task's first measure is; which rows are something else is not known."""
    results.drop(connection)
    results.create(connection)


def _without_trace(connection: Connection) -> None:
    """By which texts the plans of older tables were chosen, nobody knows."""
    connection.execute(text("ALTER TABLE plans ADD COLUMN trace TEXT NOT NULL DEFAULT ''"))


MIGRATIONS: dict[int, Callable[[Connection], None]] = {
    1: _measure_anew,
    2: looks.create,
    3: _without_trace,
}
"""For each older version what makes the next one of it."""


def version_of(connection: Connection) -> int | None:
    """Version of the tables that are there; None in an empty database."""
    if not inspect(connection).has_table(state.name):
        return None
    return connection.execute(select(state.c.version)).scalar()


def prepare(connection: Connection, place: str) -> None:
    """Make the tables, or bring older ones up to date; two servers that do so at once take turns.

    Raises:
        StoreError: the tables are of a newer Headcount.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({TURN})"))
    version = version_of(connection)
    if version is None:
        metadata.create_all(connection)
        connection.execute(state.insert().values(version=VERSION))
    elif version > VERSION:
        raise StoreError(
            f"the store of plans {place} was made by a newer Headcount (version {version} of its tables, this one "
            f"knows {VERSION}); update Headcount"
        )
    else:
        for each in range(version, VERSION):
            MIGRATIONS[each](connection)
        connection.execute(update(state).values(version=VERSION))
