"""Tables become Plotly figures here; nothing is computed.

Colours: viridis for magnitudes, blue-orange around zero for differences, Okabe and Ito's list for
categories. All of them can be told apart by people who are colour-blind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from analysis.mask import HeadMask, name

if TYPE_CHECKING:
    import pandas as pd

    from analysis.statistics import Statistic

MAGNITUDE = (
    "#440154 #482878 #3e4989 #31688e #26828e #1f9e89 #35b779 #6ece58 #b5de2b #fde725".split()
)
"""Viridis, low to high."""
DIFFERENCE = (
    "#0b5394 #2f75b5 #6ea3d0 #abc9e3 #e3edf5 #fbeadb #f5c69a #eb9a55 #d86f1f #a84a08".split()
)
"""Blue below zero, orange above."""
CATEGORIES = "#0072B2 #E69F00 #009E73 #CC79A7 #56B4E9 #D55E00 #7F7F7F #F0E442".split()
"""Okabe and Ito 2008."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
"""A second sign beside the colour."""
BLACK, WHITE = "#000000", "#ffffff"
LONGEST_LABEL = 18
MOST_NUMBERS = 16
"""Heads of a layer beyond which a cell has no room for its number."""


def head_map(table: pd.DataFrame, statistic: Statistic, mask: HeadMask | None = None) -> go.Figure:
    """One number for each head, layers downwards; heads that are off carry a cross; a click names its head.

    Args:
        table: one row a head with `layer`, `head`, the statistic and its standard error `<name>_se`.
        statistic: which number, its unit and range.
        mask: which heads are on.
    """
    values = table.pivot(index="layer", columns="head", values=statistic.name)
    low, high = limits(table, statistic)
    figure = go.Figure(
        go.Heatmap(
            z=values.to_numpy(),
            x=[f"H{head}" for head in values.columns],
            y=[f"L{layer}" for layer in values.index],
            colorscale=MAGNITUDE,
            zmin=low,
            zmax=high,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
            colorbar={"title": {"text": statistic.unit, "side": "right"}, "thickness": 12},
        )
    )
    if mask is not None and not mask.is_full:
        figure.add_trace(crosses(mask))
    if values.shape[1] <= MOST_NUMBERS:
        figure.add_traces(_numbers(table, statistic, mask))
    figure.add_trace(_handles(table, statistic))
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False)
    figure.update_xaxes(side="top", showgrid=False, zeroline=False)
    return calm(figure, height=90 + 44 * len(values))


def scatter(
    table: pd.DataFrame, x: Statistic, y: Statistic, mask: HeadMask | None = None
) -> go.Figure:
    """Every head as a point between two of its numbers, coloured by layer; heads that are off are hollow."""
    figure = go.Figure()
    layers = sorted(table["layer"].unique().tolist())
    for colour, layer in zip(_sampled(MAGNITUDE, len(layers)), layers, strict=True):
        rows = table[table["layer"] == layer]
        heads = [(layer, head) for head in rows["head"].tolist()]
        is_on = [mask is None or mask.rows[layer][head] for layer, head in heads]
        figure.add_trace(
            go.Scatter(
                x=rows[x.name],
                y=rows[y.name],
                mode="markers",
                name=f"L{layer}",
                text=[name(head) for head in heads],
                customdata=heads,
                marker={
                    "color": colour,
                    "size": 10,
                    "symbol": ["circle" if on else "x-thin-open" for on in is_on],
                    "line": {"width": 1, "color": "rgba(128,128,128,0.8)"},
                },
                hovertemplate="%{text}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
            )
        )
    figure.update_xaxes(title_text=f"{x.title} ({x.unit})")
    figure.update_yaxes(title_text=f"{y.title} ({y.unit})")
    figure.update_layout(dragmode="lasso")
    return calm(figure, height=420)


