"""How many heads could go: what swept masks say against a margin that was agreed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.intervals import Change
from analysis.significance import MARGIN
from analysis.sweep_table import fitted
from analysis.yardstick import OF_TEXTS, Yardstick, yardstick

CHANCE = "random"
"""The yardstick among the methods; its masks are nobody's proposal."""


@dataclass(frozen=True)
class Candidate:
    """A mask that a sweep tried."""

    method: str
    mask: str
    """Its code."""
    removed: int
    """Heads that are off."""
    change: Change
    """Against the full model, in points of the task's first share; see `Yardstick`."""
    n: int
    """Answers behind it."""


@dataclass(frozen=True)
class Headroom:
    """The verdict of all swept masks together."""

    total: int
    """Heads of the model."""
    n: int
    """Answers behind each number; the fewest of all sweeps."""
    tried: int
    """Masks that were compared; the best of many looks better than it is."""
    margin: float
    """Points that may be lost."""
    shown: Candidate | None
    """Most heads off with a loss that is shown to be below the margin: the whole interval is."""
    possible: Candidate | None
    """Most heads off that cannot be told from the full model: the interval holds 0."""
    by: Yardstick = OF_TEXTS
    """Of which measure the points are, and what its answers are called."""


def headroom(tables: Sequence[pd.DataFrame], margin: float = MARGIN) -> Headroom | None:
    """What sweeps say on how many heads could go; None before any mask was tried.

    Args:
        tables: as `sweep.sweep` makes them, for one model and one set of sentences. Masks that were searched on
            these sentences do not count.
        margin: points whose loss counts as negligible.
    """
    if not tables:
        return None
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[(rows["method"] != CHANCE) & (rows["heads_on"] < rows["heads_total"])]
    rows = rows[~fitted(rows)]
    rows = rows.sort_values("n", ascending=False, kind="stable")  # of one mask the surest number
    rows = rows.drop_duplicates(["method", "mask", "ablation", "repair"])
    if rows.empty:
        return None
    by = yardstick(rows)
    ends = rows[by.change].to_numpy()
    rows = rows.assign(change=ends[:, 0], change_low=ends[:, 1], change_high=ends[:, 2])
    return Headroom(
        total=int(rows["heads_total"].iloc[0]),
        n=int(rows["n"].min()),
        tried=len(rows),
        margin=margin,
        shown=_most(rows[rows["change_low"] > -margin]),
        possible=_most(rows[(rows["change_low"] <= 0) & (rows["change_high"] >= 0)]),
        by=by,
    )


def _most(rows: pd.DataFrame) -> Candidate | None:
    """The row with most heads off; of equals the one that loses least."""
    if rows.empty:
        return None
    best = rows.sort_values(["heads_on", "change"], ascending=[True, False]).iloc[0]
    return Candidate(
        method=str(best["method"]),
        mask=str(best["mask"]),
        removed=int(best["heads_total"] - best["heads_on"]),
        change=Change(float(best["change"]), float(best["change_low"]), float(best["change_high"])),
        n=int(best["n"]),
    )
