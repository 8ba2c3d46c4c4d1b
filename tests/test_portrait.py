from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis.errors import MaskError
from analysis.portrait import WORDINGS, standings
from analysis.statistics import STATISTICS, Statistic

HEADS = 10


@pytest.fixture
def table() -> pd.DataFrame:
    frame = pd.DataFrame({"layer": [0] * 5 + [1] * 5, "head": [*range(5), *range(5)]})
    for name in STATISTICS:
        frame[name] = [number / HEADS for number in range(HEADS)]
        frame[f"{name}_se"] = 0.01
    return frame


def standing(table, head, name="previous"):
    return next(
        each for each in standings(table, STATISTICS.values(), head) if each.statistic.name == name
    )


def test_the_percentile_is_the_share_of_other_heads_below(table) -> None:
    assert standing(table, (1, 4)).percentile == 100
    assert standing(table, (0, 0)).percentile == 0
    assert standing(table, (0, 3)).percentile == pytest.approx(100 * 3 / 9)


def test_words_say_what_and_compared_with_whom(table) -> None:
    assert standing(table, (1, 4)).sentence == (
        "looks at the previous token 90 % (± 2.0) of the time: more than every other head"
    )
    assert standing(table, (0, 1)).sentence == (
        "looks at the previous token 10 % (± 2.0) of the time: less than 88 % of the other heads"
    )
    assert "more focused than" in standing(table, (0, 1), "entropy").sentence


def test_every_statistic_has_words_of_its_own(table) -> None:
    assert set(WORDINGS) == set(STATISTICS)
    said = [each.sentence for each in standings(table, STATISTICS.values(), (0, 2))]
    assert len(set(said)) == len(STATISTICS)


def test_the_most_unusual_comes_first(table) -> None:
    table["distance"] = [0.0, 9, 1, 2, 3, 4, 5, 6, 7, 8]
    table["entropy"] = [0.0, 4.5, 1, 2, 3, 4, 5, 6, 7, 8]
    found = standings(table, STATISTICS.values(), (0, 1))
    assert found[0].statistic.name == "distance"
    assert found[-1].statistic.name == "entropy"
    oddities = [each.oddity for each in found]
    assert oddities == sorted(oddities, reverse=True)


def test_what_all_heads_share_says_nothing_about_one(table) -> None:
    table["cls"] = 0.0
    assert "cls" not in {
        each.statistic.name for each in standings(table, STATISTICS.values(), (0, 0))
    }


def test_a_single_head_is_described_without_a_comparison(table) -> None:
    found = standings(table.head(1), STATISTICS.values(), (0, 0))
    assert len(found) == len(STATISTICS)
    assert math.isnan(found[0].percentile)
    assert "no other head" in found[0].sentence


def test_an_unknown_error_is_left_out(table) -> None:
    table["previous_se"] = float("nan")
    assert "±" not in standing(table, (0, 1)).sentence


def test_a_statistic_without_words_is_said_by_its_title(table) -> None:
    new = Statistic("new", "Newness", "nats", 0, 1, "")
    table = table.assign(new=table["previous"], new_se=0.0)
    assert standings(table, [new], (1, 4))[0].sentence.startswith("Newness: 0.90")


def test_a_head_that_is_not_there_is_named(table) -> None:
    with pytest.raises(MaskError, match=r"L7\.H0"):
        standings(table, STATISTICS.values(), (7, 0))