def limits(table: pd.DataFrame, statistic: Statistic) -> tuple[float, float]:
    """The numbers that the scale's ends stand for: what was seen, inside the statistic's range."""
    seen = table[statistic.name]
    low, high = float(seen.min()), float(seen.max())
    return (low, high) if high > low else (low, low + 1e-9)


def plain(token: str, longest: int = LONGEST_LABEL) -> str:
    """A token or a text as a label: short, printable, and without meaning to HTML."""
    shown = "".join(sign if sign.isprintable() else "·" for sign in token[: longest + 1]) or "·"
    shown = shown if len(shown) <= longest else shown[: longest - 1] + "…"
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def crosses(mask: HeadMask) -> go.Scatter:
    """A cross on every head that is off, for a figure whose axes name layers and heads."""
    return go.Scatter(
        x=[f"H{head}" for _, head in mask.off_heads],
        y=[f"L{layer}" for layer, _ in mask.off_heads],
        mode="markers",
        marker={
            "symbol": "x",
            "size": 12,
            "color": "#ffffff",
            "line": {"color": "#000000", "width": 1.5},
        },
        name="switched off",
        hoverinfo="skip",
        showlegend=False,
    )


def _sampled(scale: Sequence[str], count: int) -> list[str]:
    last = len(scale) - 1
    return [scale[round(place * last / max(count - 1, 1))] for place in range(count)]


def calm(figure: go.Figure, height: int) -> go.Figure:
    """Narrow margins and a height in pixels."""
    return figure.update_layout(
        height=height, margin={"l": 10, "r": 10, "t": 30, "b": 10}, hoverlabel={"align": "left"}
    )


def _numbers(table: pd.DataFrame, statistic: Statistic, mask: HeadMask | None) -> list[go.Scatter]:
    """The number of every head that is on, in black or white, whichever its cell's colour bears better."""
    off = set(mask.off_heads) if mask is not None else set()
    heads = list(zip(table["layer"], table["head"], strict=True))
    shown = table[[head not in off for head in heads]].dropna(subset=[statistic.name])
    low, high = limits(table, statistic)
    inks = [ink((value - low) / (high - low)) for value in shown[statistic.name]]
    return [
        go.Scatter(
            x=[f"H{head}" for head in rows["head"]],
            y=[f"L{layer}" for layer in rows["layer"]],
            mode="text",
            text=[f"{value:.2f}" for value in rows[statistic.name]],
            textfont={"color": colour},
            unselected={
                "textfont": {"color": colour}
            },  # a click on a cell must not fade the others
            hoverinfo="skip",
            showlegend=False,
        )
        for colour in (BLACK, WHITE)
        if len(rows := shown[[colour == each for each in inks]])
    ]


def ink(place: float) -> str:
    """Black or white, whichever stands out more on this place (0 to 1) of `MAGNITUDE` (WCAG 2.2, contrast ratio)."""
    from plotly.colors import sample_colorscale, unlabel_rgb

    shares = [part / 255 for part in unlabel_rgb(sample_colorscale(MAGNITUDE, [place])[0])]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return BLACK if luminance > 0.179 else WHITE  # where both contrasts are 4.58


def _handles(table: pd.DataFrame, statistic: Statistic) -> go.Scatter:
    """Unseen points on the cells, because a heatmap's own cells cannot be clicked: `customdata` is the head."""
    errors = table[f"{statistic.name}_se"]
    texts = [
        f"{value:.3f}" + (f" ± {error:.3f}" if error == error else "")
        for value, error in zip(table[statistic.name], errors, strict=True)
    ]
    return go.Scatter(
        x=[f"H{head}" for head in table["head"]],
        y=[f"L{layer}" for layer in table["layer"]],
        mode="markers",
        marker={"symbol": "square", "size": 30, "opacity": 0},
        customdata=table[["layer", "head"]].to_numpy().tolist(),
        text=texts,
        hovertemplate="%{y}.%{x}: %{text}<extra></extra>",
        showlegend=False,
    )
