"""Pages in parts: one that is left, one that is slow to come, and a restless one that starts again by itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

import streamlit as st

from analysis.ui import parts

OFTEN = 0.05
LASTS = 1.0
HOLD = Path(os.environ["HEADCOUNT_CACHE"]) / "hold"
"""While there is such a file, a part of the restless page stays in the middle of its drawing."""


def drawn() -> None:
    """The part."""
    st.caption("A part.")


def first_page() -> None:
    """Where one comes from."""
    st.title("First")
    st.button("Go", on_click=lambda: parts.go(second))
    parts.part(drawn, OFTEN)


def second_page() -> None:
    """Where one goes."""
    st.title("Second")
    st.caption("More is coming.")
    parts.part(drawn)
    time.sleep(LASTS)
    st.markdown("All has come.")


def restless_page() -> None:
    """A part that starts the page again once it has been held, and a part with the way to another page."""
    st.title("Restless")

    def held() -> None:
        if st.session_state.pop("was_held", False):
            st.rerun()
        st.caption("Held." if HOLD.exists() else "Free.")
        while HOLD.exists():
            st.session_state.was_held = True
            time.sleep(0.02)

    def way() -> None:
        st.button("Go from a part", on_click=lambda: parts.go(second))

    parts.part(held, OFTEN)
    parts.part(way)


first = st.Page(first_page, default=True)
second = st.Page(second_page, url_path="second")
restless = st.Page(restless_page, url_path="restless")
page = st.navigation([first, second, restless])
st.session_state.page = page.url_path or "first"
page.run()
