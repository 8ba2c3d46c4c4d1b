"""Overview: the model, the sentences, and what is known so far."""

from __future__ import annotations

import streamlit as st

from analysis.ui import frame, navigation, views, work
from analysis.ui.jobs import Urgency
from analysis.ui.state import current

here = frame.open_page(
    "How many attention heads does this model really need?",
    "Headcount shows what every head does, lets you switch heads off, and measures what that costs "
    "in accuracy and buys in speed.",
)
session, anatomy = current(), here.anatomy
mask = session.mask
full = work.evaluation(here, mask.switched(mask.off_heads, on=True), urgency=Urgency.PAGE)


def accuracy() -> None:
    """The full model's accuracy, as far as it is known."""
    found = full.result
    columns = st.columns(4)
    columns[0].metric("Layers", len(anatomy.heads), border=True, height="stretch")
    columns[1].metric("Heads", anatomy.heads_total, border=True, height="stretch")
    columns[2].metric(
        "Parameters", f"{here.subject.parameters / 1e6:.1f} M", border=True, height="stretch"
    )
    columns[3].metric(
        "Accuracy, all heads" if not full.is_open else "Accuracy …",
        views.percent(found.accuracy) if found else "…",
        border=True,
        height="stretch",
        help="Share of right answers on the selection split, with its 95 % interval (Wilson).",
        delta=views.accuracy_interval(found) if found else " ",
        delta_color="off",
        delta_arrow="off",
    )


frame.live(accuracy, full)

left, right = st.columns(2, gap="large")
with left:
    st.subheader("The model", anchor=False)
    st.markdown(
        f"**{frame.escaped(here.subject.name)}**, answers: {frame.listed(here.subject.labels)}"
    )
    frame.provenance(here.subject.provenance)
with right:
    st.subheader("The sentences", anchor=False)
    st.markdown(f"**{frame.escaped(here.data.name)}**")
    frame.provenance(here.data.provenance)
    st.dataframe(views.splits_table(here.data), hide_index=True)
    for note in here.data.notes:
        st.caption(frame.escaped(note))

st.subheader("Where to go from here", anchor=False)
for column, (group, places) in zip(st.columns(3), navigation.GROUPS.items(), strict=True):
    with column:
        st.markdown(f"**{group}**")
        for place in places:
            place.link()
