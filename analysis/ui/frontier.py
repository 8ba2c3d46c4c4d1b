"""The curves page's accuracy against latency, with a person's plans beside the swept masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from analysis.mask import HeadMask
from analysis.store import StoredPlan
from analysis.ui import figure, frame, results, views, work
from analysis.ui.comparison import Comparison
from analysis.ui.plans import bar, measure, shelf
from analysis.ui.plans.measure import Numbers
from analysis.ui.plans.shelf import Shelf
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from analysis.tasks import Measure

NAMED = 12
"""Plans up to which the figure writes their names beside them; of more it tells them on hover."""
CHART = "frontier"
PLAN = "plan "
"""What the id of a plan follows in its point's data, where a swept point has the number of its row."""


def section(here: Workspace, table: pd.DataFrame, asked: Comparison) -> None:
    """The figure of a sweep that was timed, and the list of the plans on it."""
    st.subheader("What does speed cost?", anchor=False)
    if table["latency_ratio"].isna().all():
        st.caption(
            "Switch on “Time the smaller models too” above and draw again: each mask then stands by its accuracy and "
            "by how much faster the model is without its heads, beside your own plans."
        )
        return
    found = shelf.read(here)
    known = measure.numbers(here, found, asked.limit)
    main = here.subject.task.main
    plans = measured(known, main)
    figure.show(
        drawn(table, plans),
        lambda: pd.concat([table, plans]),
        "accuracy-latency",
        key=CHART,
        on_select=lambda: open_point(table, found),
        selection_mode="points",
        alt=f"{main.title} against how many times faster the smaller model is, a point a mask",
    )
    st.caption(
        "Each point is a model whose heads are really removed; no other swept one beats those on the dotted line. "
        "Stars are your plans, each with its own ablation and repair. Click a point to open its mask, or its plan, "
        "on the switchboard."
    )
    bar.trouble()
    _put(here, found, asked)
    _measuring(here, found, known, asked.limit)
    _list(found, known, plans, main)


def drawn(table: pd.DataFrame, plans: pd.DataFrame) -> go.Figure:
    """The frontier, whose stars carry the ids of their plans."""
    from analysis.comparison_figures import frontier

    titles = {name: method.title for name, method in views.methods().items()}
    chart = frontier(table, titles, plans)
    stars = {"name": "plans"}
    chart.update_traces(customdata=[f"{PLAN}{id}" for id in plans["id"]], selector=stars)
    if len(plans) > NAMED:
        chart.update_traces(mode="markers", selector=stars)
    return chart


def measured(known: Numbers, main: Measure) -> pd.DataFrame:
    """The plans whose quality and latency are known: `id`, `name`, the task's first measure and `latency_ratio`."""
    found = known.table[["id", "name", "value", "latency_ratio"]].dropna().reset_index(drop=True)
    return found.rename(columns={"value": main.name})


def open_point(table: pd.DataFrame, found: Shelf) -> None:
    """Open the plan of the point that was clicked, or make the mask of a swept point the session's."""
    plan = plan_of_point(st.session_state[CHART].selection.points, found)
    if plan is None:
        results.open_point(table, CHART)
        return
    _open(plan)


def plan_of_point(points: Sequence[Mapping[str, Any]], found: Shelf) -> StoredPlan | None:
    """The plan of the first selected point; None for a point of the sweep, or beside the points."""
    given = next((point["customdata"] for point in points if "customdata" in point), None)
    code = given[0] if isinstance(given, list) else given
    return found.get(code.removeprefix(PLAN)) if isinstance(code, str) else None


def _put(here: Workspace, found: Shelf, asked: Comparison) -> None:
    """The button that keeps the current mask as a plan, which puts it on the figure."""
    mask = current().mask or HeadMask.full(here.anatomy)

    def put() -> None:
        name = shelf.suggested(found, mask)
        plan = shelf.act(lambda: shelf.keep(here, name, None, asked.limit))
        if plan is not None:
            with_it = Shelf((*found.plans, plan), found.deleted)
            _measure(here, with_it, asked.limit)

    st.button(
        "Put the current mask on this figure",
        on_click=put,
        disabled=mask.is_full or found.holding(mask, asked.ablation) is not None,
        help="Keeps the mask as a plan and measures it: a mask with heads off, once.",
    )


def _measure(here: Workspace, found: Shelf, limit: int | None) -> None:
    """Measure what is missing, unless that is under way."""
    job = work.desk.find(measure.everything_key(here, limit))
    if job is None or not job.is_open:
        measure.everything(here, found.plans, measure.numbers(here, found, limit), limit)


def _measuring(here: Workspace, found: Shelf, known: Numbers, limit: int | None) -> None:
    """How far the measurement of the plans is, or the button that starts what is missing."""
    job = work.desk.find(measure.everything_key(here, limit))
    if job is not None and (job.is_open or job.state == "failed"):
        frame.follow(job, "frontier")
        return
    if not found.plans or not known.missing:
        return
    st.button(
        "Measure the plans",
        on_click=_measure,
        args=(here, found, limit),
        help="Quality on the selection split, and the speed of the really smaller model on this computer.",
    )


def _list(found: Shelf, known: Numbers, plans: pd.DataFrame, main: Measure) -> None:
    """Every plan with its numbers and a button that opens it, as a click on its star does."""
    from analysis.measures import told

    numbers = {
        id: f"{main.told} {told(main, value)}, {ratio:.2f} times faster"
        for id, _, value, ratio in plans.itertuples(index=False)
    }
    for plan in found.plans:
        with st.container(horizontal=True, vertical_alignment="center"):
            lacks = "not measured yet" if plan.id in known.occasions else "cannot be removed"
            said = numbers.get(plan.id, lacks)
            st.markdown(f"{frame.escaped(plan.name)}: {said}", width="content")
            st.button("Open", key=f"frontier_{plan.id}", on_click=_open, args=(plan,))


def _open(plan: StoredPlan) -> None:
    shelf.show(plan)
    results.see_switchboard()
