"""Pictures of answers: how sure the model was before and after, where answers changed, and one text's."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from analysis.figures import CATEGORIES, calm, plain
from analysis.tryout import Tryout

KINDS = {
    "broken": ("became wrong", CATEGORIES[5], "x"),
    "fixed": ("became right", CATEGORIES[0], "circle"),
    "other": ("another wrong answer", CATEGORIES[1], "diamond"),
}
"""Name, colour and sign of what became of an answer."""
SHOWN = 2000
"""Unchanged sentences that are drawn at most; those past it in the split are left out."""
LABELS = 8
"""Labels of a text's answer that are drawn at most."""
SNIPPET = 90
"""Characters of a sentence that a hover label shows."""


def probabilities(sentences: pd.DataFrame, names: Sequence[str]) -> go.Figure:
    """Every sentence as a point: the right label's probability before and after.

    Args:
        sentences: rows of a `flips.Comparison`.
        names: what the two models are called.
    """
    same = sentences[sentences["what"] == "same"].head(SHOWN)
    figure = go.Figure(_points(same, "same answer", "rgba(128,128,128,0.45)", "circle", 5))
    for kind, (title, colour, symbol) in KINDS.items():
        rows = sentences[sentences["what"] == kind]
        if len(rows):
            figure.add_trace(_points(rows, title, colour, symbol, 8))
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": "gray", "dash": "dot"})
    figure.update_xaxes(title_text=f"right label, {plain(names[0])}", range=[-0.03, 1.03])
    figure.update_yaxes(title_text=f"right label, {plain(names[1])}", range=[-0.03, 1.03])
    return _legend_above(figure, 380)


def by_group(summary: pd.DataFrame) -> go.Figure:
    """Share of changed answers in each group, a bar for each kind of change, with its 95 % interval.

    Args:
        summary: as `flips.summary` gives it.
    """
    groups = [plain(str(group)) for group in summary["group"]]
    figure = go.Figure()
    for kind, (title, colour, _) in KINDS.items():
        if kind == "other" and not summary[kind].any():
            continue
        figure.add_trace(
            go.Bar(
                y=groups,
                x=100 * summary[kind] / summary["n"],
                name=title,
                orientation="h",
                marker={"color": colour},
                customdata=summary[[kind, "n"]].to_numpy(),
                hovertemplate="%{y}: %{customdata[0]} of %{customdata[1]} sentences (%{x:.1f} %)",
            )
        )
    figure.add_trace(_whiskers(summary, groups))
    figure.update_layout(barmode="stack")
    figure.update_yaxes(autorange="reversed", ticksuffix=" ")
    figure.update_xaxes(title_text="answers that changed (%)", rangemode="tozero")
    return _legend_above(figure, 120 + 38 * len(groups))


def answers(tryout: Tryout) -> go.Figure:
    """One text's probabilities: a group of bars for each label, a bar for each mask."""
    highest = [
        max(row[place] for row in tryout.probabilities) for place in range(len(tryout.labels))
    ]
    shown = sorted(range(len(highest)), key=lambda place: -highest[place])[:LABELS]
    shown = sorted(shown)
    labels = [plain(tryout.labels[place]) for place in shown]
    figure = go.Figure()
    for number, (name, row) in enumerate(zip(tryout.names, tryout.probabilities, strict=True)):
        shares = [100 * row[place] for place in shown]
        figure.add_trace(
            go.Bar(
                y=labels,
                x=shares,
                name=plain(name),
                orientation="h",
                marker={
                    "color": CATEGORIES[number % len(CATEGORIES)],
                    "pattern": {"shape": ("", "/", ".", "x")[number % 4]},
                },
                text=[f"{share:.1f} %" for share in shares],
                textposition="auto",
                hovertemplate="%{y}: %{x:.1f} %",
            )
        )
    figure.update_yaxes(autorange="reversed", ticksuffix=" ")
    figure.update_xaxes(range=[0, 100], title_text="probability (%)")
    return _legend_above(figure, 110 + (14 + 24 * len(tryout.names)) * len(labels))


def _points(rows: pd.DataFrame, title: str, colour: str, symbol: str, size: int) -> go.Scatter:
    return go.Scatter(
        x=rows["probability_before"],
        y=rows["probability_after"],
        mode="markers",
        name=title,
        marker={"color": colour, "symbol": symbol, "size": size},
        text=[plain(text, SNIPPET) for text in rows["text"]],
        hovertemplate="%{text}<br>%{x:.2f} → %{y:.2f}",
    )


def _whiskers(summary: pd.DataFrame, groups: list[str]) -> go.Scatter:
    share = 100 * summary["share"]
    return go.Scatter(
        y=groups,
        x=share,
        mode="markers",
        marker={"size": 1, "color": "gray"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": 100 * summary["high"] - share,
            "arrayminus": share - 100 * summary["low"],
            "color": "gray",
        },
        name="95 % interval",
        hoverinfo="skip",
        showlegend=False,
    )


def _legend_above(figure: go.Figure, height: int) -> go.Figure:
    legend = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}
    return calm(figure, height).update_layout(legend=legend)
