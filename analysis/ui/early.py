"""The switchboard of a model that is still loading: heads can be switched by its outline, numbers come later."""

from __future__ import annotations

import streamlit as st

from analysis.outline import outline
from analysis.ui.state import current, write_link
from analysis.ui.switchboard import reported_mask, switchboard

KEY = "early_board"


def board() -> None:
    """Draw the board by the model's outline; nothing where that cannot be told yet."""
    session = current()
    shape = outline((session.wanted or session.source).model)
    if shape is None:
        return
    session.expect(shape)
    assert session.mask is not None

    def take() -> None:
        mask = reported_mask(KEY, shape, session.revision)
        if mask is not None:
            session.change(mask, by_grid=True)

    left, _ = st.columns([3, 2], gap="large")
    with left:
        st.caption(
            "Heads can be switched off already; what that does is measured once the model is there."
        )
        switchboard(
            session.mask,
            key=KEY,
            revision=session.revision,
            on_report=take,
            note="Colours come when their numbers have been measured.",
            label="Heads by layer; switch them on and off",
            groups=shape.groups,
        )
    write_link()
