"""Pictures with a cell for every head: which are off, and one number of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures import MAGNITUDE, limits
from analysis.mask import HeadMask, name
from analysis.report.svg import element, line, picture, words

if TYPE_CHECKING:
    import pandas as pd

    from analysis.statistics import Statistic

WIDE = 640.0
"""Pixels of a whole-width picture."""
LARGEST_CELL = 30.0
"""Pixels of a cell at most, unless told otherwise."""
MARGIN = 34.0
"""Pixels beside the cells, for the layers' names."""


def mask_picture(mask: HeadMask, *, repaired: bool = False, width: float = WIDE) -> str:
    """Which heads a plan keeps: filled cells are on, hatched ones off, layers downwards.

    Args:
        mask: which heads are on.
        repaired: the layers that lost heads are repaired; a dot marks them.
        width: of the picture in pixels.
    """
    cells = Cells(mask.heads, width)
    drawn = [HATCH]
    for layer, row in enumerate(mask.rows):
        for head, on in enumerate(row):
            drawn.append(cells.cell(layer, head, "#0072B2" if on else "url(#off)"))
        told = f"{sum(row)} of {len(row)}"
        if repaired and not all(row):
            told += " •"
        drawn.append(words(cells.right + 8, cells.middle(layer), told, font_size=11))
    label = f"{mask.heads_on} of {mask.heads_total} heads on. Off: " + (
        ", ".join(map(name, mask.off_heads)) or "none"
    )
    return picture(cells.right + 70, cells.bottom + 4, label, *drawn, *cells.names())


def head_map(
    table: pd.DataFrame,
    statistic: Statistic,
    mask: HeadMask,
    *,
    width: float = 310.0,
    largest: float = LARGEST_CELL,
) -> str:
    """One number of every head as colours from low to high, with heads that are off hatched.

    Args:
        table: one row a head with `layer`, `head` and the statistic.
        statistic: which number.
        mask: which heads are on.
        width: of the picture in pixels.
        largest: pixels of a cell at most.
    """
    low, high = limits(table, statistic)
    cells = Cells(mask.heads, width, largest)
    drawn = [HATCH]
    for layer, head, value in table[["layer", "head", statistic.name]].itertuples(index=False):
        drawn.append(cells.cell(layer, head, colour((value - low) / (high - low))))
        if not mask.rows[layer][head]:
            drawn.append(cells.cell(layer, head, "url(#off)"))
    drawn += legend(cells, f"{low:.2f}", f"{high:.2f}")
    heads = list(zip(table["layer"].tolist(), table["head"].tolist(), strict=True))
    values = table[statistic.name].to_numpy()
    most, least = (name(heads[int(place)]) for place in (values.argmax(), values.argmin()))
    label = f"{statistic.title}: highest in {most} ({high:.2f}), lowest in {least} ({low:.2f})"
    return picture(width, cells.bottom + 34, label, *drawn, *cells.names())


HATCH = element(
    "defs",
    element(
        "pattern",
        element("rect", width=6, height=6, fill="#ffffff", fill_opacity=0.85),
        line(0, 0, 0, 6, stroke="#444444", stroke_width=3),
        id="off",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    ),
)
"""How a head that is off looks: not a colour, so that everybody sees it."""


class Cells:
    """Where the cells of a grid lie, below their columns' and beside their layers' names."""

    def __init__(self, heads: Sequence[int], width: float, largest: float = LARGEST_CELL) -> None:
        self.heads = heads
        columns = max(heads)
        self.step = min(largest, (width - MARGIN) / columns)
        self.right = MARGIN + columns * self.step
        self.bottom = 16 + len(heads) * self.step

    def cell(self, layer: int, head: int, fill: str) -> str:
        """The square of one head."""
        gap = min(2.0, self.step / 8)
        return element(
            "rect",
            x=MARGIN + head * self.step,
            y=16 + layer * self.step,
            width=self.step - gap,
            height=self.step - gap,
            rx=min(3.0, self.step / 8),
            fill=fill,
        )

    def middle(self, layer: int) -> float:
        """The baseline of a text beside a layer."""
        return 16 + (layer + 0.5) * self.step + 3

    def names(self) -> list[str]:
        """The layers' and some of the heads' names, as many as can be read."""
        every = max(1, round(18 / self.step))
        across = [
            words(
                MARGIN + (head + 0.5) * self.step, 11, f"H{head}", font_size=9, text_anchor="middle"
            )
            for head in range(0, max(self.heads), every if every == 1 else every * 2)
        ]
        down = [
            words(MARGIN - 6, self.middle(layer), f"L{layer}", font_size=10, text_anchor="end")
            for layer in range(0, len(self.heads), every)
        ]
        return [*across, *down]


def legend(cells: Cells, low: str, high: str) -> list[str]:
    """The scale of magnitudes below the cells, with what its ends stand for."""
    y, width = cells.bottom + 8, (cells.right - MARGIN) / len(MAGNITUDE)
    bar = [
        element("rect", x=MARGIN + place * width, y=y, width=width + 0.5, height=7, fill=colour)
        for place, colour in enumerate(MAGNITUDE)
    ]
    return [
        *bar,
        words(MARGIN, y + 19, low, font_size=10),
        words(cells.right, y + 19, high, font_size=10, text_anchor="end"),
    ]


def colour(share: float) -> str:
    """A share of 0 to 1 on the scale of magnitudes, as `#rrggbb`."""
    place = float(np.clip(share, 0, 1)) * (len(MAGNITUDE) - 1)
    first = min(int(place), len(MAGNITUDE) - 2)
    ends = [[int(MAGNITUDE[first + k][p : p + 2], 16) for p in (1, 3, 5)] for k in (0, 1)]
    mixed = (round(a + (b - a) * (place - first)) for a, b in zip(ends[0], ends[1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
