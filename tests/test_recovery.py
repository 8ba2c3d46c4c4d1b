"""What a repair won back counts what is worse as lost, whichever way the measure runs."""

from __future__ import annotations

import pytest

from analysis.handover.recovery import Recovery
from analysis.intervals import Change
from analysis.measures import Measured
from analysis.tasks import Measure

ACCURACY = Measure("accuracy", "Accuracy", "share", True, "right answers")
PERPLEXITY = Measure("perplexity", "Perplexity", "", False, "surprise")


def moved(measure: Measure, by: float, low: float, high: float) -> Measured:
    return Measured(measure, 0.5, 0.4, 0.6, Change(by, low, high))


def test_points_won_back_are_a_share_of_the_points_lost():
    found = Recovery.of(moved(ACCURACY, -2.0, -3.0, -1.0), moved(ACCURACY, 1.5, 0.5, 2.5))
    assert (found.lost, found.regained, found.low, found.high) == (2.0, 1.5, 0.5, 2.5)
    assert found.share == pytest.approx(0.75)
    assert found.sentence == (
        "Removing alone made accuracy worse by 2.00 points; repair won back 1.50 points "
        "(+0.50 to +2.50 for the better, 95 % interval), 75 % of the loss."
    )


def test_a_perplexity_that_falls_is_won_back():
    found = Recovery.of(moved(PERPLEXITY, 4.0, 3.0, 5.0), moved(PERPLEXITY, -1.0, -1.5, -0.5))
    assert (found.lost, found.regained, found.low, found.high) == (4.0, 1.0, 0.5, 1.5)
    assert "made perplexity worse by 4.00; repair won back 1.00" in found.sentence


def test_a_repair_that_makes_it_worse_says_so():
    found = Recovery.of(moved(PERPLEXITY, 1.2, 1.0, 1.4), moved(PERPLEXITY, 0.5, 0.3, 0.7))
    assert found.regained == -0.5
    assert "repair made it worse by 0.50 more" in found.sentence


def test_where_nothing_was_lost_there_is_no_share():
    found = Recovery.of(moved(ACCURACY, 0.5, -0.5, 1.5), moved(ACCURACY, -0.25, -1.0, 0.5))
    assert found.share is None
    assert "nothing to win back; with repair it is worse by 0.25 points" in found.sentence
    assert found.regained == -0.25
