"""How the methods of a sweep stand at one share of removed heads, with all that chance allows one to say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.significance import MARGIN, non_inferiority
from analysis.sweep_table import fitted
from analysis.yardstick import Yardstick, yardstick

STANDINGS = (
    "method change change_low change_high percentile p_random_holm p_full_holm negligible needed"
).split()
"""Columns of `standings`: the first ones are those of the sweep's table; `negligible` is `yes`, `no` or `undecided` at
the margin, or `CHOSEN_HERE`; `needed` the sentences with which a loss such as this would be shown to be negligible,
NaN where that is decided or where no number would."""
CHOSEN_HERE = "chosen here"
"""Instead of a verdict, of a method that searched, or was tuned, on the sentences that it is measured on."""
COUNTED = ("p_random_holm", "p_full_holm", "needed")
"""Columns that count answers as independent of each other: only of tasks that answer once a text."""


def standings(table: pd.DataFrame, fraction: float, margin: float = MARGIN) -> pd.DataFrame:
    """The methods at a fraction, the best first; random masks are not among them, but what they are held against.

    Where a text gets several answers (words, tokens), they depend on each other: the interval of the change, which
    counts texts, decides alone, and `COUNTED` are left out. The task's first measure is a column after the method
    where it is not accuracy, and `change` is that of its first measure in points (`Yardstick.share`).

    Args:
        table: rows of a whole sweep with one ablation and one repair (`sweep.sweep`).
        fraction: share of heads removed.
        margin: points whose loss is called negligible.
    """
    by = yardstick(table)
    rows = table[(table["fraction"] == fraction) & (table["method"] != "random")]
    if by.task.answers_once:
        found = rows.assign(**_counted(rows, margin))
        return found.sort_values("change", ascending=False)[STANDINGS].reset_index(drop=True)
    rows = rows.iloc[by.better(rows[by.main.name]).argsort()[::-1]]
    ends = dict(zip(by.change, ("change", "change_low", "change_high"), strict=True))
    found = rows.drop(columns=[name for name in ends.values() if name not in ends])
    found = found.rename(columns=ends).assign(negligible=_by_interval(rows, by, margin))
    columns = [name for name in STANDINGS if name not in COUNTED]
    return found[[columns[0], by.main.name, *columns[1:]]].reset_index(drop=True)


def verdicts(rows: pd.DataFrame, margin: float = MARGIN) -> pd.DataFrame:
    """Columns `negligible` and `needed` (see `STANDINGS`) of any rows of a sweep, with their index.

    Args:
        rows: of a sweep's table.
        margin: points whose loss is called negligible.
    """
    by = yardstick(rows)
    if by.task.answers_once:
        return pd.DataFrame(_counted(rows, margin), index=rows.index)
    words = _by_interval(rows, by, margin)
    return pd.DataFrame({"negligible": words, "needed": math.nan}, index=rows.index)


def _counted(rows: pd.DataFrame, margin: float) -> dict[str, list[Any]]:
    verdicts = [
        non_inferiority(int(row.fixed), int(row.broken), int(row.n), margin)  # type: ignore[arg-type]
        for row in rows.itertuples()
    ]
    words = {"negligible": "yes", "not negligible": "no", "undecided": "undecided"}
    flattered = fitted(rows)
    needed = pd.Series([each.needed for each in verdicts], rows.index, dtype=float)
    return {
        "negligible": _unless(flattered, [words[each.decided] for each in verdicts]),
        "needed": needed.mask(flattered).tolist(),
    }


def _by_interval(rows: pd.DataFrame, by: Yardstick, margin: float) -> list[str]:
    _, low, high = by.change
    words = [
        "yes" if below > -margin else "no" if above < -margin else "undecided"
        for below, above in zip(rows[low], rows[high], strict=True)
    ]
    return _unless(fitted(rows), words)


def _unless(flattered: pd.Series, words: Sequence[str]) -> list[str]:
    return [CHOSEN_HERE if each else word for each, word in zip(flattered, words, strict=True)]
