"""The text that the attention page looks at."""

from __future__ import annotations

import streamlit as st

from analysis.ui.resources import Workspace
from analysis.ui.state import current

OFFERED = 12
"""Sentences of the data that are offered as examples."""
LONGEST = 100_000
"""Characters of a text that can be entered; models read a few thousand at most."""


def text_box(here: Workspace) -> str:
    """The text, typed or picked from the selection split."""
    session = current()
    offered = list(here.sentences("selection", OFFERED).texts)
    st.session_state.setdefault("text_box", (session.choices["text"] or offered[0])[:LONGEST])

    def typed() -> None:
        session.choices["text"] = st.session_state.text_box

    def picked() -> None:
        if st.session_state.text_example is not None:
            session.choices["text"] = st.session_state.text_example
            st.session_state.text_box = st.session_state.text_example

    left, right = st.columns([2, 1])
    with left:
        st.text_area("Text", key="text_box", on_change=typed, height=80, max_chars=LONGEST)
    with right:
        st.selectbox(
            "or a sentence of the data",
            offered,
            index=None,
            key="text_example",
            on_change=picked,
            placeholder="Choose an example",
        )
    return text_of(here)


def text_of(here: Workspace) -> str:
    """The text that was typed or picked last; the first sentence of the selection split without one."""
    typed = current().choices["text"][:LONGEST]
    return typed if typed.strip() else here.sentences("selection", OFFERED).texts[0]
