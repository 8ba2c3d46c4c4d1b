"""Figures of a comparison: curves of any column, accuracy against latency, agreement. Tables in, figures out."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from analysis.figures import CATEGORIES, DASHES, DIFFERENCE, plain
from analysis.sweep_table import GROUP, pareto, random_band
from analysis.yardstick import yardstick

NEUTRAL = "#7F7F7F"
"""Lines that are no method's: seen on white and on black."""
COLUMNS: dict[str, tuple[str, float]] = {
    "accuracy": ("accuracy (%)", 100),
    "loss": ("mean cross-entropy (nats)", 1),
    "agreement": ("answers as of the full model (%)", 100),
    "divergence": ("divergence from the full model (nats)", 1),
    "latency_ratio": ("times faster", 1),
    "flops_ratio": ("operations left (%)", 100),
    "parameters_ratio": ("weights left (%)", 100),
}
"""What a curve can show: its axis title and the factor that its unit needs."""
INTERVALS = {"accuracy": ("low", "high"), "latency_ratio": ("latency_low", "latency_high")}
"""Ends of a column's interval where they are not called after it."""


def axes(table: pd.DataFrame) -> dict[str, tuple[str, float]]:
    """`COLUMNS` in the words of the table's task, its first measure first."""
    task = yardstick(table).task
    own = {
        each.name: (f"{each.told} (%)", 100.0) if each.unit == "share" else (each.told, 1.0)
        for each in task.measures
        if each.name != "loss"
    }
    return {**own, **{name: axis for name, axis in COLUMNS.items() if name not in own}}


