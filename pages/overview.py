"""Overview: the model, the sentences, and what is known so far."""

from __future__ import annotations

import streamlit as st

from analysis.ui import frame, navigation, verdict, views, work
from analysis.ui.jobs import Urgency
from analysis.ui.state import current

LAYERS = "Steps of the model, one after the other; each has heads of its own."
HEADS = "Each reads the text in its own way. They are written L3.H7: layer 3, head 7, both from 0."
PARAMETERS = "All weights in millions. Those of the attention heads are a part of them only."
ACCURACY = (
    "With all heads on: share of right answers on the selection split. Below it the range that holds the true value "
    "in 95 of 100 samples of sentences (Wilson)."
)

here = frame.open_page(
    "How many attention heads does this model really need?",
    "Headcount shows what every head does, lets you switch heads off, and measures what that costs "
    "in accuracy and buys in speed.",
)
session, anatomy = current(), here.anatomy
mask = session.mask
task = here.subject.task
measure = task.measures[0] if task.measures else None
title = measure.title if measure else "Accuracy"
full = work.evaluation(here, mask.switched(mask.off_heads, on=True), urgency=Urgency.PAGE)


def accuracy() -> None:
    """The full model's accuracy, as far as it is known."""
    found = full.result
    layers, heads, parameters, share = st.columns(4)
    tile = {"border": True, "height": "stretch"}
    layers.metric("Layers", len(anatomy.heads), help=LAYERS, **tile)
    heads.metric("Heads", anatomy.heads_total, help=HEADS, **tile)
    parameters.metric(
        "Parameters", f"{here.subject.parameters / 1e6:.1f} M", help=PARAMETERS, **tile
    )
    share.metric(
        title if not full.is_open else f"{title} …",
        found.main.told if found else "…",
        delta=views.interval(found.main) if found else " ",
        delta_color="off",
        delta_arrow="off",
        help=measure.meaning if measure and title != "Accuracy" else ACCURACY,
        **tile,
    )


frame.live(accuracy, full, patience=frame.FIRST)
verdict.section(here)

left, right = st.columns(2, gap="large")
with left:
    st.subheader("The model", anchor=False)
    st.markdown(
        f"**{frame.escaped(here.subject.name)}**, "
        + (
            f"answers: {frame.listed(here.subject.labels)}"
            if here.subject.labels
            else task.title.lower()
        )
    )
    frame.provenance(here.subject.provenance)
with right:
    st.subheader("The sentences", anchor=False)
    st.markdown(f"**{frame.escaped(here.data.name)}**")
    frame.provenance(here.data.provenance)
    st.table(views.splits_table(here.data), border="horizontal", hide_index=True)
    for note in here.data.notes:
        st.caption(frame.escaped(note))

st.subheader("Where to go from here", anchor=False)
for column, (group, places) in zip(st.columns(3), navigation.GROUPS.items(), strict=True):
    with column:
        st.markdown(f"**{group}**")
        for place in places:
            place.link()
