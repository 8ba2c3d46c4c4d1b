"""The sentences that two masks answer differently: counted, drawn, listed, and opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from analysis.ui import figure
from analysis.ui.jobs import Job
from analysis.ui.parts import part
from analysis.ui.resources import Workspace
from analysis.ui.widgets import maps_column
from analysis.ui.words import escaped

if TYPE_CHECKING:
    import pandas as pd

    from analysis.evaluation import Evaluation
    from analysis.flips import Chance, Comparison

NAMES = ("full model", "these heads off")
VIEWS = ("changed", "nearly changed", "moved most")
"""Which sentences are listed."""
LISTED = 100
"""Sentences of the second and third list."""
LONGEST = 24
"""Characters of a name above a column."""
EVERY = "all labels"
WORDS = {"broken": "became wrong", "fixed": "became right", "other": "other", "same": "same"}


def under_mask(here: Workspace, job: Job[Evaluation]) -> None:
    """The sentences that the mask changes against the full model, or what to do to see some."""
    found = job.result
    if here.subject.task.reads != "labelled texts":
        st.caption(
            f"This model answers for {here.subject.task.item}, thousands of them: how many became right or wrong "
            "stands above, and no list of sentences would show them."
        )
    elif job.is_open or found is None:
        st.caption("The list appears when the measurement has ended.")
    elif found.baseline is None:
        st.caption("All heads are on: switch some off to see which answers change.")
    else:
        section(here, found.baseline, found, key="flips")


def section(
    here: Workspace,
    before: Evaluation,
    after: Evaluation,
    *,
    names: tuple[str, str] = NAMES,
    split: str = "selection",
    key: str,
) -> None:
    """Everything about the answers that differ between two evaluations of the same sentences.

    Args:
        here: the source.
        before: usually the full model's evaluation.
        after: the other one, whole.
        names: what the two are called.
        split: which split they are of.
        key: beginning of the widgets' keys.
    """
    from analysis.flips import compare

    sentences = here.sentences(split, after.n)
    found = compare(before, after, sentences, tuple(here.subject.labels))

    def listed() -> None:
        st.markdown(certainty(found.chance, len(found.flips), found.n))
        _listing(found, names, key)
        if len(found.flips):
            _pictures(found, names, key)

    part(listed)


def certainty(chance: Chance, flipped: int, n: int) -> str:
    """How many answers changed, and whether chance would do that, for people."""
    if not flipped:
        return f"None of {n:,} answers changed."
    fixed = chance.decided - chance.broken
    told = f"**{flipped:,} of {n:,} answers changed**: {chance.broken:,} became wrong, {fixed:,} became right"
    other = flipped - chance.decided
    told += f", {other:,} went from one wrong label to another." if other else "."
    if not chance.decided:
        return told
    judged = "so this is not chance alone" if chance.is_more else "so this could be chance alone"
    return (
        f"{told} If both models were equally good, chance would make {chance.low:,} to {chance.high:,} of these "
        f"{chance.decided:,} wrong, {judged} (exact McNemar test, p {_p(chance.p)})."
    )


def filtered(
    sentences: pd.DataFrame, query: str, kinds: list[str], label: str | None
) -> pd.DataFrame:
    """The rows that contain the query, in any case and as plain text, and are of these kinds and label."""
    kept = sentences
    if query.strip():
        kept = kept[kept["text"].str.contains(query.strip(), case=False, regex=False)]
    if kinds:
        kept = kept[kept["what"].isin(kinds)]
    if label is not None:
        kept = kept[kept["label"] == label]
    return kept.reset_index(drop=True)


def _listing(found: Comparison, names: tuple[str, str], key: str) -> None:
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    with left:
        wanted = st.segmented_control(
            "Sentences whose answer", VIEWS, default=VIEWS[0], required=True, key=f"{key}_view"
        )
    query = middle.text_input("Search", key=f"{key}_query", placeholder="words in the sentence")
    labels = list(dict.fromkeys(found.sentences["label"]))
    label = right.selectbox("True label", [EVERY, *labels], key=f"{key}_label")
    chosen = {VIEWS[1]: found.near, VIEWS[2]: found.largest}
    rows = chosen[wanted](LISTED) if wanted in chosen else found.flips
    present = [kind for kind in WORDS if kind != "same" and (rows["what"] == kind).any()]
    kinds: list[str] = []
    if len(present) > 1:
        kinds = st.pills(
            "What became of the answer",
            present,
            selection_mode="multi",
            format_func=WORDS.__getitem__,
            key=f"{key}_kinds",
            label_visibility="collapsed",
        )
    shown = filtered(rows, query, kinds, None if label == EVERY else label)
    if not len(shown):
        st.caption(
            "No such sentence: change the search or the filter."
            if len(rows)
            else "There is no such sentence."
        )
        return
    st.caption(_told(wanted, len(shown), names))
    _table(shown, names, key)


def _told(view: str, count: int, names: tuple[str, str]) -> str:
    explained = {
        VIEWS[0]: "largest change first",
        VIEWS[1]: "the answer stayed, by the smallest lead over the runner-up",
        VIEWS[2]: "the answer stayed, its probabilities moved most",
    }
    first, second = map(escaped, names)
    return (
        f"{count:,} sentences; {explained[view]}. The numbers are the probability of the right label. "
        f"“Became wrong”: right with {first}, wrong with {second}. "
        "Click a column's name to sort."
    )


def _table(rows: pd.DataFrame, names: tuple[str, str], key: str) -> None:
    first, second = (name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names)
    shown = rows.assign(
        maps=":material/visibility: Maps", what=rows["what"].map(WORDS), **{" ": rows["words"]}
    )
    whole = st.column_config.ProgressColumn
    columns: dict[str, Any] = {
        "maps": maps_column(f"{key}_open", list(rows["text"])),
        "what": st.column_config.TextColumn("What", width=110),
        "text": st.column_config.TextColumn("Sentence", width="large"),
        "label": st.column_config.TextColumn("True label"),
        "answer_after": st.column_config.TextColumn(f"Answer: {second}"),
        "probability_before": whole(first, format="%.2f", min_value=0, max_value=1, width=110),
        "probability_after": whole(second, format="%.2f", min_value=0, max_value=1, width=110),
        "change": st.column_config.NumberColumn("Change", format="%+.2f", width=80),
        "words": st.column_config.NumberColumn("Words", width=70),
    }
    st.dataframe(
        shown,
        hide_index=True,
        height=min(320, 38 + 36 * len(shown)),
        column_order=list(columns),
        column_config=columns,
        key=f"{key}_table",
        alt=f"Sentences with the probability of their right label: {names[0]}, {names[1]}",
    )


def _pictures(found: Comparison, names: tuple[str, str], key: str) -> None:
    from analysis import answer_figures

    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**How sure the model is of the right label**")
        figure.show(
            answer_figures.probabilities(found.sentences, names),
            found.sentences,
            "answers-before-and-after",
            key=f"{key}_points",
            alt=f"Probability of the right label, {names[0]} against {names[1]}, a point for each sentence",
        )
        st.caption(f"Below the dotted line a sentence is harder with {escaped(names[1])}.")
    with right:
        for title, summary in (
            ("By true label", found.by_class()),
            ("By length", found.by_length()),
        ):
            st.markdown(f"**{title}**")
            figure.show(
                answer_figures.by_group(summary),
                summary,
                f"changed-answers-{title.replace(' ', '-').lower()}",
                key=f"{key}-{title.replace(' ', '-').lower()}",
                alt=f"{title}: share of answers that changed with its 95 % interval",
            )
        st.caption(
            "Bars: share of the group's answers that changed; whiskers: its 95 % interval (Wilson). "
            "Groups whose whiskers overlap may not differ."
        )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