def curves(
    table: pd.DataFrame,
    titles: Mapping[str, str],
    column: str = "accuracy",
    baseline: float | None = None,
) -> go.Figure:
    """One column against the share of heads removed: a line a method, random as a band of 5 to 95 % of its masks.

    Args:
        table: rows of a sweep with one ablation and one repair. Points carry the row's number in the table, for
            whoever wants to open that mask.
        titles: name of each method, for people.
        column: one of `axes(table)`.
        baseline: the full model's value, if it is to be drawn.
    """
    title, factor = axes(table)[column]
    figure = go.Figure()
    if (table["method"] == "random").any():
        _add_random(figure, table, column, factor)
    methods = table[table["method"] != "random"]
    for place, (method, rows) in enumerate(methods.groupby("method", sort=False)):
        ordered = rows.sort_values("fraction")
        colour = CATEGORIES[place % len(CATEGORIES)]
        name = titles.get(str(method), str(method))
        if (ends := _ends(ordered, column)) is not None:
            figure.add_trace(_interval(ordered["fraction"], ends, factor, colour, name))
        figure.add_trace(
            go.Scatter(
                x=100 * ordered["fraction"],
                y=factor * ordered[column],
                name=name,
                legendgroup=name,
                mode="lines+markers",
                line={"color": colour, "dash": DASHES[place // len(CATEGORIES) % len(DASHES)]},
                customdata=ordered.index.tolist(),
                hovertemplate="%{x:.0f} % removed: %{y:.4g}",
            )
        )
    if baseline is not None:
        figure.add_hline(
            factor * baseline, line_dash="dot", line_color=NEUTRAL, annotation_text="all heads"
        )
    figure.update_xaxes(title_text="heads removed (%)", range=[0, 100])
    figure.update_yaxes(title_text=title)
    return _calm(figure, 480)


def frontier(
    table: pd.DataFrame, titles: Mapping[str, str], plans: pd.DataFrame | None = None
) -> go.Figure:
    """The task's first measure against latency: every timed row, the line of those that no other beats, and plans.

    Args:
        table: rows of a timed sweep; points carry the row's number in the table.
        titles: name of each method.
        plans: `name`, the first measure (such as `accuracy`, 0 to 1), `latency_ratio` of plans made by hand.
    """
    quality = yardstick(table).main.name
    title, factor = axes(table)[quality]
    timed = table.dropna(subset=["latency_ratio"])
    best = pareto(table).sort_values("latency_ratio")
    names = [titles.get(method, method) for method in timed["method"]]
    figure = go.Figure(
        [
            go.Scatter(
                x=timed["latency_ratio"],
                y=factor * timed[quality],
                mode="markers",
                name="swept",
                marker={"color": 100 * timed["fraction"], "colorscale": "Viridis", "size": 8,
                        "line": {"color": NEUTRAL, "width": 1},
                        "colorbar": {"title": {"text": "removed (%)", "side": "right"}, "thickness": 12}},
                text=names,
                customdata=timed.index.tolist(),
                hovertemplate=f"%{{text}}: {title} %{{y:.4g}}, %{{x:.2f}} times faster",
            ),
            go.Scatter(
                x=best["latency_ratio"],
                y=factor * best[quality],
                mode="lines",
                line={"color": NEUTRAL, "dash": "dot", "shape": "vh"},
                name="best",
                hoverinfo="skip",
            ),
        ]
    )  # fmt: skip
    if plans is not None and len(plans):
        figure.add_trace(
            go.Scatter(
                x=plans["latency_ratio"],
                y=factor * plans[quality],
                mode="markers+text",
                text=[plain(name) for name in plans["name"]],
                textposition="top center",
                marker={"symbol": "star", "size": 14, "color": CATEGORIES[5]},
                name="plans",
            )
        )
    figure.update_xaxes(title_text="times faster than the full model")
    figure.update_yaxes(title_text=title)
    return _calm(figure, 420)


def agreement_map(matrix: pd.DataFrame, titles: Mapping[str, str] | None = None) -> go.Figure:
    """Rank correlations as a square, blue for opposed, orange for alike."""
    names = [(titles or {}).get(name, name) for name in matrix.columns]
    figure = go.Figure(
        go.Heatmap(
            z=matrix.to_numpy(),
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            colorscale=[[place / (len(DIFFERENCE) - 1), c] for place, c in enumerate(DIFFERENCE)],
            hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
            colorbar={"title": {"text": "rank correlation", "side": "right"}, "thickness": 12},
        )
    )
    figure.update_yaxes(autorange="reversed")
    return _calm(figure, 180 + 22 * len(names))


def _add_random(figure: go.Figure, table: pd.DataFrame, column: str, factor: float) -> None:
    band = random_band(table, column).sort_values(["fraction", *GROUP[1:]])
    x = [100 * share for share in band["fraction"]]
    name = f"random, {band['masks'].iloc[0]} masks"
    figure.add_trace(
        go.Scatter(
            x=[*x, *reversed(x)],
            y=[*(factor * band["high"]), *reversed(factor * band["low"])],
            fill="toself",
            fillcolor="rgba(127,127,127,0.25)",
            mode="lines",
            line={"width": 0},
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(x=x, y=factor * band["median"], name=name, legendgroup=name, mode="lines",
                   line={"color": NEUTRAL, "dash": "dot"})
    )  # fmt: skip


def _ends(rows: pd.DataFrame, column: str) -> list[tuple[float, float]] | None:
    """Lower and upper ends of a column's intervals; None of what is counted, or of an interval that is not known."""
    low, high = INTERVALS.get(column, (f"{column}_low", f"{column}_high"))
    if not {low, high} <= set(rows) or rows[[low, high]].isna().any(axis=None):
        return None
    return list(zip(rows[low], rows[high], strict=True))


def _interval(
    fractions: pd.Series, ends: list[tuple[float, float]], factor: float, colour: str, name: str
) -> go.Scatter:
    x = (100 * fractions).tolist()
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[factor * high for _, high in ends] + [factor * low for low, _ in reversed(ends)],
        fill="toself",
        fillcolor=colour,
        opacity=0.12,
        mode="lines",
        line={"width": 0},
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )


def _calm(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": -0.2},
    )
    return figure
