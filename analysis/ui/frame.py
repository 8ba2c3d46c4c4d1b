"""What every page stands in: the guard, the heading, the line at the top; and what pages need for waiting and words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from analysis.text import Provenance
from analysis.ui import chooser, navigation, running, share, work
from analysis.ui.jobs import Job
from analysis.ui.resources import Source, Workspace
from analysis.ui.state import current, write_link
from analysis.ui.waiting import AT_ONCE, FIRST, bar, follow, live, wait_for
from analysis.ui.words import duration, escaped, listed

__all__ = [
    "AT_ONCE",
    "FIRST",
    "ICON",
    "bar",
    "count_heads",
    "duration",
    "enter",
    "escaped",
    "follow",
    "listed",
    "live",
    "open_bare_page",
    "open_page",
    "provenance",
    "wait_for",
]

_FOLDER = Path(__file__).parent
ICON = _FOLDER / "icon.png"
"""The picture in the browser's tab. A file, since a named symbol would be fetched from another server."""

_mender = st.components.v2.component(
    "headcount.mender", js=(_FOLDER / "mend.js").read_text(encoding="utf-8")
)


def enter(page: Any) -> None:
    """Called by the app just before it runs a page: the page stands in its frame."""
    st.session_state.framed = True
    st.session_state.page = page.url_path or navigation.HOME.name
    st.html(_FOLDER / "look.css")
    if st.context.theme.type == "dark":
        st.html(_FOLDER / "look_dark.css")


def open_page(question: str, answer: str, meanwhile: Callable[[], None] | None = None) -> Workspace:
    """Begin a page: its heading, the line with model and mask, and the loaded source.

    While nothing is loaded yet the page shows what is being loaded, and ends here.

    Args:
        question: what the page answers; its heading.
        answer: how it does so, in a sentence.
        meanwhile: draws what can be used while the source is loading.
    """
    _begin()
    st.title(question, anchor=False)
    st.caption(answer)
    _line()
    return _loaded(meanwhile)


def open_bare_page() -> Workspace:
    """Begin a page that has neither heading nor line; otherwise as `open_page`."""
    _begin()
    return _loaded()


def provenance(origin: Provenance) -> None:
    """Where something came from and under which licence."""
    st.markdown(
        f"From {escaped(origin.source)}. Licence: {escaped(origin.licence) or 'not stated'}."
    )
    if origin.note:
        st.caption(escaped(origin.note))


def _begin() -> None:
    _require_frame()
    _follow_source()
    write_link()  # first of all: changing the page has emptied the address, and a reload reads it
    with st.container(key="mending"):
        _mender(key="mender")


def _loaded(meanwhile: Callable[[], None] | None = None) -> Workspace:
    """The loaded source; while there is none, what is being loaded, and nothing below but `meanwhile`."""
    _notices()
    session = current()
    if session.here is None:
        _loading(work.open_source(session.wanted or session.source))
        if meanwhile is not None:
            meanwhile()
        st.stop()
    return session.here


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
        session.wanted, session.refused = None, source
        if session.here is None and source != Source():
            session.source = Source()


def _line() -> None:
    session = current()
    with st.container(horizontal=True, vertical_alignment="center", key="line"):
        chooser.button()
        st.session_state.badge = st.empty()
        count_heads()
        if session.here is not None and session.wanted is not None:
            follow(work.open_source(session.wanted), "line")
        share.button()
        running.button()


def _notices() -> None:
    """What went wrong, until it is dismissed: a rerun must not take it away unread."""
    notices = current().notices
    if not notices:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning("\n\n".join(escaped(notice) for notice in notices), width="stretch")
        st.button("Dismiss", on_click=notices.clear)


def count_heads() -> None:
    """Say in the line at the top how many heads are on; also from a part of the page that has just changed it."""
    mask = current().mask
    if mask is not None:
        text = f"{mask.heads_on} of {mask.heads_total} heads on"
        st.session_state.badge.badge(text, color="gray" if mask.is_full else "orange")


def _loading(job: Job[Workspace]) -> None:
    with st.container(border=True):
        st.markdown("**Getting the model ready.** The pages appear as soon as it can answer.")
        follow(job)
