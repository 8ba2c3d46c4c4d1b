"""Choosing another model or other sentences; the old ones stay until the new ones are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import streamlit as st

from analysis.errors import HeadcountError
from analysis.ui import uploads
from analysis.ui.resources import Source
from analysis.ui.state import current
from analysis.ui.widgets import Turn

HELP_MODEL = (
    "`demo`, a hub id such as `distilbert-base-uncased-finetuned-sst-2-english`, or a folder"
)
HELP_DATA = "`demo`, a hub id such as `stanfordnlp/sst2`, or a CSV, TSV, JSON Lines or Parquet file"

LONGEST = 500
"""Characters of a name, path or column."""


def button() -> None:
    """The button that names what is shown and opens the form."""
    session = current()
    here = session.here
    title = f"{here.subject.name} · {here.data.name}" if here else "Model and sentences"
    with st.popover(_short(title), icon=":material/tune:"):
        form()


def form() -> None:
    """The form for another source."""
    session = current()
    shown = session.wanted or session.refused or session.source
    turns = {
        entry.name: Turn.of(f"source_{entry.name}", getattr(shown, entry.name) or "")
        for entry in fields(Source)
    }

    def box(name: str, label: str, help: str | None = None) -> None:
        written = getattr(shown, name) or ""
        st.text_input(label, written, key=turns[name].key, help=help, max_chars=LONGEST)

    with st.form("source", border=False):
        box("model", "Model", HELP_MODEL)
        box("data", "Sentences", HELP_DATA)
        st.file_uploader(
            "or upload labelled sentences", type=list(uploads.ENDINGS), key="source_file"
        )
        with st.expander("Columns and labels, when their names do not tell"):
            box("text_column", "Column with the texts")
            box("label_column", "Column with the labels")
            box("labels", "Label names", "each label's output: `neg=0,pos=1`")
        st.form_submit_button("Load", type="primary", on_click=_load, args=(turns,))


def _load(turns: Mapping[str, Turn]) -> None:
    session = current()
    typed = {name: st.session_state[turn.key].strip() for name, turn in turns.items()}
    for name, turn in turns.items():
        turn.holds(typed[name])
    file = st.session_state.get("source_file")
    try:
        if file is not None:
            typed["data"] = uploads.keep(file.name, file.getvalue())
    except HeadcountError as error:
        session.notices.append(str(error))
        return
    session.wanted = Source(**{name: value for name, value in typed.items() if value})
    session.refused = None


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
