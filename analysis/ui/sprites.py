"""One picture with a small map of every head, as the switchboard shows it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from analysis.figures import DIFFERENCE, MAGNITUDE

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 96
"""Pixels of a head's side at most: twice of what a cell has on most screens."""
LARGEST = 4000
"""Pixels of the picture's longer side at most."""


def sprite(layers: Sequence[Tensor], *, is_difference: bool = False, side: int = SIDE) -> str:
    """The maps of all heads, layers downwards, as the data URL of a PNG.

    Each map has a scale of its own, from 0 to its largest weight (a difference: as far above as below 0).
    Where a map has more rows than its square has pixels, a pixel shows the largest weight of its block.

    Args:
        layers: a layer each: `[heads, query, key]`.
        is_difference: draw around zero in two colours.
        side: pixels of a head's side at most.
    """
    columns = max(len(layer) for layer in layers)
    n = max(layer.shape[-1] for layer in layers)
    step = -(-n // min(side, n, max(1, LARGEST // max(columns, len(layers)))))
    size = -(-n // step)
    pixels = np.zeros((size * len(layers), size * columns), dtype=np.uint8)
    for row, layer in enumerate(layers):
        for column, tile in enumerate(_levels(layer, is_difference, step) if len(layer) else ()):
            pixels[row * size : (row + 1) * size, column * size : (column + 1) * size] = tile
    return _url(pixels, DIFFERENCE if is_difference else MAGNITUDE)


def _levels(maps: Tensor, is_difference: bool, step: int) -> np.ndarray:
    """A layer's maps as 0 to 255; every `step` tokens become one pixel, their largest."""
    from torch.nn.functional import max_pool2d

    maps = maps.float()[:, None]
    coarse = max_pool2d(maps, step, ceil_mode=True)
    if is_difference:
        lowest = -max_pool2d(-maps, step, ceil_mode=True)
        coarse = coarse.where(coarse >= -lowest, lowest)
    far = coarse.abs().amax((-2, -1), keepdim=True).clamp(min=1e-6)
    shares = (coarse / far + 1) / 2 if is_difference else coarse / far
    levels: np.ndarray = (255 * shares).round().clamp(0, 255)[:, 0].byte().numpy()
    return levels


def _url(pixels: np.ndarray, scale: Sequence[str]) -> str:
    image = Image.frombytes("P", pixels.shape[::-1], pixels.tobytes())
    image.putpalette(_palette(scale))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _palette(scale: Sequence[str]) -> list[int]:
    stops = np.array([[int(c[p : p + 2], 16) for p in (1, 3, 5)] for c in scale], dtype=float)
    places = np.linspace(0, len(scale) - 1, 256)
    channels = [np.interp(places, np.arange(len(scale)), stops[:, c]) for c in range(3)]
    return np.stack(channels, 1).round().astype(int).ravel().tolist()
