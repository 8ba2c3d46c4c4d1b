"""How the methods of a sweep stand at one share of removed heads, with all that chance allows one to say."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.significance import MARGIN, non_inferiority

STANDINGS = (
    "method change change_low change_high percentile p_random_holm p_full_holm negligible needed"
).split()
"""Columns of `standings`: the first ones are those of the sweep's table; `negligible` is `yes`, `no` or `undecided`
at the margin, `needed` the sentences with which a loss such as this would be shown to be negligible, NaN where that
is decided or where no number would."""


def standings(table: pd.DataFrame, fraction: float, margin: float = MARGIN) -> pd.DataFrame:
    """The methods at a fraction, the best first; random masks are not among them, but what they are held against.

    Args:
        table: rows of a whole sweep with one ablation and one repair (`sweep.sweep`).
        fraction: share of heads removed.
        margin: points of accuracy whose loss is called negligible.
    """
    rows = table[(table["fraction"] == fraction) & (table["method"] != "random")]
    found = rows.assign(**_verdicts(rows, margin))
    return found.sort_values("change", ascending=False)[STANDINGS].reset_index(drop=True)


def _verdicts(rows: pd.DataFrame, margin: float) -> dict[str, list[Any]]:
    verdicts = [
        non_inferiority(int(row.fixed), int(row.broken), int(row.n), margin)  # type: ignore[arg-type]
        for row in rows.itertuples()
    ]
    words = {"negligible": "yes", "not negligible": "no", "undecided": "undecided"}
    return {
        "negligible": [words[each.decided] for each in verdicts],
        "needed": [float("nan") if each.needed is None else each.needed for each in verdicts],
    }
