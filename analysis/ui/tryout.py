"""A sentence of the person's own, answered under several masks at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

if TYPE_CHECKING:
    from analysis.profiling import Profile
    from analysis.tryout import Tryout

Masks = Sequence[tuple[str, HeadMask, str]]
"""What to answer under: a name, a mask, and what its heads that are off contribute (`zero` or `mean`)."""


def under_mask(mask: HeadMask, ablation: str = "zero") -> Masks:
    """The full model, and the mask beside it if it switches anything off."""
    full = (NAMES[0], mask.switched(mask.off_heads, on=True), "zero")
    return (full,) if mask.is_full else (full, (NAMES[1], mask, ablation))


def answering(here: Workspace, text: str, masks: Masks) -> Job[Tryout]:
    """The answers to a text under each of the masks."""
    needs_means = any(ablation == "mean" for _, _, ablation in masks)
    return work.desk.ask(
        (here.key, "tryout", text, tuple(masks)),
        lambda *needed: _answering(here, text, masks, *needed),
        owner=current().id,
        kind="tryout",
        title="Answers to your own sentence",
        urgency=Urgency.CLICK,
        after=[work.profile(here)] if needs_means else [],
    )


def section(here: Workspace, masks: Masks, *, key: str) -> None:
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
    st.session_state.setdefault(f"{key}_text", session.choices["text"][:LONGEST])

    def typed() -> None:
        session.choices["text"] = st.session_state[f"{key}_text"]

    text = st.text_input(
        "A sentence of your own",
        key=f"{key}_text",
        on_change=typed,
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
    here: Workspace, text: str, masks: Masks, profiled: Profile | None = None
) -> Iterator[Step[Tryout]]:
    from analysis.tryout import Variant, tryout

    means = profiled.means if profiled else None
    variants = [Variant(name, mask, ablation) for name, mask, ablation in masks]  # type: ignore[arg-type]
    yield Step(1, 1, "texts", tryout(here.subject, text, variants, means))
