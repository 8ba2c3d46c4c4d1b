"""The text that the attention page looks at."""

from __future__ import annotations

import streamlit as st

from analysis.ui.resources import Workspace
from analysis.ui.state import current
from analysis.ui.widgets import Turn

OFFERED = 12
"""Sentences of the data that are offered as examples."""
LONGEST = 100_000
"""Characters of a text that can be entered; models read a few thousand at most."""


def text_box(here: Workspace) -> str:
    """The text, typed or picked from the selection split; a box that was emptied shows the first sentence again."""
    session = current()
    offered = list(here.sentences("selection", OFFERED).texts)
    text = text_of(here)
    written = Turn.of("text_box", text)
    picked = Turn.of("text_example", None)  # a menu: what is picked stands in the box

    def take(chosen: str | None) -> None:
        if chosen is not None:
            session.choices["text"] = chosen

    left, right = st.columns([2, 1])
    with left:
        st.text_area(
            "Text",
            text,
            key=written.key,
            on_change=written.chosen,
            args=(take,),
            height=80,
            max_chars=LONGEST,
        )
    with right:
        st.selectbox(
            "or a sentence of the data",
            offered,
            index=None,
            key=picked.key,
            on_change=picked.chosen,
            args=(take,),
            placeholder="Choose an example",
        )
    return text


def text_of(here: Workspace) -> str:
    """The text that was typed or picked last; the first sentence of the selection split without one."""
    typed = current().choices["text"][:LONGEST]
    return typed if typed.strip() else here.sentences("selection", OFFERED).texts[0]
