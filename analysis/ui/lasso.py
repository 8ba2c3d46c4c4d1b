"""Heads that were circled in a scatter, to be switched off or on together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analysis.errors import MaskError
from analysis.mask import Head, HeadMask, name
from analysis.ui.resources import Workspace
from analysis.ui.state import current

NAMED = 12
"""Heads that are named; of more only the number is told."""


def offer(here: Workspace, key: str) -> None:
    """Buttons for the heads that are selected in the chart of this key, and how to select some.

    Heads that share a key/value head go together, as on the switchboard.
    """
    from analysis.lawful import whole_groups

    session = current()
    assert session.mask is not None
    state = st.session_state.get(key)
    heads = whole_groups(
        here.anatomy, circled(state.selection.points if state else [], session.mask)
    )
    off = [head for head in heads if not session.mask.rows[head[0]][head[1]]]
    with st.container(horizontal=True, vertical_alignment="center"):
        for on, word, count in ((False, "off", len(heads) - len(off)), (True, "on", len(off))):
            st.button(
                f"Switch these {count} heads {word}" if count else f"Switch heads {word}",
                key=f"{key}-{word}",
                disabled=not count,
                on_click=session.change,
                args=(session.mask.switched(heads, on=on),),
            )
        st.button(
            "Undo",
            key=f"{key}-undo",
            icon=":material/undo:",
            on_click=session.undo,
            disabled=not session.past,
        )
    if not heads:
        st.caption("Draw around points, or click one, to switch their heads.")
    else:
        named = ", ".join(map(name, heads[:NAMED]))
        st.caption(
            f"Selected: {named}{f' and {len(heads) - NAMED} more' if len(heads) > NAMED else ''}."
        )


def circled(points: Sequence[Mapping[str, Any]], mask: HeadMask) -> list[Head]:
    """The heads of the points that Plotly says were selected, in order; what is no head of the mask is left out."""
    found = set()
    for point in points:
        match point.get("customdata"):
            case [int(layer), int(head)]:
                try:
                    mask.switched([(layer, head)], on=True)
                except MaskError:
                    continue
                found.add((layer, head))
    return sorted(found)
