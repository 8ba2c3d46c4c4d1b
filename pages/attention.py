"""Attention: one text, every head's map."""

from __future__ import annotations

import streamlit as st

from analysis import figures
from analysis.errors import HeadcountError
from analysis.mask import name
from analysis.ui import bertviz, examples, figure, frame, views, work
from analysis.ui.state import current
from analysis.ui.switchboard import reported_choice, switchboard

here = frame.open_page(
    "Where does every head look in one text?",
    "Each small picture is one head: rows are the tokens that look, columns the tokens looked at.",
)
session = current()
text = examples.text_box(here)
pair = frame.wait_for(work.maps(here, text, session.mask))
tokens = pair[0].tokens
st.caption(views.length_note(here.subject, tokens))


def pick() -> None:
    """Take over the head that was clicked."""
    head = reported_choice("atlas", here.anatomy, session.revision)
    if head is not None:
        session.choices["head"] = f"{head[0]}.{head[1]}"


@st.fragment
def board() -> None:
    """All maps, and one of them large."""
    what = examples.which_maps(session.mask)
    head = session.head()
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
            sprite=views.sprite(pair, what),
            label="Attention maps of every head; choose one to see it large",
        )
        st.caption("Each map has a scale of its own. Heads that are switched off are hatched.")
    with right:
        st.subheader(f"{name(head)}, {what}", anchor=False)
        weights = views.map_of(pair, head, what)
        figure.show(
            figures.attention_map(weights, tokens, is_difference=what == "difference"),
            lambda: views.map_table(weights, tokens),
            f"attention-{name(head)}",
            key="large",
            alt=f"Attention of {name(head)}",
        )
    frame.write_link()


board()

with st.expander("BertViz head view", key="bertviz"):
    if st.toggle("Show", key="show_bertviz"):
        try:
            page = bertviz.head_view(pair[0], session.head())
        except HeadcountError as error:
            st.info(str(error))
        else:
            st.iframe(page, height=120 + 23 * len(tokens), alt="BertViz head view")
