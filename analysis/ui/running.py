"""The list of work at the top of every page: what runs, how long it will take, and what has ended."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from analysis.ui import waiting, work
from analysis.ui.jobs import Job, Origin
from analysis.ui.navigation import place
from analysis.ui.parts import go, part
from analysis.ui.state import visit
from analysis.ui.words import duration, escaped

LISTED = 6
"""Pieces of ended work that are listed."""
AFRESH = 1.0
"""Seconds between two looks at what runs."""


def button() -> None:
    """The button that says how much is running and opens the list; nothing where there is nothing to list."""

    def listed() -> None:
        jobs, ended = work.desk.open_jobs(), work.desk.finished(LISTED)
        if not jobs and not ended:
            return
        icon = "progress_activity" if jobs else "task_alt"
        title = f"{len(jobs)} running" if jobs else "Finished work"
        with st.popover(title, icon=f":material/{icon}:", key="work"):
            for job in jobs:
                _open(job)
            if ended:
                st.markdown("**Finished**")
            for job in ended:
                _ended(job)

    part(listed, AFRESH if work.desk.open_jobs() else None)


def _open(job: Job[Any]) -> None:
    waiting.bar(job, is_awaited=False)
    with st.container(horizontal=True):
        st.button("Cancel", key=f"cancel-list-{id(job)}", on_click=job.stop)
        if job.is_lasting:
            _back(job)


def _ended(job: Job[Any]) -> None:
    """What has ended: how, when, and the way to it."""
    ago = duration(time.monotonic() - (job.ended or 0.0))
    how = {"done": "done", "failed": f"failed: {escaped(job.error)}"}.get(job.state, "cancelled")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{escaped(job.title)}: {how}, {ago} ago", width="stretch")
        _back(job)


def _back(job: Job[Any]) -> None:
    """The button that leads to where the work was asked for, with everything as it was then."""
    if job.origin is not None:
        st.button("Go to it", key=f"open-{id(job)}", on_click=_follow, args=(job.origin,))


def _follow(origin: Origin) -> None:
    visit(origin.query)
    go(place(origin.page).file)
