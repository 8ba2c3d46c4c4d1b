from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from analysis.profiling import Maps
from analysis.ui import views


def picture(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_the_sprite_has_every_map_in_its_place_on_its_own_scale() -> None:
    weights = torch.zeros(2, 3, 4, 4)
    weights[1, 2, 0, 3] = 0.5
    one = Maps(("a", "b", "c", "d"), tuple(weights))
    pixels = picture(views.sprite((one, one), "all heads"))
    assert pixels.shape == (8, 12)
    assert pixels[4, 11] == 255
    assert pixels.sum() == 255


def test_a_long_text_is_drawn_coarsely_and_keeps_its_peaks(monkeypatch) -> None:
    monkeypatch.setattr(views, "LARGEST_SPRITE", 8)
    weights = torch.zeros(1, 1, 30, 30)
    weights[0, 0, 17, 29] = 1
    one = Maps(("a",) * 30, tuple(weights))
    pixels = picture(views.sprite((one, one), "all heads"))
    assert max(pixels.shape) <= 8
    assert (pixels == 255).sum() == 1


@pytest.mark.parametrize(("value", "shown"), [(-0.44, "−0.4"), (0.0, "+0.0"), (12.34, "+12.3")])
def test_points_carry_their_sign(value: float, shown: str) -> None:
    assert views.points(value) == shown
