"""How many heads could go: what swept masks say against a margin that was agreed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from scipy.stats import norm

from analysis.errors import ProtocolError
from analysis.intervals import CONFIDENCE, Change, Z, paired_change
from analysis.significance import MARGIN
from analysis.sweep_table import fitted
from analysis.text import Selection
from analysis.yardstick import OF_TEXTS, Yardstick, yardstick

CHANCE = "random"
"""The yardstick among the methods; its masks are nobody's proposal."""
WAY = ["method", "ablation", "repair"]
"""What makes one sequence of masks, of which each has more heads off."""


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
    methods: int
    """Methods, or ways of treating their masks, that were compared."""
    margin: float
    """Points that may be lost."""
    shown: Candidate | None
    """Most heads off with a loss that is shown to be below the margin, for all methods together."""
    possible: Candidate | None
    """Most heads off that cannot be told from the full model: the interval holds 0."""
    by: Yardstick = OF_TEXTS
    """Of which measure the points are, and what its answers are called."""


def headroom(tables: Sequence[pd.DataFrame], margin: float = MARGIN) -> Headroom | None:
    """What sweeps say on how many heads could go; None before any mask was tried.

    What is shown holds for all methods together: each is held to an interval of 1 - 5 % / methods (Bonferroni), and
    within a method masks count from the one with fewest heads off up to the first whose loss is not shown, which needs
    no further correction (fixed sequence; Maurer, Hothorn and Lehmacher 1995).

    Args:
        tables: as `sweep.sweep` makes them, for one model and one set of sentences. Masks that were searched on
            these sentences do not count.
        margin: points whose loss counts as negligible.

    Raises:
        ProtocolError: something was measured on the test split.
    """
    if not tables:
        return None
    rows = pd.concat(tables, ignore_index=True)
    if not set(rows["split"]) <= {Selection.name}:
        raise ProtocolError(
            "how many heads could go is a choice of a mask, and those are made on the selection split: the test split "
            "is for the one that was chosen"
        )
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
        methods=rows.groupby(WAY).ngroups,
        margin=margin,
        shown=_most(_shown(rows, by, margin)),
        possible=_most(rows[(rows["change_low"] <= 0) & (rows["change_high"] >= 0)]),
        by=by,
    )


def _shown(rows: pd.DataFrame, by: Yardstick, margin: float) -> pd.DataFrame:
    """The rows whose loss is shown to be below the margin, for all methods together; see `headroom`."""
    ways = rows.groupby(WAY).ngroups
    rows = rows.sort_values("heads_on", ascending=False)
    low = _lower_ends(rows, by, 1 - (1 - CONFIDENCE) / ways)
    still = (low > -margin).groupby([rows[name] for name in WAY]).cummin()
    return rows[still]


def _lower_ends(rows: pd.DataFrame, by: Yardstick, confidence: float) -> pd.Series:
    """The lower ends of the changes' intervals at another confidence, in points."""
    if not by.task.answers_once:  # normal intervals over whole texts
        wider = norm.ppf(0.5 + confidence / 2) / Z
        return rows["change"] - wider * (rows["change"] - rows["change_low"])
    ends = [
        paired_change(int(row.fixed), int(row.broken), int(row.n), confidence).low  # type: ignore[arg-type]
        for row in rows.itertuples()
    ]
    return pd.Series(ends, rows.index)


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
