"""A sentence of the person's own, answered under several masks at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from analysis.mask import HeadMask
from analysis.progress import Step
from analysis.ui import figure, frame, work
from analysis.ui.examples import LONGEST
from analysis.ui.flips import NAMES
from analysis.ui.jobs import Job, Urgency
from analysis.ui.resources import Workspace
from analysis.ui.state import current
from analysis.ui.widgets import Turn

if TYPE_CHECKING:
    from analysis.repair import Repaired
    from analysis.tryout import Tryout


@dataclass(frozen=True)
class Asked:
    """What shall answer, and what to call it."""

    name: str
    mask: HeadMask
    ablation: str = "zero"
    """What its heads that are off contribute: `zero` or `mean`."""
    repair: str = "none"
    mended: Job[Repaired] | None = field(default=None, compare=False)
    """Makes the smaller, repaired model that answers; None where the full one does under the mask."""


def under_mask(mask: HeadMask, ablation: str = "zero") -> Sequence[Asked]:
    """The full model, and the mask beside it if it switches anything off."""
    full = Asked(NAMES[0], mask.switched(mask.off_heads, on=True))
    return (full,) if mask.is_full else (full, Asked(NAMES[1], mask, ablation))


def answering(here: Workspace, text: str, masks: Sequence[Asked]) -> Job[Tryout]:
    """The answers to a text under each of the masks."""
    needs_means = any(each.ablation == "mean" and each.mended is None for each in masks)
    key = tuple((each.name, each.mask, each.ablation, each.repair) for each in masks)
    return work.desk.ask(
        (here.key, "tryout", text, key),
        lambda *needed: _answering(here, text, masks, needs_means, needed),
        owner=current().id,
        kind="tryout",
        title="Answers to your own sentence",
        urgency=Urgency.CLICK,
        after=[
            *([work.profile(here)] if needs_means else []),
            *(each.mended for each in masks if each.mended is not None),
        ],
    )


def section(here: Workspace, masks: Sequence[Asked], *, key: str) -> None:
    """A box for a sentence, and what the model makes of it under each mask.

    Args:
        here: the source.
        masks: what to compare, the full model first.
        key: beginning of the widgets' keys.
    """
    if here.subject.task.name != "sequence-classification":
        st.caption("This model does not classify texts: there is no answer to compare.")
        return
    session = current()
    text = session.choices["text"][:LONGEST]
    turn = Turn.of(f"{key}_text", text)

    def take(typed: str) -> None:
        session.choices["text"] = typed

    st.text_input(
        "A sentence of your own",
        text,
        key=turn.key,
        on_change=turn.chosen,
        args=(take,),
        max_chars=LONGEST,
        placeholder="Write a sentence and press Enter",
    )
    if not text.strip():
        st.caption(
            "Write a sentence to see what the model answers with all heads and without those that are off. "
            "It stays on this computer, unless you share the link."
        )
        return
    job = answering(here, text, masks)
    frame.live(lambda: _answers(job, key), job)
    if mended := [each.name for each in masks if each.mended is not None]:
        verb = "answers" if len(mended) == 1 else "answer"
        st.caption(
            f"{frame.listed(mended)} {verb} as the smaller model whose heads are removed and the rest repaired."
        )


def told(found: Tryout) -> str:
    """Whether the masks agree on the text, for people."""
    first = found.answers[0]
    others = [
        f"**{frame.escaped(name)}** answers **{frame.escaped(answer)}**"
        for name, answer in zip(found.names, found.answers, strict=True)
        if answer != first
    ]
    if not others:
        whom = "Every one answers" if len(found.names) > 1 else "The model answers"
        return f"{whom} **{frame.escaped(first)}**."
    return f"**{frame.escaped(found.names[0])}** answers **{frame.escaped(first)}**, {', '.join(others)}."


def _answers(job: Job[Any], key: str) -> None:
    if (found := job.answer) is None:
        frame.bar(job) if job.is_open else st.error(frame.escaped(job.error))
        return
    from analysis import answer_figures

    st.markdown(told(found))
    figure.show(
        answer_figures.answers(found),
        found.table,
        "own-sentence",
        key=f"{key}_answers",
        alt="Probability of each label under each mask",
    )
    cut = " The text is longer than the model reads; its end was not read." if found.is_cut else ""
    st.caption(
        f"{found.tokens} tokens, special ones included.{cut} One sentence is an anecdote: the numbers over many "
        "sentences say how good a mask is."
    )


def _answering(
    here: Workspace,
    text: str,
    masks: Sequence[Asked],
    needs_means: bool,
    needed: Sequence[Any],
) -> Iterator[Step[Tryout]]:
    from analysis.tryout import Variant, tryout

    results = iter(needed)
    means = next(results).means if needs_means else None
    variants = [
        Variant(
            each.name,
            each.mask,
            each.ablation,  # type: ignore[arg-type]
            next(results).subject if each.mended is not None else None,
        )
        for each in masks
    ]
    yield Step(1, 1, "texts", tryout(here.subject, text, variants, means))
