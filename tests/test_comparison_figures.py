"""Figures draw what is in the table, and their points name their rows."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.agreement import correlation
from analysis.comparison_figures import COLUMNS, agreement_map, curves, frontier
from analysis.scores import METHODS, rank
from analysis.sweep import sweep

TITLES = {name: method.title for name, method in METHODS.items()}


@pytest.fixture(scope="module")
def table(distilbert, text):
    found = sweep(
        distilbert, text, ("magnitude", "taylor", "random"), fractions=(0.25, 0.5), seeds=(0, 1, 2)
    )
    return found.assign(latency_ratio=1 + found["fraction"] + 0.01 * found.index)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_curve_goes_through_its_rows(table, column):
    figure = curves(table, TITLES, column, baseline=float(table[column].max()))
    (line,) = [trace for trace in figure.data if trace.name == "Magnitude"]
    rows = table[table["method"] == "magnitude"]
    assert list(line.y) == pytest.approx(list(COLUMNS[column][1] * rows[column]))
    assert list(line.customdata) == list(rows.index)
    (band,) = [trace for trace in figure.data if trace.name == "random, 3 masks"]
    assert len(band.x) == 2


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("accuracy", "low", "high"),
        ("latency_ratio", "latency_low", "latency_high"),
        *((each, f"{each}_low", f"{each}_high") for each in ("loss", "agreement", "divergence")),
    ],
)
def test_a_band_goes_around_what_is_measured(table, column, low, high):
    known = table.assign(latency_low=table["latency_ratio"] - 0.1, latency_high=2.0)
    figure = curves(known, TITLES, column)
    rows, factor = known[known["method"] == "magnitude"], COLUMNS[column][1]
    band, _ = [trace for trace in figure.data if trace.legendgroup == "Magnitude"]
    wanted = [*(factor * rows[high]), *reversed((factor * rows[low]).tolist())]
    assert list(band.y) == pytest.approx(wanted)


def test_what_is_counted_has_no_band_and_neither_has_a_latency_that_was_not_timed(table):
    for column in ("flops_ratio", "parameters_ratio", "latency_ratio"):
        drawn = curves(table, TITLES, column).data
        assert sum(trace.legendgroup == "Magnitude" for trace in drawn) == 1


def test_the_frontier_holds_what_no_other_row_beats_and_the_plans(table):
    plans = pd.DataFrame({"name": ["<b>mine"], "accuracy": [0.7], "latency_ratio": [1.2]})
    figure = frontier(table, TITLES, plans)
    best = figure.data[1]
    for x, y in zip(best.x, best.y, strict=True):
        beaten = (table["latency_ratio"] > x + 1e-9) & (100 * table["accuracy"] >= y - 1e-9)
        assert not beaten.any()
    assert figure.data[2].text == ("&lt;b&gt;mine",)


def test_the_agreement_map_is_the_matrix(distilbert, text):
    matrix = correlation([rank(distilbert, text, name) for name in ("magnitude", "taylor")])
    figure = agreement_map(matrix, TITLES)
    assert list(figure.data[0].x) == ["Magnitude", "Taylor"]
    assert figure.data[0].z[0][1] == matrix.iloc[0, 1]
