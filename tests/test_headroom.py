from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.errors import ProtocolError
from analysis.headroom import headroom
from analysis.intervals import paired_change


def row(method: str, heads_on: int, fixed: int, broken: int, n: int = 500, **other) -> dict:
    change = paired_change(fixed, broken, n)
    return {
        "method": method,
        "heads_on": heads_on,
        "heads_total": 12,
        "n": n,
        "fixed": fixed,
        "broken": broken,
        "split": "selection",
        "ablation": "zero",
        "repair": "none",
        "mask": f"{method}-{heads_on}",
        "change_low": change.low,
        "change": change.points,
        "change_high": change.high,
        **other,
    }


SWEEP = pd.DataFrame(
    [
        row("taylor", 11, 0, 0),
        row("taylor", 9, 1, 1),
        row("magnitude", 11, 0, 0),
        row("magnitude", 9, 1, 0),
        row("taylor", 6, 6, 10),
        row("taylor", 3, 0, 20),
        row("random", 1, 0, 0),
    ]
)


def test_the_most_heads_with_a_loss_below_the_margin_are_shown_and_more_may_be_possible() -> None:
    found = headroom([SWEEP])
    assert found is not None
    assert (found.total, found.n, found.tried, found.methods) == (12, 500, 6, 2)
    assert found.shown is not None
    assert (found.shown.removed, found.shown.method) == (3, "magnitude")  # of equals, less loss
    assert found.possible is not None
    assert (found.possible.removed, found.possible.mask) == (6, "taylor-6")


def test_a_wider_margin_lets_more_heads_go() -> None:
    removed = [
        found.shown.removed if found and found.shown else 0
        for found in (headroom([SWEEP], margin) for margin in (0.1, 1.0, 4.0, 9.0))
    ]
    assert removed == [0, 3, 6, 9]


def test_after_the_first_mask_that_is_not_shown_a_method_shows_no_more() -> None:
    gap = pd.DataFrame([row("taylor", 11, 0, 0), row("taylor", 9, 0, 20), row("taylor", 6, 0, 0)])
    found = headroom([gap])
    assert found is not None
    assert found.shown is not None
    assert found.shown.removed == 1


def test_the_more_methods_the_more_each_has_to_show() -> None:
    alone = pd.DataFrame([row("taylor", 11, 0, 0, n=400)])
    others = [row(method, 11, 0, 9, n=400) for method in ("fisher", "kwon", "hies")]
    found = [headroom([alone]), headroom([alone, pd.DataFrame(others)])]
    assert [each.shown is not None for each in found if each] == [True, False]


def test_masks_without_harm_are_seldom_said_to_harm_nothing_where_each_costs_the_margin() -> None:
    """Three methods whose every mask truly loses one point: something is shown in one of forty samples at most."""
    generator, said = np.random.default_rng(0), 0
    for _ in range(400):
        broken = generator.binomial(872, 0.01, size=(3, 3))
        rows = [
            row(method, 11 - place, 0, int(broken[number, place]), n=872)
            for number, method in enumerate(("taylor", "magnitude", "fisher"))
            for place in range(3)
        ]
        found = headroom([pd.DataFrame(rows)])
        said += found is not None and found.shown is not None
    assert said / 400 <= 0.05


def test_nothing_is_chosen_on_the_test_split() -> None:
    with pytest.raises(ProtocolError, match="made on the selection split"):
        headroom([SWEEP, SWEEP.assign(split="test")])


def test_a_mask_that_two_sweeps_tried_counts_once() -> None:
    once, twice = headroom([SWEEP]), headroom([SWEEP, SWEEP])
    assert once == twice


def test_of_a_mask_that_was_measured_twice_the_surer_number_counts() -> None:
    few = pd.DataFrame([row("taylor", 6, 3, 4, n=250)])
    many = pd.DataFrame([row("taylor", 6, 3, 4, n=2000)])
    for tables in ([few, many], [many, few]):
        found = headroom(tables)
        assert found is not None
        assert found.shown is not None
        assert (found.shown.removed, found.shown.n, found.n) == (6, 2000, 2000)


def test_chance_proposes_nothing_and_nothing_tried_is_no_verdict() -> None:
    assert headroom([]) is None
    assert headroom([SWEEP[SWEEP["method"] == "random"]]) is None
