"""Two pages with a part at the same place; the first draws it all the time, the second is slow to come."""

from __future__ import annotations

import time

import streamlit as st

from analysis.ui import parts

OFTEN = 0.05
LASTS = 1.0


def drawn() -> None:
    """The part."""
    st.caption("A part.")


def first_page() -> None:
    """Where one comes from."""
    st.title("First")
    if st.button("Go"):
        parts.go(second)
    parts.part(drawn, OFTEN)


def second_page() -> None:
    """Where one goes."""
    st.title("Second")
    st.caption("More is coming.")
    parts.part(drawn)
    time.sleep(LASTS)
    st.markdown("All has come.")


first = st.Page(first_page, default=True)
second = st.Page(second_page, url_path="second")
page = st.navigation([first, second])
st.session_state.page = "second" if page is second else "first"
page.run()
