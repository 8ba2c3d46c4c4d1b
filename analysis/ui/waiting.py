"""Waiting for work: its progress with the time that is left, a button to cancel it, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from analysis.ui import work
from analysis.ui.jobs import Job
from analysis.ui.parts import part
from analysis.ui.resources import STAGES
from analysis.ui.state import current
from analysis.ui.words import duration, escaped

Result = TypeVar("Result")

POLL = 0.4
"""Seconds between two looks at running work."""
AT_ONCE = 0.06
"""Seconds that a page waits for an answer before it shows progress instead."""
FIRST = 0.3
"""Seconds that it waits for the first estimate of an answer that grows, rather than look again after `POLL`."""


def wait_for(job: Job[Result]) -> Result:
    """The job's result; until it is there its progress, and nothing below."""
    job.wait(AT_ONCE)
    if job.answer is not None:
        return job.answer
    follow(job)
    st.stop()


def follow(job: Job[Any], place: str = "page") -> None:
    """Show how far a job is, with its remaining time and a button to cancel it, or how it ended.

    The page was drawn without the job's answer; where that has come meanwhile the page is drawn anew.
    """
    if job.answer is not None:
        st.rerun()
    if not job.is_open:
        _ended(job, place)
        return
    job.joined_by(current().id)

    def progress() -> None:
        _progress(job, place)
        if not job.is_open:
            st.rerun()

    part(progress, POLL)


def live(draw: Callable[[], None], *jobs: Job[Any], patience: float = AT_ONCE) -> None:
    """Draw now, again and again while one of the jobs runs, and the whole page when one has ended.

    Args:
        draw: draws what is known.
        jobs: what is awaited; the first one most.
        patience: seconds that the first drawing waits for something of the first job's result to be known:
            `FIRST` where that grows.
    """
    jobs[0].wait_known(patience)
    running = [job for job in jobs if job.is_open]

    def look() -> None:
        for job in running:
            job.looked_at(current().id)
        draw()
        if not all(job.is_open for job in running):
            st.rerun()

    part(look, POLL if running else None)
    jobs[0].shown()


def bar(job: Job[Any], *, is_awaited: bool = True) -> None:
    """How far a job is, in a line, with the time that it will probably still need.

    Args:
        job: what is running.
        is_awaited: the person waits for the answer here, so the job does not let others go first.
    """
    if is_awaited:
        job.looked_at(current().id)
    now = job.at_work
    step = now.step
    told = [escaped(now.title)]
    if step is not None and step.unit == "stages":
        told.append(STAGES[min(step.done, len(STAGES) - 1)])
    elif step is not None:
        told.append(f"{step.done:,} of {step.total:,} {step.unit}")
    elif now.state == "waiting":
        told.append("waiting for other work")
    left = now.remaining
    told.append(f"about {duration(left)} left" if left is not None else duration(now.seconds))
    st.progress(now.share, text=" · ".join(told))


def _progress(job: Job[Any], place: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        bar(job)
        st.button("Cancel", key=f"cancel-{place}-{id(job)}", on_click=job.stop)


def _ended(job: Job[Any], place: str) -> None:
    if job.state == "failed":
        st.error(escaped(job.error))
    elif job.state == "cancelled":
        st.info(f"{escaped(job.title)}: cancelled.")
    if job.state in ("failed", "cancelled"):
        st.button(
            "Try again", key=f"again-{place}-{id(job)}", on_click=work.desk.forget, args=(job.key,)
        )
