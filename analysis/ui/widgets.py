"""Widgets as Headcount uses them: they keep their choices when the page changes.

A choice is kept in the session, and its widget is told it as its default with every run. A value put into
`st.session_state` instead is told to the browser once; a page that starts again before a browser has drawn it
loses it, and the widget's empty value then counts as chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from analysis.errors import unknown
from analysis.ui.parts import go
from analysis.ui.state import current


@dataclass(frozen=True)
class Turn:
    """A widget's key that is new whenever something else than the widget has changed its value or its labels.

    A browser sends the value of a widget that has gone once more with its next message, as if a person had
    chosen it then; so what an older turn says is not listened to. It names a choice by its label: a label that
    is not there any more would count as chosen, too.
    """

    name: str
    number: int

    @classmethod
    def of(cls, name: str, value: Any, labels: Sequence[str] = ()) -> Turn:
        """The key for this value, and for these labels of what can be chosen."""
        now = value, tuple(labels)
        number, before = st.session_state.get(f"turn_{name}", (0, now))
        number += now != before
        st.session_state[f"turn_{name}"] = number, now
        return cls(name, number)

    @property
    def key(self) -> str:
        """The widget's key."""
        return f"{self.name}_{self.number}"

    def chosen(self, take: Callable[[Any], None]) -> None:
        """Take what a person has just chosen; the widget stays, with its focus."""
        number, _ = st.session_state[f"turn_{self.name}"]
        if number != self.number or self.key not in st.session_state:
            return
        value = st.session_state[self.key]
        self.holds(value)
        take(value)

    def holds(self, value: Any) -> None:
        """Note what the widget has; it keeps its key where that is its value from now on."""
        _, (_, labels) = st.session_state[f"turn_{self.name}"]
        st.session_state[f"turn_{self.name}"] = self.number, (value, labels)


def segments(options: Sequence[str], index: int, **how: Any) -> str:
    """Buttons side by side, one of which is always chosen."""
    return st.segmented_control(options=options, default=options[index], required=True, **how)


def setting(
    name: str,
    options: Sequence[str],
    widget: Callable[..., Any],
    take: Callable[[str], None] | None = None,
    **how: Any,
) -> str:
    """A widget for one of `DEFAULTS` that keeps its choice when the page changes.

    Args:
        name: key of the choice.
        options: what can be chosen.
        widget: such as `st.selectbox`; called with `options`, an index among them and a key.
        take: takes a new choice over, where that is more than keeping it.
        how: passed on to the widget, `label` among it.
    """
    session = current()
    value = _checked(name, options)
    turn = Turn.of(f"choice_{name}", value, _labels(options, how))

    def keep(chosen: str) -> None:
        session.choices[name] = chosen

    widget(
        options=options,
        index=list(options).index(value),
        key=turn.key,
        on_change=turn.chosen,
        args=(take or keep,),
        **how,
    )
    return value


def several(name: str, options: Sequence[str], **how: Any) -> list[str]:
    """As `setting`, for a list of which several can be chosen; unknown ones are left out."""
    session = current()
    asked = session.choices[name].split()
    known = [part for part in asked if part in options]
    if len(asked) > len(known):
        for part in asked:
            if part not in options:
                reason = unknown(name, part[:40], options)
                session.notices.append(f"One of the link's {name} was not used: {reason}.")
        session.choices[name] = " ".join(known)
        st.rerun()  # what is to be said stands above
    turn = Turn.of(f"choice_{name}", known, _labels(options, how))

    def keep(chosen: list[str]) -> None:
        session.choices[name] = " ".join(chosen)

    st.multiselect(
        options=options,
        default=known,
        key=turn.key,
        on_change=turn.chosen,
        args=(keep,),
        **how,
    )
    return known


def switch(name: str, **how: Any) -> bool:
    """As `setting`, for a switch whose choices are `off` and `on`."""
    session = current()
    is_on = _checked(name, ("off", "on")) == "on"
    turn = Turn.of(f"choice_{name}", is_on)

    def keep(chosen: bool) -> None:
        session.choices[name] = "on" if chosen else "off"

    st.toggle(value=is_on, key=turn.key, on_change=turn.chosen, args=(keep,), **how)
    return is_on


def _labels(options: Sequence[str], how: Mapping[str, Any]) -> list[str]:
    """What a browser calls the options."""
    return list(map(how.get("format_func") or str, options))


def _checked(name: str, options: Sequence[str]) -> str:
    """As `Session.checked`; starts the page again when there is something to say, because it stands above."""
    session = current()
    said = len(session.notices)
    value = session.checked(name, options)
    if len(session.notices) > said:
        st.rerun()
    return value


def maps_column(key: str, texts: Sequence[str]) -> Any:
    """A table's column of buttons, each of which leads to every head's map of its row's text.

    Args:
        key: of the column, by which a click is known.
        texts: of the rows, in their order.
    """

    def see() -> None:
        row = st.session_state[key]["row"]
        if row < len(texts):  # else of a longer table, that was there when the click was on its way
            current().choices["text"] = texts[row]
            go("pages/attention.py")

    return st.column_config.ButtonColumn(
        "Maps", width=90, key=key, help="See every head's map of this sentence.", on_click=see
    )
