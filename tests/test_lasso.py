from __future__ import annotations

from analysis.mask import HeadMask
from analysis.ui.lasso import circled

MASK = HeadMask(((True, True), (True, False)))


def test_selected_points_name_their_heads_once_and_in_order() -> None:
    points = [{"customdata": [1, 1]}, {"customdata": [0, 1]}, {"customdata": [1, 1]}]
    assert circled(points, MASK) == [(0, 1), (1, 1)]


def test_what_is_no_head_of_the_model_is_left_out() -> None:
    points = [{}, {"customdata": [7, 0]}, {"customdata": [0, 9]}, {"customdata": ["0", "1"]}]
    assert circled(points, MASK) == []
