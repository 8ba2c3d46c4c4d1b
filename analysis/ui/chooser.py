"""Choosing another model or other sentences; the old ones stay until the new ones are loaded."""

from __future__ import annotations

import streamlit as st

from analysis.errors import HeadcountError
from analysis.ui.resources import UPLOADS, keep_upload
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
    with st.form("source", border=False):
        model = st.text_input("Model", shown.model, help=HELP_MODEL, max_chars=500)
        data = st.text_input("Sentences", shown.data, help=HELP_DATA, max_chars=500)
        file = st.file_uploader("or upload labelled sentences", type=list(UPLOADS))
        with st.expander("Columns and labels, when their names do not tell"):
            text_column = st.text_input("Column with the texts", shown.text_column or "")
            label_column = st.text_input("Column with the labels", shown.label_column or "")
            labels = st.text_input(
                "Label names", shown.labels or "", help="each label's output: `neg=0,pos=1`"
            )
        is_sent = st.form_submit_button("Load", type="primary")
    if not is_sent:
        return
    try:
        spec = keep_upload(file.name, file.getvalue()) if file else data.strip() or "demo"
    except HeadcountError as error:
        st.error(str(error))
        return
    session.wanted = Source(
        model=model.strip() or "demo",
        data=spec,
        text_column=text_column.strip() or None,
        label_column=label_column.strip() or None,
        labels=labels.strip() or None,
    )
    st.rerun()


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
