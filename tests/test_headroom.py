from __future__ import annotations

import pandas as pd

from analysis.headroom import headroom


def row(method: str, heads_on: int, low: float, change: float, high: float, **other) -> dict:
    return {
        "method": method,
        "heads_on": heads_on,
        "heads_total": 12,
        "n": 500,
        "split": "selection",
        "ablation": "zero",
        "repair": "none",
        "mask": f"{method}-{heads_on}",
        "change_low": low,
        "change": change,
        "change_high": high,
        **other,
    }


SWEEP = pd.DataFrame(
    [
        row("taylor", 11, -0.4, 0.0, 0.4),
        row("taylor", 9, -0.9, -0.3, 0.3),
        row("magnitude", 9, -0.9, -0.2, 0.4),
        row("taylor", 6, -1.8, -0.9, 0.1),
        row("taylor", 3, -6.0, -4.0, -2.0),
        row("random", 1, -0.2, 0.0, 0.2),
    ]
)


def test_the_most_heads_with_a_loss_below_the_margin_are_shown_and_more_may_be_possible() -> None:
    found = headroom([SWEEP])
    assert found is not None
    assert (found.total, found.n, found.tried) == (12, 500, 5)
    assert found.shown is not None
    assert (found.shown.removed, found.shown.method) == (3, "magnitude")  # of equals, less loss
    assert found.possible is not None
    assert (found.possible.removed, found.possible.mask) == (6, "taylor-6")


def test_a_wider_margin_lets_more_heads_go() -> None:
    removed = [
        found.shown.removed if found and found.shown else 0
        for found in (headroom([SWEEP], margin) for margin in (0.1, 0.5, 1.0, 2.0, 7.0))
    ]
    assert removed == [0, 1, 3, 6, 9]


def test_a_mask_that_two_sweeps_tried_counts_once() -> None:
    once, twice = headroom([SWEEP]), headroom([SWEEP, SWEEP])
    assert once == twice


def test_of_a_mask_that_was_measured_twice_the_surer_number_counts() -> None:
    few = pd.DataFrame([row("taylor", 6, -3.0, -0.2, 2.6, n=250)])
    many = pd.DataFrame([row("taylor", 6, -0.8, -0.2, 0.4, n=2000)])
    for tables in ([few, many], [many, few]):
        found = headroom(tables)
        assert found is not None
        assert found.shown is not None
        assert (found.shown.removed, found.shown.n, found.n) == (6, 2000, 2000)


def test_chance_proposes_nothing_and_nothing_tried_is_no_verdict() -> None:
    assert headroom([]) is None
    assert headroom([SWEEP[SWEEP["method"] == "random"]]) is None
