"""Plans: the masks worth keeping, as a tree, and two of them side by side."""

from __future__ import annotations

import streamlit as st

from analysis.ui import controls, frame
from analysis.ui.plans import bar, listing, pair, shelf

here = frame.open_page(
    "Which plan is worth keeping?",
    "A plan is a mask with a name. Plans survive a restart, everyone on this server sees them, and each remembers the "
    "plan that it was made from.",
)
found = shelf.read(here)
bar.trouble()
if not found.plans:
    listing.nothing_yet()
left, right = st.columns([3, 1], vertical_alignment="bottom")
with left:
    bar.manage(here, found)
with right:
    limit = controls.sentences(here)
if found.plans:
    listing.section(here, found, limit)
    st.subheader("What sets two of them apart?", anchor=False)
    pair.section(here, found, limit)
listing.deleted(found)
frame.write_link()
