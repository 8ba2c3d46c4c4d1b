"""What every page stands in: the guard, the line at the top, and waiting for work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from analysis.mask import HeadMask
from analysis.text import Provenance
from analysis.ui import chooser, navigation, share, work
from analysis.ui.jobs import Job
from analysis.ui.resources import STAGES, Workspace
from analysis.ui.state import Source, current, write_link

Result = TypeVar("Result")

_MARKS = frozenset(r"\`*_{}[]()#+-.!|~:$<>&")

POLL = 0.4
"""Seconds between two looks at running work."""
AT_ONCE = 0.06
"""Seconds that a page waits for an answer before it shows progress instead."""


def enter() -> None:
    """Called by the app just before it runs a page: the page stands in its frame."""
    st.session_state.framed = True


def open_page(question: str, answer: str) -> Workspace:
    """Begin a page: its heading, the line with model and mask, and the loaded source.

    While nothing is loaded yet the page shows what is being loaded, and ends here.

    Args:
        question: what the page answers; its heading.
        answer: how it does so, in a sentence.
    """
    _require_frame()
    session = current()
    _follow_source()
    write_link()  # first of all: changing the page has emptied the address, and a reload reads it
    st.title(question, anchor=False)
    st.caption(answer)
    _line()
    _notices()
    if session.here is None:
        _loading(work.open_source(session.source))
        st.stop()
    return session.here


def wait_for(job: Job[Result]) -> Result:
    """The job's result; until it is there its progress, and nothing below."""
    job.wait(AT_ONCE)
    if job.answer is not None:
        return job.answer
    follow(job)
    st.stop()


def follow(job: Job[Any], place: str = "page") -> None:
    """Show how far a job is, with its remaining time and a button to cancel it, or how it ended."""
    if not job.is_open:
        _ended(job)
        return

    @st.fragment(run_every=POLL)
    def progress() -> None:
        _progress(job, place)
        if not job.is_open:
            st.rerun()

    progress()


def live(draw: Callable[[], None], *jobs: Job[Any]) -> None:
    """Draw now, again and again while one of the jobs runs, and the whole page when one has ended."""
    jobs[0].wait(AT_ONCE)
    running = [job for job in jobs if job.is_open]

    @st.fragment(run_every=POLL if running else None)
    def part() -> None:
        for job in running:
            job.looked_at(current().id)
        draw()
        if not all(job.is_open for job in running):
            st.rerun()

    part()


def bar(job: Job[Any]) -> None:
    """How far a job is, in a line, with the time that it will probably still need."""
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


def escaped(text: str) -> str:
    """A text of a person's, as Markdown that shows it unchanged."""
    return "".join("\\" + sign if sign in _MARKS else sign for sign in text)


def listed(names: Sequence[str]) -> str:
    """Names of a model's or a file's, as Markdown; a long list is cut."""
    shown = ", ".join(escaped(name[:40]) for name in names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"


def provenance(origin: Provenance) -> None:
    """Where something came from and under which licence."""
    st.markdown(
        f"From {escaped(origin.source)}. Licence: {escaped(origin.licence) or 'not stated'}."
    )
    if origin.note:
        st.caption(escaped(origin.note))


def duration(seconds: float) -> str:
    """A time for people: `8 s`, `2 min 10 s`."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def _require_frame() -> None:
    # A directory called pages/ makes a fresh server run a deep link's page file by itself, without
    # app.py, until st.navigation has run once. This turns that off and starts again through app.py.
    if not st.session_state.pop("framed", False):
        navigation.navigation()
        st.rerun()


def _follow_source() -> None:
    """Take over a source that has been loaded, or say why it could not be and keep the old one."""
    session = current()
    source = session.wanted or session.source
    if session.here is not None and session.wanted is None:
        return
    job = work.open_source(source)
    job.wait(AT_ONCE)
    if job.answer is not None:
        session.adopt(job.answer, source)
    elif not job.is_open:
        work.desk.forget(job.key)
        session.notices.append(job.error or "Loading was cancelled.")
        session.wanted = None
        if session.here is None and source != Source():
            session.source = Source()


def _line() -> None:
    session = current()
    with st.container(horizontal=True, vertical_alignment="center", key="line"):
        chooser.button()
        if session.mask is not None:
            _mask_badge(session.mask)
        if session.here is not None and session.wanted is not None:
            follow(work.open_source(session.wanted), "line")
        share.button()
        _running_work()


def _notices() -> None:
    """What went wrong, until it is dismissed: a rerun must not take it away unread."""
    notices = current().notices
    if not notices:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning("\n\n".join(escaped(notice) for notice in notices), width="stretch")
        st.button("Dismiss", on_click=notices.clear)


def _mask_badge(mask: HeadMask) -> None:
    text = f"{mask.heads_on} of {mask.heads_total} heads on"
    st.badge(text, color="gray" if mask.is_full else "orange")


def _running_work() -> None:
    is_running = bool(work.desk.open_jobs())

    @st.fragment(run_every=1.0 if is_running else None)
    def listed() -> None:
        jobs = work.desk.open_jobs()
        if not jobs:
            return
        with st.popover(f"{len(jobs)} running", icon=":material/progress_activity:"):
            for job in jobs:
                _progress(job, "list")

    listed()


def _progress(job: Job[Any], place: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        bar(job)
        st.button("Cancel", key=f"cancel-{place}-{id(job)}", on_click=job.stop)


def _ended(job: Job[Any]) -> None:
    if job.state == "failed":
        st.error(escaped(job.error))
    elif job.state == "cancelled":
        st.info(f"{escaped(job.title)}: cancelled.")
    if job.state in ("failed", "cancelled"):
        st.button("Try again", key=f"again-{id(job)}", on_click=work.desk.forget, args=(job.key,))


def _loading(job: Job[Workspace]) -> None:
    with st.container(border=True):
        st.markdown("**Getting the model ready.** The pages appear as soon as it can answer.")
        follow(job)
