"""Sharing a view: its link as text, and a button that copies it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from analysis.ui.state import LONGEST_IN_LINK, current

_FOLDER = Path(__file__).parent
_HTML = """
<div class="share">
  <label for="link">Whoever opens this link sees what you see now.</label>
  <input id="link" type="text" readonly>
  <button>Copy link</button>
  <span role="status"></span>
</div>
"""

_component = st.components.v2.component(
    "headcount.share",
    html=_HTML,
    css=(_FOLDER / "share.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "share.js").read_text(encoding="utf-8"),
)


def button() -> None:
    """The button that opens the link, with what the link cannot carry."""
    session = current()
    with st.popover("Share", icon=":material/link:", key="share"):
        _component(key="share_link")
        for limit in limits(session.source.data, session.source.model, session.choices["text"]):
            st.caption(limit)


def limits(data: str, model: str, text: str) -> list[str]:
    """What the link of a view cannot bring along, in sentences.

    Args:
        data: the sentences, as they were asked for.
        model: the model, as it was asked for.
        text: the text that was written on the attention page; empty when none was.
    """
    found = []
    if len(text) > LONGEST_IN_LINK:
        found.append(
            f"The text has {len(text):,} characters. A link carries {LONGEST_IN_LINK}, so it stays out."
        )
    if data.startswith("upload:"):
        found.append("The uploaded sentences lie on this server; the link works there only.")
    elif any("/" in name and name.startswith((".", "/", "~")) for name in (model, data)):
        found.append("Files and folders are looked for on the computer that runs the dashboard.")
    return found
