"""One head: what it is, where it looks, how much the task needs it, and which heads are like it."""

from __future__ import annotations

import streamlit as st

from analysis.mask import name
from analysis.ui import frame, navigation, one_head, work, worth

here = frame.open_page(
    "What is this one head for?",
    "Its statistics against all other heads, where it looks, what the model loses without it, and its look-alikes. "
    "All but the measurement without it comes from the calibration split.",
)
profile = frame.wait_for(work.profile(here))

left, right = st.columns(2, gap="medium")
with left:
    head = one_head.picker(here, profile)
    st.caption(
        "Click a head, or move with the arrow keys and press Enter; the colour is its entropy."
    )
with right:
    one_head.portrait(profile, head)
    navigation.place("prune").link(f"Switch {name(head)} off on the Prune page")

st.subheader("Where does it look?", anchor=False)
one_head.looks(here, head)

st.subheader("How much does the task need it?", anchor=False)
worth.section(here, head)

st.subheader("Which heads are like it?", anchor=False)
one_head.alike(here, head)

st.subheader("Where does it stand among all heads?", anchor=False)
one_head.standing_picture(profile, head)
frame.write_link()
