"""Parts of a page that are drawn anew by themselves, and the way to another page past them.

A browser learns that it goes to another page only when that page begins to arrive, and until then it asks for the
parts of the old one. Streamlit finds a part by its name and place, whatever page it is on, and answers such a
question as if the old page were still there, with nothing of it but this part: the browser cannot draw that and
shows a blank page. So the name of a part carries its page, and a page's parts are forgotten before it is left;
Streamlit does not listen to a question for what it does not know.

A click is told to one run of the page only. Parts that wait are drawn in one run, and one that starts the page again,
because work has ended, ends that run before the next one has been drawn: what asks for a click where it draws its
button may never hear of it. Callbacks are called before anything is drawn, so the way to another page is a callback's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


def part(draw: Callable[[], None], every: float | None = None) -> None:
    """Draw a part of the page, that a click in it draws anew alone; every so many seconds if given."""

    def drawn() -> None:
        draw()

    drawn.__qualname__ = f"{draw.__module__}.{draw.__qualname__} of {st.session_state.get('page')}"
    st.fragment(drawn, run_every=every)()


def go(page: Any, query: dict[str, str] | None = None) -> NoReturn:
    """Leave this page for another one; for a widget's callback, which ends here.

    Args:
        page: its file, or an `st.Page`.
        query: of its address; every page writes there what the session holds.
    """
    context = get_script_run_ctx()
    if context is not None:
        context.fragment_storage.clear()
    st.switch_page(page, query_params=query)
