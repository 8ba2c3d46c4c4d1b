"""The presenter view: five steps, their links and keys, and a stage without anything else on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from analysis.report.svg import on_white
from analysis.ui import figure, navigation
from analysis.ui.parts import go
from analysis.ui.state import current

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = Path(__file__).parent
STEPS = (
    "How the model looks at text",
    "Which heads matter",
    "Switch half of them off",
    "What happened",
    "What you gain",
)
"""Titles of the steps, for the bar; a link names a step by its number, from 1."""

_picture = st.components.v2.component(
    "headcount.picture",
    html='<div class="picture"></div>',
    css=(_FOLDER / "picture.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "picture.js").read_text(encoding="utf-8"),
)
_keys = st.components.v2.component(
    "headcount.keys", js=(_FOLDER / "keys.js").read_text(encoding="utf-8")
)


def step() -> int:
    """The step that is shown, from 1."""
    return int(current().checked("step", [str(number) for number in range(1, len(STEPS) + 1)]))


def bar(number: int) -> None:
    """Back, the steps as links, next, and the way out; the arrow keys do the same."""
    _keys(key="stage_keys")
    with st.container(
        horizontal=True,
        horizontal_alignment="center",
        vertical_alignment="center",
        key="stage_bar",
    ):
        _go("Back", number - 1, "back", icon=":material/arrow_back:")
        for place, title in enumerate(STEPS, 1):
            _go(
                str(place),
                place,
                f"step_{place}",
                type="primary" if place == number else "tertiary",
                help=title,
            )
        _go("Next", number + 1, "next", icon=":material/arrow_forward:", icon_position="right")
        st.button(
            "Leave", key="stage_leave", type="tertiary", icon=":material/close:", on_click=_leave
        )


def show(picture: str, table: pd.DataFrame | Callable[[], pd.DataFrame], name: str) -> None:
    """A picture as large as the stage has room for, and the way to save it.

    Args:
        picture: SVG of `analysis.report.svg`, in which all text of others has been made harmless.
        table: the numbers that it shows, or what makes them.
        name: of the saved files, without an ending.
    """
    _picture(key="stage_picture", data={"picture": picture})
    figure.save(lambda: on_white(picture), table, name, key="stage_save")


def dress() -> None:
    """Take everything off the stage that is not the story."""
    st.html(_FOLDER / "stage.css")


def _leave() -> None:
    current().choices["step"] = "1"
    go(navigation.DECIDE[0].file, current().query())


def _go(label: str, number: int, name: str, **how: object) -> None:
    def turned() -> None:
        current().choices["step"] = str(number)

    st.button(
        label,
        key=f"stage_{name}",
        on_click=turned,
        disabled=not 1 <= number <= len(STEPS),
        **how,  # type: ignore[arg-type]
    )
