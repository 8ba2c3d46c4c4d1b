"""Two plans side by side: their maps, their numbers, the answers that differ, and a sentence of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from analysis.mask import HeadMask
from analysis.ui import figure, flips, frame, tryout, views
from analysis.ui.plans import bar, measure
from analysis.ui.plans.measure import Numbers
from analysis.ui.plans.shelf import Shelf, opened
from analysis.ui.resources import Workspace
from analysis.ui.state import current
from analysis.ui.widgets import Turn

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation
    from analysis.measuring import Treatment
    from analysis.pairing import Pairing

FULL, NOW = "full", "now"
"""Choices beside the plans: the full model, and what the switchboard shows."""


@dataclass(frozen=True)
class Side:
    """One of the two."""

    id: str
    name: str
    treatment: Treatment


def section(here: Workspace, found: Shelf, limit: int | None) -> None:
    """Choose two, and see what sets them apart."""
    sides = _sides(here, found)
    first, second = _chosen(found, sides)
    if first.treatment == second.treatment:
        st.caption("The two are the same: choose another one.")
        return
    _maps(first, second)
    jobs = [
        measure.evaluation(here, side.treatment, limit, place)
        for side, place in ((first, "A"), (second, "B"))
    ]

    def draw() -> None:
        a, b = (job.answer for job in jobs)
        if a is None or b is None:
            for job in jobs:
                frame.bar(job) if job.is_open else st.error(frame.escaped(job.error))
            return
        _answers(here, found, (first, second), (a, b), limit)

    frame.live(draw, *jobs)


def sentence(pairing: Pairing, names: tuple[str, str]) -> str:
    """Which of the two is better, in a sentence that does not claim too much."""
    main, n, item = pairing.second.main, pairing.first.n, pairing.first.task.item
    first, second = (f"**{frame.escaped(name)}**" for name in names)
    told = main.changed
    if main.is_worse is None:
        said = f"{second} and {first} cannot be told apart on these {n:,} {item}: {told}"
    else:
        said = f"{second} is {'worse' if main.is_worse else 'better'} than {first}: {told}"
    return f"{said}. They give different answers to {views.percent(pairing.apart)} of the {item}."


def _sides(here: Workspace, found: Shelf) -> dict[str, Side]:
    from analysis.measuring import Treatment

    session, full = current(), HeadMask.full(here.anatomy)
    sides = {FULL: Side(FULL, "full model", Treatment(full))}
    mask, ablation = session.mask or full, session.choices["ablation"]
    if not mask.is_full and found.holding(mask, ablation) is None:
        name = f"the switchboard now, {mask.heads_on} of {mask.heads_total} heads"
        sides[NOW] = Side(NOW, name, Treatment(mask, ablation))  # type: ignore[arg-type]
    for plan in found.plans:
        treatment = Treatment(plan.mask, plan.ablation, plan.repair)
        sides[plan.id] = Side(plan.id, plan.name, treatment)
    return sides


def _chosen(found: Shelf, sides: dict[str, Side]) -> tuple[Side, Side]:
    """The two, as they were chosen; else the plan that is open, or the last one, and its parent."""
    plan = opened(found) or (found.plans[-1] if found.plans else None)
    usual_b = plan.id if plan else next(reversed(sides))
    second = _usual("plan_b", usual_b, sides)
    parent = found.get(second)
    usual_a = parent.parent if parent and parent.parent in sides else FULL
    first = _usual("plan_a", usual_a or FULL, sides)
    labels = {FULL: "full model", **bar.listed(found)}
    labels |= {id: side.name for id, side in sides.items() if id == NOW}
    left, right = st.columns(2, gap="medium")
    with left:
        a = _select("plan_a", "First", labels, first, list(sides))
    with right:
        b = _select("plan_b", "Second", labels, second, list(sides))
    return sides[a], sides[b]


def _usual(name: str, usual: str, sides: dict[str, Side]) -> str:
    """What was chosen, or the usual where nothing was, or a plan that is not in this store."""
    session = current()
    chosen = session.choices[name]
    if chosen and chosen not in sides:
        session.choices[name] = ""
        st.warning("The plan that was chosen is not in this store; another one is shown.")
    return session.choices[name] or usual


def _select(name: str, label: str, labels: dict[str, str], value: str, options: list[str]) -> str:
    turn = Turn.of(name, value, [labels[option] for option in options])

    def take(id: str) -> None:
        current().choices[name] = id

    return st.selectbox(
        label,
        options,
        index=options.index(value),
        format_func=labels.__getitem__,
        key=turn.key,
        on_change=turn.chosen,
        args=(take,),
    )


def _maps(first: Side, second: Side) -> None:
    from analysis import plan_figures

    masks = first.treatment.mask, second.treatment.mask
    for place, mine, beside in zip(
        st.columns(2, gap="medium"), (first, second), (second, first), strict=True
    ):
        with place:
            letter = "ab"[mine is second]
            figure.show(
                plan_figures.mask_map(mine.treatment.mask, beside.treatment.mask, beside.name),
                plan_figures.mask_table(mine.treatment.mask, beside.treatment.mask),
                f"plan-{letter}",
                key=f"map_{letter}",
                alt=f"Heads of {mine.name}; orange where the two differ",
            )
    apart = sum(
        a != b
        for rows in zip(*(mask.rows for mask in masks), strict=True)
        for a, b in zip(*rows, strict=True)
    )
    st.caption(
        f"A cross is a head that is off. The two differ in {apart} head{'s' * (apart != 1)}, drawn in orange."
    )


def _answers(
    here: Workspace,
    found: Shelf,
    sides: tuple[Side, Side],
    answers: tuple[Evaluation, Evaluation],
    limit: int | None,
) -> None:
    from analysis.pairing import pair

    names = sides[0].name, sides[1].name
    pairing = pair(*answers)
    st.markdown(sentence(pairing, names))
    known = measure.numbers(here, found, limit)
    st.dataframe(numbers(here, sides, answers, known), hide_index=True)
    if any(side.treatment.repair != "none" for side in sides):
        st.caption("Numbers of a plan with a repair are those of the smaller, repaired model.")
    differing, own = st.tabs(["Answers that differ", "Your own sentence"])
    with differing:
        if here.subject.task.reads != "labelled texts":
            st.caption(f"This model answers for {here.subject.task.item}: no list would show them.")
        else:
            flips.section(here, answers[0], answers[1], names=names, key="pair_flips")
    with own:
        full = tryout.Asked("full model", HeadMask.full(here.anatomy))
        tried = [_asked(here, side, place) for side, place in zip(sides, "AB", strict=True)]
        tryout.section(here, list(dict.fromkeys([full, *tried])), key="pair_own")


def _asked(here: Workspace, side: Side, place: str) -> tryout.Asked:
    """A side as it answers a sentence: with the model that its numbers are of."""
    treatment = side.treatment
    made = measure.mended(here, treatment, place) if treatment.is_repaired else None
    return tryout.Asked(side.name, treatment.mask, treatment.ablation, treatment.repair, made)


def numbers(
    here: Workspace,
    sides: tuple[Side, Side],
    answers: tuple[Evaluation, Evaluation],
    known: Numbers,
) -> pd.DataFrame:
    """The numbers of the full model and of the two, a column each."""
    full = next(each.baseline or each for each in answers)
    columns = {"full model": _column(here, full, "", known)}
    for side, answer in zip(sides, answers, strict=True):
        if side.id != FULL:
            name = side.name if side.name not in columns else f"{side.name} "
            columns[name] = _column(here, answer, side.id, known)
    return pd.DataFrame(columns).rename_axis("").reset_index()


def _column(here: Workspace, answer: Evaluation, id: str, known: Numbers) -> dict[str, str]:
    from analysis.pairing import disagreement

    flipped, saved, full = answer.flips, known.savings.get(id), answer.baseline or answer
    told = {"heads on": f"{answer.heads_on} of {answer.heads_total}"}
    for each in answer.measured:
        told[each.title] = f"{each.told} ({views.interval(each)})"
    for each in answer.measured:
        change = each.changed
        told[f"{each.title} against the full model"] = change or "—"
    told |= {
        "answers that became wrong, right": "—",
        "other answers than the full model": "—",
        "weights (million)": f"{saved.parameters / 1e6:.1f}" if saved else "not measured",
        "operations of a text (billion)": f"{saved.flops / 1e9:.2f}" if saved else "not measured",
        "times as fast": "—" if not id else "not measured",
    }
    if flipped is not None:
        told["answers that became wrong, right"] = f"{len(flipped.broken)}, {len(flipped.fixed)}"
        told["other answers than the full model"] = views.percent(disagreement(answer, full))
    if saved is not None and saved.latency_ratio is not None:
        span = f"{saved.latency_low:.2f} to {saved.latency_high:.2f}"
        told["times as fast"] = f"{saved.latency_ratio:.2f} ({span})"
    return told
