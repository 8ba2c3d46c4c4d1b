"""A forecast is exact where it says so, and says how far off it is elsewhere."""

from __future__ import annotations

import pytest
import torch

from analysis import forecast as forecasts
from analysis.errors import MaskError
from analysis.gradients import gate_gradients
from analysis.mask import HeadMask
from analysis.progress import finish
from analysis.replay import Replay
from analysis.text import Calibration
from tests.tiny import sentences


@pytest.fixture(scope="module")
def split():
    return Calibration(*sentences(60))


@pytest.fixture(scope="module")
def replay(distilbert, split):
    return Replay(distilbert, split, precision="float32")


@pytest.fixture(scope="module")
def measured(replay):
    logits = replay.evaluate().predictions.logits
    return forecasts.from_neighbours(finish(replay.without_each()), logits)


def test_one_head_off_is_forecast_exactly(replay, measured, distilbert):
    clicks = measured.of_each_click(HeadMask.full(distilbert.anatomy))
    for layer, head in ((0, 0), (1, 3), (2, 2)):
        mask = HeadMask.off(distilbert.anatomy, [(layer, head)])
        exact = replay.evaluate(mask)
        found = measured.of(mask)
        assert found.points == pytest.approx(exact.change.points, abs=1e-3)
        assert found.loss == pytest.approx(exact.loss - exact.baseline.loss, abs=1e-3)
        row = clicks[(clicks["layer"] == layer) & (clicks["head"] == head)].iloc[0]
        assert row["points"] == pytest.approx(found.points, abs=1e-3)


def test_nothing_off_changes_nothing(measured, distilbert):
    found = measured.of(HeadMask.full(distilbert.anatomy))
    assert (found.loss, found.points) == (0, 0)


def test_a_click_there_and_back_is_the_difference_of_two_forecasts(measured, distilbert):
    mask = HeadMask.off(distilbert.anatomy, [(0, 1), (2, 2)])
    clicks = measured.of_each_click(mask).set_index(["layer", "head"])
    for head in ((0, 1), (1, 0)):
        there = measured.of(mask.toggled(*head)).loss - measured.of(mask).loss
        assert clicks.loc[head, "loss"] == pytest.approx(there, abs=1e-4)


def test_the_gradients_forecast_is_the_tangent_of_the_truth(distilbert, split):
    heads = HeadMask.full(distilbert.anatomy).on_heads
    gradients = gate_gradients(distilbert, split, jacobian=True)
    found = forecasts.from_gradients(gradients, heads)
    assert found.effects.shape == (len(heads), len(split), 2)
    chained = -torch.einsum("nc,hnc->h", _blame(gradients), found.effects) / len(split)
    torch.testing.assert_close(chained, gradients.loss.mean(0), atol=1e-3, rtol=1e-3)


def test_the_error_is_measured_against_exact_results(replay, measured, distilbert):
    assert measured.error(3) is None
    checked = finish(forecasts.measuring(measured, replay))
    assert len(checked.misses) == len(forecasts.SHARES) * forecasts.DRAWS
    assert checked.error(0) == 0
    assert checked.error(1) == pytest.approx(0, abs=1e-3)
    assert checked.error(6) > 0
    assert measured.misses == ()


def test_the_forecast_is_there_before_its_error_is(replay):
    known = [step.result for step in forecasts.foreseeing(replay) if step.result is not None]
    assert known[0].misses == ()
    assert known[-1].error(6) is not None


def test_the_forecast_of_another_model_is_refused(measured):
    with pytest.raises(MaskError, match="another model"):
        measured.of(HeadMask(((True, False),)))


def _blame(gradients):
    blame = gradients.logits.softmax(-1)
    blame[torch.arange(len(blame)), gradients.labels] -= 1
    return blame
