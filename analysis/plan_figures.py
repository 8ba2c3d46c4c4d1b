"""Figures of plans: the tree over heads and quality, and two masks side by side. Tables in, figures out."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from analysis.figures import CATEGORIES, calm, crosses, plain
from analysis.mask import HeadMask, name
from analysis.store import Result
from analysis.tasks import ACCURACY, Measure

ON, OFF, APART = "#7A8CA3", "rgba(127,127,127,0.12)", CATEGORIES[1]
LINE = "rgba(127,127,127,0.55)"


def tree(
    table: pd.DataFrame, full: Result | None, heads: int, measure: Measure = ACCURACY
) -> go.Figure:
    """Every measured plan at its heads and quality, with its interval and a line from its parent.

    Args:
        table: rows of `plan_tree.table`; a point's `customdata` is the plan's id.
        full: the full model, from which plans without a parent come.
        heads: heads of the full model.
        measure: what the plans are judged by.
    """
    measured = table.dropna(subset=["value"])
    factor, _ = _in_unit(measure)
    places = {
        str(id): (float(heads_on), factor * float(value))
        for id, heads_on, value in measured[["id", "heads_on", "value"]].to_numpy().tolist()
    }
    root = (heads, factor * full.value) if full is not None else None
    figure = go.Figure()
    x, y = _lines(measured, places, root)
    figure.add_trace(
        go.Scatter(x=x, y=y, mode="lines", line={"color": LINE, "width": 1.5}, hoverinfo="skip")
    )
    if full is not None:
        figure.add_trace(
            _points([heads], [full], ["all heads"], [""], CATEGORIES[6], "square", measure)
        )
    results = [Result(*row) for row in measured[list(Result.__annotations__)].to_numpy().tolist()]
    names = [plain(each) for each in measured["name"]]
    ids = measured["id"].tolist()
    figure.add_trace(
        _points(
            measured["heads_on"].tolist(), results, names, ids, CATEGORIES[0], "circle", measure
        )
    )
    figure.update_xaxes(title_text="heads on", autorange="reversed", zeroline=False)
    figure.update_yaxes(
        title_text=f"{measure.told} (%)" if measure.unit == "share" else measure.told,
        zeroline=False,
    )
    return calm(figure, 380).update_layout(showlegend=False)


def mask_map(mask: HeadMask, other: HeadMask, other_name: str) -> go.Figure:
    """A mask's heads, layers downwards; off heads carry a cross, those that differ from the other are orange."""
    columns = max(mask.heads)
    colours: list[list[int | None]] = []
    texts: list[list[str]] = []
    for layer, row in enumerate(mask.rows):
        beside = other.rows[layer]
        shades = [_shade(on, on != beside[head]) for head, on in enumerate(row)]
        colours.append([*shades, *[None] * (columns - len(row))])
        texts.append(
            [_said((layer, head), on, beside[head], other_name) for head, on in enumerate(row)]
        )
    figure = go.Figure(
        go.Heatmap(
            z=colours,
            x=[f"H{head}" for head in range(columns)],
            y=[f"L{layer}" for layer in range(len(mask.rows))],
            customdata=texts,
            zmin=0,
            zmax=2,
            colorscale=[[0, OFF], [0.34, OFF], [0.34, ON], [0.67, ON], [0.67, APART], [1, APART]],
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    figure.add_trace(crosses(mask))
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False)
    figure.update_xaxes(side="top", showgrid=False, zeroline=False)
    return calm(figure, 60 + 30 * len(mask.rows)).update_layout(showlegend=False)


def mask_table(mask: HeadMask, other: HeadMask) -> pd.DataFrame:
    """What `mask_map` draws: a row a head, whether it is on, and whether the other mask differs there."""
    rows = [
        {"layer": layer, "head": head, "on": on, "differs": on != other.rows[layer][head]}
        for layer, row in enumerate(mask.rows)
        for head, on in enumerate(row)
    ]
    return pd.DataFrame(rows)


def _points(
    heads: list[int],
    results: list[Result],
    names: list[str],
    ids: list[str],
    colour: str,
    symbol: str,
    measure: Measure,
) -> go.Scatter:
    factor, unit = _in_unit(measure)
    return go.Scatter(
        x=heads,
        y=[factor * result.value for result in results],
        error_y={
            "array": [factor * (result.high - result.value) for result in results],
            "arrayminus": [factor * (result.value - result.low) for result in results],
            "thickness": 1,
            "width": 3,
        },
        mode="markers+text",
        text=names,
        textposition="top center",
        cliponaxis=False,
        customdata=ids,
        marker={"color": colour, "size": 11, "symbol": symbol},
        hovertemplate=f"%{{text}}: %{{y:.4g}}{unit}, %{{x}} heads on<extra></extra>",
    )


def _in_unit(measure: Measure) -> tuple[float, str]:
    """By what values are multiplied to be shown, and what follows them."""
    return (100.0, " %") if measure.unit == "share" else (1.0, "")


def _lines(
    measured: pd.DataFrame,
    places: dict[str, tuple[float, float]],
    root: tuple[float, float] | None,
) -> tuple[list[float | None], list[float | None]]:
    """A line from each plan's parent to it, with gaps between the lines."""
    x: list[float | None] = []
    y: list[float | None] = []
    for id, parent in measured[["id", "parent"]].to_numpy().tolist():
        start = places.get(parent, root)
        if start is not None:
            x += [start[0], places[id][0], None]
            y += [start[1], places[id][1], None]
    return x, y


def _shade(on: bool, differs: bool) -> int:
    return 2 if differs else int(on)


def _said(head: tuple[int, int], on: bool, beside: bool, other_name: str) -> str:
    here = f"{name(head)} is {'on' if on else 'off'}"
    if on == beside:
        return f"{here} in both"
    return f"{here} here, {'on' if beside else 'off'} in {plain(other_name)}"
