"""Results on disk as they come: a crash or a cancelled sweep loses at most the line being written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import PlaceError
from analysis.text import Split

TABLES = (".csv", ".parquet")
"""Kinds of files that a table can be written to."""


class Journal:
    """A file of JSON lines, each with a key; what has a key already need not be computed again.

    Without a path nothing is written and nothing is remembered past the process.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._known: dict[str, dict[str, Any]] = {}
        if path is not None:
            self._read(path)

    def get(self, key: str) -> dict[str, Any] | None:
        """What was written under a key."""
        return self._known.get(key)

    @property
    def values(self) -> list[dict[str, Any]]:
        """Everything that was written, in order."""
        return list(self._known.values())

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Write under a key, at once.

        Raises:
            PlaceError: the file cannot be written.
        """
        self._known[key] = dict(value)
        if self.path is None:
            return
        line = json.dumps({"key": key, **value}, allow_nan=True) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PlaceError(f"cannot write {self.path}: {error.strerror}") from error

    def _read(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise PlaceError(f"cannot read {path}: {error}") from error
        for line in text.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue  # the line that a crash cut short
            if isinstance(value, dict) and isinstance(value.get("key"), str):
                self._known[value.pop("key")] = value
        if text and not text.endswith("\n"):
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")


@dataclass(frozen=True)
class Notes:
    """What one long piece of work has found so far, in a journal, so that it goes on where it was stopped."""

    journal: Journal = field(default_factory=lambda: Journal(None))
    key: tuple[object, ...] = ()
    """Everything that the findings depend on, besides their names."""

    def once(self, name: str, find: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What was noted under a name; found and noted now if nothing was.

        Raises:
            PlaceError: the journal cannot be written.
        """
        key = key_of("note", self.key, name)
        if self.journal.get(key) is None:
            self.journal.put(key, find())
        known = self.journal.get(key)
        assert known is not None
        return known


def key_of(*parts: object) -> str:
    """A short key of everything that a result depends on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def digest(split: Split | None) -> str:
    """A key of a split's texts and labels."""
    return "" if split is None else key_of(type(split).name, split.texts, split.labels)


def journal_of(path: Path) -> Path:
    """Where the lines are kept while the table at `path` grows."""
    return path.with_name(path.name + ".journal")


def check_table(path: Path) -> None:
    """Refuse a kind of file that a table cannot be written to, before any work is done.

    Raises:
        PlaceError: the ending is unknown.
    """
    if path.suffix not in TABLES:
        raise PlaceError(
            f"a table is written to a file ending in .csv or .parquet, not to {path.name}"
        )


def save_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet, by the file's ending; the old file stays until the new one is whole.

    Raises:
        PlaceError: the file cannot be written.
    """
    check_table(path)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            table.to_csv(partial, index=False)
        else:
            table.to_parquet(partial, index=False)
        partial.replace(path)
    except OSError as error:
        raise PlaceError(f"cannot write {path}: {error.strerror}") from error
