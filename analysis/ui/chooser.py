"""Choosing another model or other sentences; the old ones stay until the new ones are loaded."""

from __future__ import annotations

from dataclasses import fields

import streamlit as st

from analysis.errors import HeadcountError
from analysis.ui import uploads
from analysis.ui.state import Source, current

HELP_MODEL = (
    "`demo`, a hub id such as `distilbert-base-uncased-finetuned-sst-2-english`, or a folder"
)
HELP_DATA = "`demo`, a hub id such as `stanfordnlp/sst2`, or a CSV, TSV, JSON Lines or Parquet file"


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
    shown = session.wanted or session.source
    for entry in fields(Source):
        st.session_state.setdefault(f"source_{entry.name}", getattr(shown, entry.name) or "")
    with st.form("source", border=False):
        st.text_input("Model", key="source_model", help=HELP_MODEL, max_chars=500)
        st.text_input("Sentences", key="source_data", help=HELP_DATA, max_chars=500)
        st.file_uploader(
            "or upload labelled sentences", type=list(uploads.ENDINGS), key="source_file"
        )
        with st.expander("Columns and labels, when their names do not tell"):
            st.text_input("Column with the texts", key="source_text_column")
            st.text_input("Column with the labels", key="source_label_column")
            st.text_input(
                "Label names", key="source_labels", help="each label's output: `neg=0,pos=1`"
            )
        st.form_submit_button("Load", type="primary", on_click=_load)


def _load() -> None:
    session = current()
    typed = {
        entry.name: st.session_state[f"source_{entry.name}"].strip() for entry in fields(Source)
    }
    file = st.session_state.get("source_file")
    try:
        if file is not None:
            typed["data"] = uploads.keep(file.name, file.getvalue())
    except HeadcountError as error:
        session.notices.append(str(error))
        return
    session.wanted = Source(**{name: value for name, value in typed.items() if value})


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
