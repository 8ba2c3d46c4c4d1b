"""The file that a sweep's table is written to: nobody else's file is overwritten, and more is not lost for less."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.errors import PlaceError
from analysis.journal import check_table, save_table

_TELLING = ["method", "fraction", "mask", "split"]
"""Columns by which a sweep's table is known."""


class SweepFile:
    """A .csv or .parquet file, new or with an earlier table of a sweep on the same split."""

    def __init__(self, path: Path, split: str) -> None:
        """Look at what is there, before any work is done.

        Args:
            path: of the file.
            split: that the sweep measures on.

        Raises:
            PlaceError: the ending is unknown, or what is there is something else.
        """
        check_table(path)
        self.path = path
        self._held = 0
        if not path.exists():
            return
        held = _table_at(path)
        if held is None:
            raise PlaceError(
                f"{path} is there already and is no table of a sweep; name another file"
            )
        if others := sorted(set(held["split"].astype(str)) - {split}):
            raise PlaceError(
                f"{path} holds what was measured on the {others[0]} split; write the {split} split to another file"
            )
        self._held = len(held)

    def write(self, table: pd.DataFrame, *, whole: bool) -> None:
        """Write the table; a sweep that was stopped leaves an earlier table alone that has more rows.

        Raises:
            PlaceError: the file cannot be written.
        """
        if whole or len(table) > self._held:
            save_table(table, self.path)


def _table_at(path: Path) -> pd.DataFrame | None:
    """What tells a sweep's table from others; None where it is none."""
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, usecols=_TELLING)
        return pd.read_parquet(path, columns=_TELLING)
    except (OSError, ValueError, KeyError):
        return None
