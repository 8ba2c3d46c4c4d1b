from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from analysis.forecast import Forecast
from analysis.mask import HeadMask
from analysis.ui import views


def test_a_click_in_a_group_is_forecast_for_the_whole_group() -> None:
    heads = tuple((0, head) for head in range(4))
    effects = torch.tensor([2.0, 3.0, 0.0, 0.0])[:, None, None] * torch.tensor([-1.0, 1.0])
    logits, labels = torch.tensor([[3.0, -1.0]]), torch.tensor([0])
    forecast = Forecast(heads, effects, logits, labels, "measured")
    mask = HeadMask(((True,) * 4,))
    # Alone, neither of the first two heads turns the answer; together they do.
    alone, grouped = views.forecasts(forecast, mask), views.forecasts(forecast, mask, (2,))
    assert ["−100" in words for words in alone[0]] == [False, True, False, False]
    assert ["−100" in words for words in grouped[0]] == [True, True, False, False]


@pytest.mark.parametrize(
    ("repair", "heads"),
    [
        ("none", ()),
        ("mean", ((1, 0),)),
        ("least-squares", ((1, 0), (2, 0), (2, 1))),
    ],
)
def test_a_repair_changes_the_layers_that_it_solves(repair, heads) -> None:
    mask = HeadMask(((True, True), (True, False), (True, True)))
    assert views.repaired(mask, repair) == heads


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_text_is_called_cut_where_something_was_not_read(is_cut: bool) -> None:
    subject = SimpleNamespace(max_length=64)
    assert ("not read" in views.length_note(subject, 64, is_cut=is_cut)) == is_cut


@pytest.mark.parametrize(("value", "shown"), [(-0.44, "−0.4"), (0.0, "+0.0"), (12.34, "+12.3")])
def test_points_carry_their_sign(value: float, shown: str) -> None:
    assert views.points(value) == shown
