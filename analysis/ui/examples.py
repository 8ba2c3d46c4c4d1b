"""What the attention page looks at: a text, and which of its maps."""

from __future__ import annotations

import streamlit as st

from analysis.mask import HeadMask
from analysis.ui.resources import Workspace
from analysis.ui.state import current

OFFERED = 12
"""Sentences of the data that are offered as examples."""
LONGEST = 20_000
"""Characters of a text that can be entered; models read a few thousand at most."""
MAPS = ("all heads", "under the mask", "difference")


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
    return session.choices["text"] if session.choices["text"].strip() else offered[0]


def which_maps(mask: HeadMask) -> str:
    """Which maps to show; without a mask there is only one kind."""
    if mask.is_full:
        st.caption("Switch heads off on the Prune page to see how the maps above them change.")
        return MAPS[0]
    chosen = st.segmented_control(
        "Maps", MAPS, default=MAPS[0], key="which_maps", label_visibility="collapsed"
    )
    return chosen or MAPS[0]
