"""Pictures of one head: where it stands among all heads, and its maps side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures import CATEGORIES, MAGNITUDE, calm, plain
from analysis.intervals import Z
from analysis.mask import Head, name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analysis.statistics import Statistic

GOLDEN = 0.618034
"""Multiples of it, modulo 1, are spread evenly: neighbouring heads are drawn at different heights."""
COLUMNS = 5
"""Maps side by side."""
FINEST = 192
"""Rows of such a map at most: it has no more pixels."""
TITLE = 44


def strips(table: pd.DataFrame, statistics: Sequence[Statistic], head: Head) -> go.Figure:
    """A row of dots for each statistic, a dot a head, from the lowest to the highest; one head is marked.

    Its whisker reaches two standard errors to either side, where they are known.

    Args:
        table: one row a head: `layer`, `head`, each statistic and its standard error `<name>_se`.
        statistics: the rows of the picture, from the top.
        head: the marked one.
    """
    heads = list(zip(table["layer"].tolist(), table["head"].tolist(), strict=True))
    chosen = heads.index(head)
    others = _dots("other heads", "rgba(128,128,128,0.45)", "circle", 7)
    marked = _dots(name(head), CATEGORIES[5], "diamond", 13)
    spreads = []
    for row, statistic in enumerate(statistics):
        values = table[statistic.name].tolist()
        low, wide = min(values), max(max(values) - min(values), 1e-12)
        for place, value in enumerate(values):
            height = row + 0.5 * ((place * GOLDEN) % 1 - 0.5)
            label = f"{name(heads[place])}, {statistic.title}: {value:.3g}"
            dots = marked if place == chosen else others
            dots["x"].append((value - low) / wide)
            dots["y"].append(row if place == chosen else height)
            dots["text"].append(label)
        error = float(table[f"{statistic.name}_se"].iloc[chosen])
        spreads.append(0.0 if math.isnan(error) else Z * error / wide)
    figure = go.Figure([go.Scatter(**others), go.Scatter(**marked)])
    figure.data[1].error_x = {"type": "data", "array": spreads, "color": CATEGORIES[5]}
    titles = [statistic.title for statistic in statistics]
    figure.update_yaxes(
        tickvals=list(range(len(titles))), ticktext=titles, autorange="reversed", zeroline=False
    )
    figure.update_xaxes(
        tickvals=[0, 1], ticktext=["lowest head", "highest head"], range=[-0.05, 1.05],
        zeroline=False,
    )  # fmt: skip
    legend = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}
    return calm(figure, 90 + 30 * len(titles)).update_layout(legend=legend)


def gallery(
    maps: Mapping[str, np.ndarray], tokens: Mapping[str, Sequence[str]] | None = None
) -> go.Figure:
    """Attention maps side by side, each on a scale of its own from 0 to its largest weight.

    A map of more than `FINEST` tokens is drawn in blocks, each as its largest weight.

    Args:
        maps: by title, `[query, key]`.
        tokens: of each of them, for the labels under the pointer.
    """
    columns = min(COLUMNS, max(len(maps), 1))
    rows = max(1, -(-len(maps) // columns))
    titles = [plain(title, TITLE) for title in maps]
    figure = make_subplots(
        rows, columns, subplot_titles=titles, horizontal_spacing=0.02, vertical_spacing=0.12
    )
    for place, (title, weights) in enumerate(maps.items()):
        labels = _blocks_named([plain(token) for token in tokens[title]]) if tokens else None
        figure.add_trace(
            _heat(_blocks(weights), labels), row=place // columns + 1, col=place % columns + 1
        )
    kind = {"type": "category"} if tokens else {}
    bare = {"showticklabels": False, "showgrid": False, "zeroline": False, **kind}
    figure.update_xaxes(**bare)
    figure.update_yaxes(**bare, autorange="reversed")
    figure.update_annotations(font_size=12)
    return calm(figure, 40 + 190 * rows)


def pattern(weights: np.ndarray) -> go.Figure:
    """A mean pattern: where in the sentence the head looks, from where.

    Args:
        weights: `[query bin, key bin]`; rows sum to 1.
    """
    figure = go.Figure(_heat(weights, None))
    ends = {"tickvals": [0, len(weights) - 1], "ticktext": ["start", "end"], "showgrid": False}
    figure.update_xaxes(**ends, side="top", title_text="looked at (key)", zeroline=False)
    figure.update_yaxes(**ends, autorange="reversed", title_text="looking (query)", zeroline=False)
    return calm(figure, 340)


def _heat(weights: np.ndarray, labels: Sequence[str] | None) -> go.Heatmap:
    return go.Heatmap(
        z=weights,
        colorscale=MAGNITUDE,
        zmin=0,
        zmax=max(float(weights.max()), 1e-6),
        showscale=False,
        x=labels,
        y=labels,
        hovertemplate=("%{y} → %{x}: " if labels else "") + "%{z:.3f}<extra></extra>",
    )


def _blocks(weights: np.ndarray) -> np.ndarray:
    """A square map in at most `FINEST` rows and columns, each number the largest weight of its block."""
    import numpy as np

    n, width = len(weights), _width(len(weights))
    rows = -(-n // width)
    beyond = width * rows - n
    padded = np.pad(weights, ((0, beyond), (0, beyond)))
    largest: np.ndarray = padded.reshape(rows, width, rows, width).max((1, 3))
    return largest.astype(np.float32)


def _blocks_named(tokens: Sequence[str]) -> list[str]:
    """The rows' names, no two alike: a block's first and last token, each with its place from 0."""
    width, told = _width(len(tokens)), [f"{place} {token}" for place, token in enumerate(tokens)]
    blocks = [told[start : start + width] for start in range(0, len(told), width)]
    return [" … ".join(dict.fromkeys((block[0], block[-1]))) for block in blocks]


def _width(n: int) -> int:
    """Tokens of a block."""
    return max(1, -(-n // FINEST))


def _dots(title: str, colour: str, symbol: str, size: int) -> dict:
    return {
        "x": [],
        "y": [],
        "text": [],
        "name": title,
        "mode": "markers",
        "marker": {"color": colour, "symbol": symbol, "size": size},
        "hovertemplate": "%{text}<extra></extra>",
    }
