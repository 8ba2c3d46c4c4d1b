"""The overview's verdict so far: how many heads could go, and the button that finds out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from analysis.mask import HeadMask
from analysis.ui import navigation, views, waiting, work
from analysis.ui.comparison import Comparison
from analysis.ui.parts import go
from analysis.ui.resources import Workspace
from analysis.ui.state import current, visit
from analysis.ui.words import escaped

if TYPE_CHECKING:
    from analysis.headroom import Candidate, Headroom

UNJUDGED = (
    "This model gives no answers to texts that could be right or wrong, so nothing can be said about quality. Its "
    "heads can be looked at, switched off and removed; give a model that classifies texts, tags words or predicts the "
    "next token for the rest."
)
METHODS = ("taylor", "attention-guided", "magnitude")
"""Quick methods that the button compares: by derivatives, by attention, by weights."""


def section(here: Workspace) -> None:
    """What is known; the button while nothing is, and the way to a mask that would do."""
    from analysis.headroom import headroom
    from analysis.yardstick import Yardstick

    st.subheader("The verdict so far", anchor=False)
    if not here.subject.task.is_judged:
        st.markdown(UNJUDGED)
        return
    answers = [job.answer for job in work.desk.done("sweep") if job.key[0] == here.key]  # type: ignore[index]
    tables = [table[table["repair"] == "none"] for table in answers if table is not None]
    found = headroom(tables)
    if found is not None:
        _said(here, found)
        return
    st.markdown(
        "Not known yet. Three quick methods each rank the heads; the lowest are switched off, a tenth to nine "
        f"tenths of them, and {Yardstick(here.subject.task).share.told} is measured each time. It goes on when you "
        "leave this page."
    )
    job = work.desk.find(work.sweep_key(here, Comparison(METHODS)))
    if job is not None and job.answer is None:
        waiting.follow(job, "verdict")
        return
    st.button(
        "Find out how many heads could go",
        type="primary",
        icon=":material/query_stats:",
        on_click=work.start(work.sweep, here, Comparison(METHODS)),
    )


def sentences(found: Headroom) -> list[str]:
    """The verdict in words: what is shown, what is possible, and how sure that is."""
    said, title = [], found.by.share.told
    if found.shown is None:
        said.append(
            f"For none of {found.tried} masks is the loss shown to be below {found.margin:g} point."
        )
    else:
        said.append(
            f"**{found.shown.removed} of {found.total} heads could go**: {_change(found.shown, title)}, a loss that is "
            f"shown to be below {found.margin:g} point."
        )
    possible = found.possible
    if possible is not None and (found.shown is None or possible.removed > found.shown.removed):
        said.append(
            f"**Perhaps {possible.removed}**: {_change(possible, title)}. That cannot be told from no change at all, "
            f"but {possible.n:,} {found.by.task.item} are too few to show that the loss is small."
        )
    if found.by.main != found.by.share:
        said[-1] += f" {found.by.main.title} may change more: see the curves."
    all_methods = f", for all {found.methods} methods together" * (found.methods > 1)
    said.append(
        f"Of {found.tried} masks on {found.n:,} {found.by.task.item} of the selection split, heads switched off and "
        f"nothing repaired. What is shown is so at 95 %{all_methods}; intervals are of one mask each, and the best of "
        "many looks better than it is, so measure your choice once on the test split."
    )
    return said


def _said(here: Workspace, found: Headroom) -> None:
    *verdict, certainty = sentences(found)
    for sentence in verdict:
        st.markdown(sentence)
    st.caption(certainty)
    with st.container(horizontal=True):
        best = found.possible or found.shown
        for each in dict.fromkeys(filter(None, (found.shown, best))):
            st.button(
                f"Show the {each.removed} on the switchboard",
                key=f"show_{each.removed}",
                on_click=_show,
                args=(HeadMask.decode(here.anatomy, each.mask),),
            )
        st.button("See the curves", icon=":material/show_chart:", on_click=_see_curves)


def _show(mask: HeadMask) -> None:
    current().change(mask)
    go("pages/prune.py")


def _see_curves() -> None:
    visit({**current().query(), "methods": " ".join(METHODS), "sentences": "all"})
    go(navigation.DECIDE[-1].file)


def _change(candidate: Candidate, measure: str) -> str:
    title = views.methods()[candidate.method].title
    change = candidate.change
    return (
        f"by {escaped(title)}, {measure} changes by {views.points(change.points)} points "
        f"({views.points(change.low)} to {views.points(change.high)})"
    )
