"""What one head is worth: its place by every score, and the model without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from analysis.mask import Head, name
from analysis.ui import close_up, figure, frame, scored, scoring, views, work
from analysis.ui.resources import Workspace

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation
    from analysis.scores import Ranking


def section(here: Workspace, head: Head) -> None:
    """How much the task needs the head: the scores of every method, and the model without it."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        _scores(here, head)
    with right:
        _without(here, head)


def _scores(here: Workspace, head: Head) -> None:
    st.markdown("**Its place by every score**")
    known = scored.telling(scored.known(here))
    if known:
        _places(known, head)
    scoring.offer(here)


def _places(known: Mapping[str, Ranking], head: Head) -> None:
    """The head among all others, by every score that is known."""
    from analysis import head_figures

    statistics = scored.statistics(known)
    table = scored.joined(next(iter(known.values())).values[["layer", "head"]], known)
    named = [each for each in statistics.values() if table[each.name].nunique() > 1]
    if not named:
        st.caption("This model has a single head: no order to stand in.")
        return
    figure.show(
        head_figures.strips(table, named, head),
        table,
        f"scores-{name(head)}",
        key="scores",
        alt=f"Place of {name(head)} in the order of every method",
    )
    st.caption(
        "To the right a method keeps the head longest, to the left it removes it first. Methods that disagree "
        "are a reason to measure: see the model without it."
    )


def _without(here: Workspace, head: Head) -> None:
    st.markdown("**The model without it**")
    if not here.subject.task.is_judged:
        st.caption(f"A model for {here.subject.task.title.lower()} gives no answers to judge.")
        return
    job = close_up.measured_without(here, head)
    if job is None:
        st.button(
            f"Measure without {name(head)}", on_click=work.start(close_up.without, here, head)
        )
        first, *others = here.subject.task.measures
        titles = [first.title, *(f"{each.title[0].lower()}{each.title[1:]}" for each in others)]
        st.caption(
            f"{frame.listed(titles)} on the selection split with this one head off and all others on, "
            "each against the full model on the same texts."
        )
        return
    if job.answer is None:
        frame.follow(job, "without")
        return
    if here.subject.task.reads == "labelled texts":
        _worth(job.answer)
    else:
        _measured(job.answer)
    st.caption(
        "One head at a time says little about several: others can stand in for it, until they go too. Whoever "
        "measures all heads finds some that stand out by luck."
    )


def _measured(evaluation: Evaluation) -> None:
    """The measures of words and tokens, each with its change."""
    for measured in evaluation.measured:
        st.metric(
            measured.measure.title,
            measured.told,
            delta=measured.changed or None,
            delta_color="off",
            delta_arrow="off",
            border=True,
            help=f"{measured.measure.meaning} Below it the change without this head, with its paired 95 % interval.",
        )


def _worth(evaluation: Evaluation) -> None:
    """The change of accuracy and loss on single texts, and a sentence on it."""
    from analysis.leave_out import worth

    found = worth(evaluation)
    left, right = st.columns(2)
    left.metric(
        "Points",
        views.points(found.accuracy.points),
        delta=f"{views.points(found.accuracy.low)} to {views.points(found.accuracy.high)}",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help="Change of accuracy without this head, in hundredths, with its paired 95 % interval.",
    )
    right.metric(
        "Loss (nats)",
        _signed(found.loss.mean),
        delta=f"{_signed(found.loss.low)} to {_signed(found.loss.high)}",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help="Change of the mean cross-entropy, with its paired 95 % interval (Student's t).",
    )
    st.markdown(
        f"{found.sentence} {found.broken} answers became wrong, {found.fixed} became right."
    )


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")
