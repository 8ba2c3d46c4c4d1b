from __future__ import annotations

import base64
import io

import numpy as np
import torch
from PIL import Image

from analysis.ui import sprites
from analysis.ui.sprites import sprite


def picture(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_the_sprite_has_every_map_in_its_place_on_its_own_scale() -> None:
    weights = torch.zeros(2, 3, 4, 4)
    weights[1, 2, 0, 3] = 0.5
    pixels = picture(sprite(tuple(weights)))
    assert pixels.shape == (8, 12)
    assert pixels[4, 11] == 255
    assert pixels.sum() == 255


def test_a_layer_that_has_lost_heads_leaves_their_places_empty() -> None:
    pixels = picture(sprite([torch.ones(2, 3, 3), torch.ones(0, 3, 3), torch.ones(1, 3, 3)]))
    assert pixels.shape == (9, 6)
    assert (pixels[3:6] == 0).all()
    assert (pixels[6:, 3:] == 0).all()


def test_a_long_text_is_drawn_coarsely_and_keeps_its_peaks() -> None:
    weights = torch.zeros(1, 1, 30, 30)
    weights[0, 0, 17, 29] = 1
    pixels = picture(sprite(tuple(weights), side=8))
    assert max(pixels.shape) <= 8
    assert (pixels == 255).sum() == 1


def test_a_difference_keeps_peaks_of_both_signs() -> None:
    weights = torch.zeros(1, 1, 4, 4)
    weights[0, 0, 0, 0], weights[0, 0, 1, 1], weights[0, 0, 3, 3] = -0.4, 0.1, 0.2
    pixels = picture(sprite(tuple(weights), is_difference=True, side=2))
    assert pixels.tolist() == [[0, 128], [128, 191]]


def test_the_picture_of_many_heads_stays_below_its_limit(monkeypatch) -> None:
    monkeypatch.setattr(sprites, "LARGEST", 20)
    assert max(picture(sprite([torch.rand(5, 9, 9)] * 2)).shape) <= 20
