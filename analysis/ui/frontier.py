"""The curves page's accuracy against latency, with masks that a person has put beside the swept ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from analysis.mask import HeadMask
from analysis.ui import figure, frame, results, views, work
from analysis.ui.comparison import Comparison
from analysis.ui.jobs import Job
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST = 12
"""Masks on the figure at most; each is evaluated and timed."""
LONGEST_CODE = 24
"""Characters of a mask's code that its name shows."""
CHART = "frontier"


def section(here: Workspace, table: pd.DataFrame, asked: Comparison) -> None:
    """The figure of a sweep that was timed, and the list of the masks that were put on it."""
    if table["latency_ratio"].isna().all():
        return
    st.subheader("What does speed cost?", anchor=False)
    if asked.repair != "none":
        _swept_only(here, table)
        return
    plans, main = measured(here, asked), here.subject.task.measures[0]
    figure.show(
        drawn(table, plans),
        lambda: pd.concat([table, plans]),
        "accuracy-latency",
        key=CHART,
        on_select=lambda: results.open_point(table, CHART),
        selection_mode="points",
        alt=f"{main.title} against how many times faster the smaller model is, a point a mask",
    )
    st.caption(
        "Each point is a model whose heads are really removed; no other beats those on the dotted line. Stars are "
        "masks that you put here. Click a point to open its mask on the switchboard."
    )
    _list(here, plans)
    for job in _unfinished(here, asked):
        frame.follow(job, "frontier")


def _swept_only(here: Workspace, table: pd.DataFrame) -> None:
    """The figure of repaired models, beside which masks that are only switched off have no place."""
    figure.show(
        drawn(table, pd.DataFrame(columns=["name", "latency_ratio", "mask"])),
        table,
        "accuracy-latency",
        key=CHART,
        on_select=lambda: results.open_point(table, CHART),
        selection_mode="points",
        alt=f"{here.subject.task.measures[0].title} against how many times faster the repaired model is",
    )
    st.caption(
        "Each point is a model whose heads are really removed and whose rest is repaired; no other beats those on the "
        "dotted line. Click a point to open its mask on the switchboard."
    )


def drawn(table: pd.DataFrame, plans: pd.DataFrame) -> go.Figure:
    """The frontier, whose stars carry the codes of their masks."""
    from analysis.comparison_figures import frontier

    titles = {name: method.title for name, method in views.methods().items()}
    chart = frontier(table, titles, plans)
    chart.update_traces(customdata=plans["mask"].tolist(), selector={"name": "plans"})
    return chart


def name(mask: HeadMask) -> str:
    """What a mask is called on the figure: how many heads are on, and the beginning of its code."""
    code = mask.encode()
    short = code if len(code) <= LONGEST_CODE else code[: LONGEST_CODE - 1] + "…"
    return f"{mask.heads_on} of {mask.heads_total} heads, {short}"


def kept(here: Workspace) -> list[HeadMask]:
    """The masks that this session has put on the figure of this model and these sentences."""
    of_source: dict[str, list[HeadMask]] = st.session_state.setdefault("masks_on_frontier", {})
    return of_source.setdefault(here.key, [])


def measured(here: Workspace, asked: Comparison) -> pd.DataFrame:
    """The masks whose measurements are done: `name`, the task's first measure, `latency_ratio` and `mask`."""
    rows = []
    for mask in kept(here):
        accuracy, speed = (
            job.answer if (job := work.desk.find(key)) is not None else None
            for key, _ in _questions(here, mask, asked)
        )
        if accuracy is not None and speed is not None:
            ratio = speed.latency.ratios[work.PRUNED]
            rows.append((name(mask), accuracy.main.value, ratio, mask.encode()))
    quality = here.subject.task.measures[0].name
    return pd.DataFrame(rows, columns=["name", quality, "latency_ratio", "mask"])


def _list(here: Workspace, plans: pd.DataFrame) -> None:
    """The button that puts the mask there, and one for each that takes it away."""
    from analysis.measures import told

    masks, mask = kept(here), current().mask or HeadMask.full(here.anatomy)
    st.button(
        "Put the current mask on this figure",
        on_click=masks.append,
        args=(mask,),
        disabled=mask.is_full or mask in masks or len(masks) >= MOST,
        help=f"A mask with heads off, once, and {MOST} masks at most.",
    )
    main = here.subject.task.measures[0]
    known = {
        code: f"{main.told} {told(main, value)}, {ratio:.2f} times faster"
        for _, value, ratio, code in plans.itertuples(index=False)
    }
    for each in list(masks):
        code = each.encode()
        numbers = known.get(code, "not measured yet")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{frame.escaped(name(each))}: {numbers}", width="content")
            st.button("Remove", key=f"off_frontier_{code}", on_click=masks.remove, args=(each,))


def _questions(
    here: Workspace, mask: HeadMask, asked: Comparison
) -> Iterator[tuple[Any, Callable[[], Job[Any]]]]:
    """Keys of a mask's evaluation and timing, and what asks for them; timed as the sweep's masks are."""
    from analysis.removal import BATCH, LENGTH

    length = min(LENGTH, here.subject.max_length)
    yield (
        work.evaluation_key(here, mask, "selection", asked.limit, asked.ablation),
        lambda: work.evaluation(here, mask, limit=asked.limit, ablation=asked.ablation),
    )
    yield (
        (here.key, "speed", mask, BATCH, length),
        lambda: work.speed(here, mask, batch=BATCH, length=length),
    )


def _unfinished(here: Workspace, asked: Comparison) -> list[Job[Any]]:
    """Measurements that are under way or went wrong."""
    found: list[Job[Any]] = []
    for mask in kept(here):
        for key, ask in _questions(here, mask, asked):
            job = work.desk.find(key)
            # One at a time: a session's new question of a kind takes the place of its open one.
            if job is None and not any(each.is_open for each in found):
                job = ask()
            if job is not None and job.answer is None:
                found.append(job)
    return found
