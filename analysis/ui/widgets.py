"""Widgets as Headcount uses them: they keep their choices when the page changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from analysis.errors import unknown
from analysis.ui.state import current


def segments(options: Sequence[str], **how: Any) -> str:
    """Buttons side by side, one of which is always chosen."""
    return st.segmented_control(options=options, required=True, **how)


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
        widget: such as `st.selectbox`; called with `options` and a key.
        take: takes a new choice over, where that is more than keeping it.
        how: passed on to the widget, `label` among it.
    """
    session = current()
    key = f"choice_{name}"
    value = _checked(name, options)
    if st.session_state.get(key) != value:  # the choice has been changed elsewhere, such as by undo
        st.session_state[key] = value

    def keep() -> None:
        if key not in st.session_state:  # a link has been followed while the click was on its way
            return
        chosen = st.session_state[key] or value
        if take is not None:
            take(chosen)
        else:
            session.choices[name] = chosen

    widget(options=options, key=key, on_change=keep, **how)
    return session.choices[name] if session.choices[name] in options else value


def several(name: str, options: Sequence[str], widget: Callable[..., Any], **how: Any) -> list[str]:
    """As `setting`, for a widget with several choices; unknown ones are left out."""
    session = current()
    key = f"choice_{name}"
    if key not in st.session_state:
        asked = session.choices[name].split()
        st.session_state[key] = [part for part in asked if part in options]
        session.choices[name] = " ".join(st.session_state[key])
        for part in asked:
            if part not in options:
                reason = unknown(name, part[:40], options)
                session.notices.append(f"One of the link's {name} was not used: {reason}.")
        if len(asked) > len(st.session_state[key]):
            st.rerun()  # what is to be said stands above

    def keep() -> None:
        if key in st.session_state:
            session.choices[name] = " ".join(st.session_state[key])

    widget(options=options, key=key, on_change=keep, **how)
    return list(st.session_state[key])


def switch(name: str, **how: Any) -> bool:
    """As `setting`, for a switch whose choices are `off` and `on`."""
    session = current()
    key = f"choice_{name}"
    value = _checked(name, ("off", "on"))
    if key not in st.session_state:
        st.session_state[key] = value == "on"

    def keep() -> None:
        session.choices[name] = "on" if st.session_state[key] else "off"

    st.toggle(key=key, on_change=keep, **how)
    return session.choices[name] == "on"


def _checked(name: str, options: Sequence[str]) -> str:
    """As `Session.checked`; starts the page again when there is something to say, because it stands above."""
    session = current()
    said = len(session.notices)
    value = session.checked(name, options)
    if len(session.notices) > said:
        st.rerun()
    return value
