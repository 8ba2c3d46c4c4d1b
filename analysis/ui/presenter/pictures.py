"""Pictures that are read from the last row: few marks, large words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.report.html import short
from analysis.report.svg import element, line, picture, words
from analysis.ui.sprites import sprite
from analysis.wording import percent

if TYPE_CHECKING:
    import pandas as pd

    from analysis.evaluation import Evaluation

BLUE, ORANGE = "#0072B2", "#D55E00"
WIDTH = 1200.0
"""Units of a picture's width; the page gives them their pixels."""
GAP = 26.0
"""Between two maps."""
LARGEST = 24
"""Tokens of a map whose names are written beside it."""
LONGEST = 12
"""Characters of such a name."""
PIXELS = 256
"""Of a map's side at most: what it has room for, so that no bright token falls between two pixels."""


def maps(drawn: Sequence[tuple[str, str, np.ndarray]], tokens: Sequence[str]) -> str:
    """Several heads' maps of one text side by side, each under its name and what it does.

    Args:
        drawn: for each head its name, a few words, and its map `[query, key]`, rows sum to 1.
        tokens: the text's tokens.
    """
    names = [short(token)[:LONGEST] for token in tokens] if len(tokens) <= LARGEST else []
    left = 104.0 if names else 0.0
    side = (WIDTH - left - GAP * (len(drawn) - 1)) / len(drawn)
    step = side / max(len(tokens), 1)
    parts = [
        words(
            left - 8, 62 + (place + 0.7) * step, token, font_size=min(15.0, step), text_anchor="end"
        )
        for place, token in enumerate(names)
    ]
    for place, (head, told, weights) in enumerate(drawn):
        x = left + place * (side + GAP)
        parts.append(words(x, 20, head, font_size=20, font_weight=600))
        parts.append(words(x, 46, told, font_size=16.5))
        parts.append(_image(weights, x, 62, side))
    label = "; ".join(f"{head} {told}" for head, told, _ in drawn)
    return picture(WIDTH, 66 + side, f"Attention maps: {label}", *parts)


def accuracies(before: Evaluation, now: Evaluation) -> str:
    """Accuracy with all heads and under the mask, each with its interval, on one axis."""
    low = 100 * min(before.low, now.low) - 1
    high = 100 * max(before.high, now.high) + 1
    parts, rows = [], ((before, "all heads", BLUE), (now, f"{now.heads_on} heads", ORANGE))

    def x(value: float) -> float:
        return 190 + (100 * value - low) / (high - low) * (WIDTH - 230)

    for place, (found, name, ink) in enumerate(rows):
        y = 90.0 + 150 * place
        parts += [
            words(0, y + 10, name, font_size=30),
            line(
                x(found.low),
                y,
                x(found.high),
                y,
                stroke=ink,
                stroke_width=12,
                stroke_linecap="round",
            ),
            element("circle", cx=x(found.accuracy), cy=y, r=20, fill=ink),
            words(
                x(found.accuracy),
                y - 36,
                percent(found.accuracy),
                font_size=40,
                text_anchor="middle",
            ),
        ]
    for share in np.linspace(low, high, 5)[1:-1]:
        parts.append(
            words(x(share / 100), 320, f"{share:.0f} %", font_size=22, text_anchor="middle")
        )
        parts.append(line(x(share / 100), 40, x(share / 100), 290, stroke_opacity=0.15))
    told = ", ".join(
        f"{name}: {percent(e.accuracy)} ({100 * e.low:.1f} to {100 * e.high:.1f})"
        for e, name, _ in rows
    )
    return picture(WIDTH, 330, f"Accuracy with its 95 % interval. {told}", *parts)


def shares(rows: Sequence[tuple[str, float, str]]) -> str:
    """What is left of each cost of the full model, as bars.

    Args:
        rows: for each cost its name, the share that is left (1 is as much as before), and a few words.
    """
    parts = []
    for place, (name, share, told) in enumerate(rows):
        y = 20.0 + 120 * place
        full = WIDTH - 20
        parts += [
            words(0, y + 18, name, font_size=26),
            element(
                "rect",
                x=0,
                y=y + 32,
                width=full,
                height=44,
                rx=8,
                fill="currentColor",
                fill_opacity=0.12,
            ),
            element(
                "rect", x=0, y=y + 32, width=full * min(share, 1.0), height=44, rx=8, fill=BLUE
            ),
            words(14, y + 62, told, font_size=24, fill="#ffffff"),
        ]
    label = "; ".join(f"{name}: {told}" for name, _, told in rows)
    return picture(WIDTH, 20 + 120 * len(rows), label, *parts)


def accuracy_table(before: Evaluation, now: Evaluation) -> pd.DataFrame:
    """The numbers of `accuracies`: a row a model, shares of 0 to 1 with the ends of their intervals."""
    import pandas as pd

    rows = [(e.heads_on, e.n, e.accuracy, e.low, e.high) for e in (before, now)]
    return pd.DataFrame(rows, columns=["heads on", "sentences", "accuracy", "low", "high"])


def share_table(rows: Sequence[tuple[str, float]]) -> pd.DataFrame:
    """The numbers of `shares`: a row a cost, and what is left of it (1 is as much as before)."""
    import pandas as pd

    return pd.DataFrame(rows, columns=["cost", "left"])


def _image(weights: np.ndarray, x: float, y: float, side: float) -> str:
    """A map as one image, so that a long text is as light as a short one."""
    import torch

    return element(
        "image",
        href=sprite([torch.from_numpy(weights)[None]], side=PIXELS),
        x=x,
        y=y,
        width=side,
        height=side,
        style="image-rendering:pixelated",
    )
