"""Standings say of each method what its counts allow, the best first."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.significance import needed, non_inferiority
from analysis.standings import STANDINGS, standings
from analysis.sweep import sweep


def test_methods_stand_by_their_change_and_random_is_not_among_them(distilbert, text):
    options = {"fractions": (0.25, 0.5), "seeds": (0, 1, 2), "precision": "float32"}
    table = sweep(distilbert, text, ("magnitude", "taylor", "random"), **options)
    found = standings(table, 0.5, margin=30)
    assert list(found.columns) == STANDINGS
    assert set(found["method"]) == {"magnitude", "taylor"}
    assert found["change"].is_monotonic_decreasing
    for row in found.itertuples():
        same = table[(table["method"] == row.method) & (table["fraction"] == 0.5)].iloc[0]
        assert (row.change, row.percentile) == (same["change"], same["percentile"])
        verdict = non_inferiority(int(same["fixed"]), int(same["broken"]), int(same["n"]), 30)
        assert (row.negligible == "yes") == (verdict.decided == "negligible")


@pytest.mark.parametrize(
    ("fixed", "broken", "said"), [(30, 30, "yes"), (0, 300, "no"), (20, 80, "undecided")]
)
def test_only_what_is_undecided_needs_more_sentences(fixed, broken, said):
    n = 8_000
    row = dict.fromkeys(STANDINGS, 0.0) | {"method": "taylor", "fraction": 0.5}
    table = pd.DataFrame([row | {"fixed": fixed, "broken": broken, "n": n}])
    (found,) = standings(table, 0.5).itertuples()
    assert found.negligible == said
    wanted = needed(fixed, broken, n) if said == "undecided" else None
    assert found.needed == wanted or (pd.isna(found.needed) and wanted is None)
