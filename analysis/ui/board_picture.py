"""The board of all heads as people take it away: a picture of what its cells show, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from analysis.mask import Head, HeadMask, name
from analysis.report import svg
from analysis.report.heads import HATCH, MARGIN, WIDE, Cells, colour, legend
from analysis.ui.switchboard import Colouring

if TYPE_CHECKING:
    from torch import Tensor

WITH_MAPS = 96.0
"""Pixels of a cell with a map at most."""
PLAIN, UNKNOWN, PAPER = "#0072B2", "#dddddd", "#ffffff"


def picture(
    mask: HeadMask, *, colouring: Colouring | None = None, sprite: str | None = None
) -> str:
    """The board as SVG on white, layers downwards; heads that are off are hatched.

    Args:
        mask: which heads are on.
        colouring: the number that gives a cell its colour.
        sprite: the picture of every head's map (see `sprites`), in the place of colours.
    """
    if sprite is not None:
        cells = Cells(mask.heads, WIDE * 1.5, WITH_MAPS)
        drawn, told = _maps(mask, cells, sprite), "Attention map of every head"
    else:
        cells = Cells(mask.heads, WIDE)
        drawn, told = _colours(mask, cells, colouring), "Heads by layer"
        told += f", coloured by {colouring.title}" if colouring else ""
    drawn += [cells.cell(layer, head, "url(#off)") for layer, head in mask.off_heads]
    label = f"{told}; off: {', '.join(map(name, mask.off_heads)) or 'none'}"
    return svg.on_white(
        svg.picture(cells.right + 8, cells.bottom + 50, label, HATCH, *drawn, *cells.names())
    )


def numbers(mask: HeadMask, colouring: Colouring | None = None) -> pd.DataFrame:
    """One row a head: `layer`, `head`, whether it is on, and the number of its colour."""
    rows = [
        {"layer": layer, "head": head, "on": on}
        for layer, row in enumerate(mask.rows)
        for head, on in enumerate(row)
    ]
    table = pd.DataFrame(rows, columns=["layer", "head", "on"])
    if colouring is None:
        return table
    return table.assign(**{colouring.title: [value for row in colouring.values for value in row]})


def weights(layers: Sequence[Tensor], names: Sequence[str]) -> pd.DataFrame:
    """The maps of all heads: a row a head and query, a column a key.

    Args:
        layers: a layer each: `[heads, query, key]`.
        names: of the places on both sides.
    """
    every = [(layer, head) for layer, maps in enumerate(layers) for head in range(len(maps))]
    return several(every, layers, names)


def several(heads: Sequence[Head], layers: Sequence[Tensor], names: Sequence[str]) -> pd.DataFrame:
    """As `weights`, of some heads only."""
    keys = [f"{place} {each}".strip() for place, each in enumerate(names)]
    parts = []
    for layer, head in heads:
        part = pd.DataFrame(layers[layer][head].float().numpy(), columns=keys)
        part.insert(0, "query", keys)
        part.insert(0, "head", head)
        part.insert(0, "layer", layer)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _colours(mask: HeadMask, cells: Cells, colouring: Colouring | None) -> list[str]:
    if colouring is None:
        return [cells.cell(*head, PLAIN) for head in (*mask.on_heads, *mask.off_heads)]
    low, high = colouring.low, colouring.high
    drawn = []
    for layer, row in enumerate(colouring.values):
        for head, value in enumerate(row):
            ink = UNKNOWN if pd.isna(value) else colour((value - low) / ((high - low) or 1.0))
            drawn.append(cells.cell(layer, head, ink))
    title = svg.words(MARGIN, cells.bottom + 42, colouring.title, font_size=11)
    return [*drawn, *legend(cells, colouring.text(low), colouring.text(high)), title]


def _maps(mask: HeadMask, cells: Cells, sprite: str) -> list[str]:
    """The picture as a whole, white lines between its heads, and white where a layer has fewer."""
    step, columns, layers = cells.step, max(mask.heads), len(mask.heads)
    wide, high = columns * step, layers * step
    top = cells.bottom - high
    drawn = [
        svg.element(
            "image",
            href=sprite,
            x=MARGIN,
            y=top,
            width=wide,
            height=high,
            preserveAspectRatio="none",
            style="image-rendering:pixelated",
        )
    ]
    for layer, count in enumerate(mask.heads):
        x, y = MARGIN + count * step, top + layer * step
        empty = {"width": (columns - count) * step, "height": step, "fill": PAPER}
        drawn.append(svg.element("rect", x=x, y=y, **empty))
        drawn.append(svg.line(MARGIN, y, MARGIN + wide, y, stroke=PAPER, stroke_width=2))
    for column in range(columns):
        x = MARGIN + column * step
        drawn.append(svg.line(x, top, x, top + high, stroke=PAPER, stroke_width=2))
    return drawn
