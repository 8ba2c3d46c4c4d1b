"""Prune: switch heads off and see what it costs and buys."""

from __future__ import annotations

import streamlit as st

from analysis.ui import (
    cells,
    controls,
    early,
    figure,
    flips,
    frame,
    one_head,
    parts,
    results,
    tryout,
    views,
    work,
)
from analysis.ui.plans import bar
from analysis.ui.state import current
from analysis.ui.switchboard import reported_choice, reported_mask, switchboard

here = frame.open_page(
    "What happens when these heads are switched off?",
    "Click, drag or shift-click heads; click a layer's or column's name for all of it. Accuracy is measured "
    "live on the selection split; the test split waits for the report below.",
    meanwhile=early.board,
)
session, groups = current(), here.anatomy.groups


def take() -> None:
    """Take over what was clicked."""
    mask = reported_mask("board", here.anatomy, session.revision)
    if mask is not None:
        session.change(mask, by_grid=True)
        head = reported_choice("board", here.anatomy, session.revision)
        session.touched = head or session.touched


def board() -> None:
    """The switchboard beside its results."""
    frame.write_link()  # at once: a reload in the middle of drawing keeps the click
    frame.count_heads()
    left, right = st.columns([3, 2], gap="large")
    with left:
        ablation, limit = controls.settings(here)
    # Asked for before anything else is drawn, so that the first estimate is there when its place is.
    job = work.evaluation(here, session.mask, limit=limit, ablation=ablation)
    job.about_to_be_shown()
    with left:
        cells.choose()
        controls.history(here)
        forecast = controls.foreseen(here, ablation)
        switchboard(
            session.mask,
            key="board",
            revision=session.revision,
            on_report=take,
            colouring=cells.colouring(here),
            note="Colours come when their numbers have been measured.",
            sprite=cells.pictures(here),
            label="Heads by layer; switch them on and off",
            forecasts=views.forecasts(forecast, session.mask, groups) if forecast else None,
            groups=groups,
            repaired=cells.repaired(here, session.mask),
            titles=here.anatomy.stacks,
        )
        cells.waiting(here)
        with st.container(horizontal=True, vertical_alignment="center"):
            cells.save(here)
            one_head.open_page(session.touched or session.head(), key="board-open", type="tertiary")
        controls.presets(here)
    with right:
        waiting = (job, work.profile(here, is_quick=True), work.forecast(here))
        frame.live(lambda: results.summary(job, forecast), *waiting, patience=frame.FIRST)
        bar.bar(here, limit)
    changed, own, speed, report = st.tabs(
        [
            "Sentences that flipped",
            "Your own sentence",
            "Speed and cost",
            "Report on the test split",
        ]
    )
    with changed:
        flips.under_mask(here, job)
    with own:
        tryout.section(here, tryout.under_mask(session.mask, ablation), key="own")
    with speed:
        results.speed(here, session.mask)
    with report:
        results.report(here, session.mask, ablation)
    frame.write_link()
    if session.mask.is_full and not job.is_open:
        figure.expect()


parts.part(board)
