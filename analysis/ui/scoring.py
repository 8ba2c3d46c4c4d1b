"""Where a person has the heads scored: every quick method at once, or one method that costs more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from analysis.ui import frame, scored, views, work
from analysis.ui.jobs import Job
from analysis.ui.resources import Workspace

if TYPE_CHECKING:
    from analysis.scores import Ranking


def offer(here: Workspace) -> None:
    """The ways to start scores that are missing, and how far those are that were started."""
    begun = [job for job in _asked(here) if job.answer is None]
    for job in begun:
        frame.follow(job, "scores")
    together = work.desk.find(scored.scores_key(here))
    if together is None:
        st.button("Score the heads by every quick method", on_click=work.start(scored.scores, here))
        st.caption("A few passes over the calibration split. The scores then join the others.")
    lacking = [
        method
        for method in missing(here)
        if views.methods()[method].long or (together is not None and not together.is_open)
    ]
    if lacking:
        _one_more(here, lacking)


def missing(here: Workspace) -> list[str]:
    """The methods whose scores are neither known nor under way."""
    known = scored.known(here)
    methods = [method for method in views.methods() if method not in (scored.CHANCE, *known)]
    found = {method: work.desk.find(work.ranking_key(here, method)) for method in methods}
    return [method for method, job in found.items() if job is None]


def has_come(
    here: Workspace, rankings: Mapping[str, Ranking], statistics: Iterable[str], place: str
) -> bool:
    """Whether every score among these statistics is there; asks for one that is not, and shows how far it is.

    Args:
        here: the source.
        rankings: by method, those that the page draws from.
        statistics: names of statistics and of scores.
        place: where on the page progress is shown.
    """
    methods = [scored.method_of(statistic) for statistic in statistics]
    lacking = [
        scored.ranking(here, each) for each in methods if each is not None and each not in rankings
    ]
    for job in dict.fromkeys(lacking):
        job.wait(frame.AT_ONCE)
        if job.answer is not None:
            st.rerun()  # with a table that has it
        frame.follow(job, place)
    return not lacking


def _one_more(here: Workspace, methods: list[str]) -> None:
    """Choose one of the methods by what it costs, and start it."""
    known = views.methods()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.selectbox(
            "Score by",
            methods,
            key="score_by",
            format_func=lambda name: f"{known[name].title}: {known[name].cost}",
            width=460,
        )
        st.button("Score", on_click=work.start(work.ranking, here, method, is_lasting=True))
    chosen = known[method]
    st.caption(
        f"{chosen.meaning} ({frame.escaped(chosen.source)}.) Passes over the {chosen.passes_over} split: "
        f"{chosen.cost}. "
        "It goes on when you leave this page."
    )


def _asked(here: Workspace) -> list[Job[Any]]:
    """The work on scores that is known, finished or not."""
    keys = [scored.scores_key(here), *(work.ranking_key(here, each) for each in views.methods())]
    return [job for key in keys if (job := work.desk.find(key)) is not None]
