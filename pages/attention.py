"""Attention: one text, every head's map."""

from __future__ import annotations

import streamlit as st

from analysis.mask import name
from analysis.ui import atlas, board_picture, examples, figure, frame, parts, views
from analysis.ui.mapview import mapview, svg
from analysis.ui.state import current
from analysis.ui.switchboard import reported_choice, switchboard

here = frame.open_page(
    "Where does every head look in one text?",
    "Each small picture is one head: rows are the tokens that look, columns the tokens looked at.",
)
session = current()
text = examples.text_box(here)
reading = atlas.reading(session.mask)
found = frame.wait_for(atlas.atlas(here, text, session.mask, reading))
tokens = found.maps.tokens
st.caption(views.length_note(here.subject, found.length, is_cut=found.maps.is_cut))


def pick() -> None:
    """Take over the head that was clicked."""
    head = reported_choice("atlas", here.anatomy, session.revision)
    if head is not None:
        session.choices["head"] = f"{head[0]}.{head[1]}"


def board() -> None:
    """All maps, and one of them large."""
    head, what = session.head(), atlas.MAPS[reading.what]
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Every head", anchor=False)
        switchboard(
            session.mask,
            key="atlas",
            revision=session.revision,
            on_report=pick,
            mode="choose",
            chosen=head,
            sprite=found.picture,
            label="Attention maps of every head; choose one to see it large",
            titles=here.anatomy.stacks,
        )
        st.caption("Each map has a scale of its own. Heads that are switched off are hatched.")
        figure.save(
            lambda: board_picture.picture(session.mask, sprite=found.picture),
            lambda: board_picture.weights(found.maps.weights, tokens),
            "attention-all-heads",
            key="atlas_save",
        )
    with right:
        st.subheader(f"{name(head)}, {what}", anchor=False)
        weights, how = found.weights(head), {"is_difference": reading.is_difference}
        mapview(weights, tokens, key="large", label=f"Attention of {name(head)}, {what}", **how)
        figure.save(
            lambda: svg(weights, tokens, **how),
            lambda: views.map_table(weights, tokens),
            f"attention-{name(head)}",
            key="large_save",
        )
    frame.write_link()


parts.part(board)
atlas.in_bertviz(found, reading, session.head())
