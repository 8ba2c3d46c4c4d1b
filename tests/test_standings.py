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
    row = dict.fromkeys(STANDINGS, 0.0) | {"method": "taylor", "fraction": 0.5, "split": "test"}
    table = pd.DataFrame([row | {"fixed": fixed, "broken": broken, "n": n}])
    (found,) = standings(table, 0.5).itertuples()
    assert found.negligible == said
    wanted = needed(fixed, broken, n) if said == "undecided" else None
    assert found.needed == wanted or (pd.isna(found.needed) and wanted is None)


def of_words(**columns) -> pd.DataFrame:
    """Two methods of a tagger's sweep: many answers changed, and in few texts."""
    rows = [
        {"method": "taylor", "entity_f1": 0.80, "entity_f1_change": -0.2}
        | {"entity_f1_change_low": -0.9, "entity_f1_change_high": 0.5, "change": -5.0},
        {"method": "magnitude", "entity_f1": 0.82, "entity_f1_change": 0.1}
        | {"entity_f1_change_low": -1.4, "entity_f1_change_high": 1.6, "change": -3.0},
    ]
    common = {
        "split": "selection",
        "fraction": 0.5,
        "fixed": 30,
        "broken": 30,
        "n": 10_000,
        "percentile": 50.0,
    }
    return pd.DataFrame(
        [{"change_low": -9.0, "change_high": 9.0, **common, **row, **columns} for row in rows]
    )


def test_words_of_one_text_are_not_counted_as_independent():
    """By words alone both losses would be shown to be negligible; by texts one is not."""
    assert non_inferiority(30, 30, 10_000).decided == "negligible"
    found = standings(of_words(), 0.5)
    assert list(found["negligible"]) == ["undecided", "yes"]
    assert list(found["change"]) == [0.1, -0.2]
    assert not set(found) & {"needed", "p_random_holm", "p_full_holm"}
    assert list(found["method"]) == ["magnitude", "taylor"]


def test_a_lower_perplexity_stands_higher():
    table = of_words(perplexity=0.0).drop(columns="entity_f1").assign(perplexity=[12.0, 15.0])
    found = standings(table.assign(change_low=-0.5, change_high=0.2), 0.5)
    assert list(found["method"]) == ["taylor", "magnitude"]
    assert list(found["negligible"]) == ["yes", "yes"]
    assert list(found["change"]) == [-5.0, -3.0]
