"""Curves: accuracy against heads removed."""

from __future__ import annotations

import streamlit as st

from analysis.ui import controls, frame, frontier, results, standing, verdict, work

here = frame.open_page(
    "How fast does a model get worse as heads are removed?",
    "Each method ranks the heads on the calibration split (a search, and what is tuned, on the selection split); the "
    "lowest are switched off and the model is measured on the selection split. Random is drawn many times: a method "
    "must beat that band.",
)
if not here.subject.task.is_judged:
    st.info(verdict.UNJUDGED)
    st.stop()
asked = controls.sweep(here)
job = work.desk.find(work.sweep_key(here, asked))
if job is None:
    st.info(
        "Choose methods and press Draw. It takes a few minutes and goes on when you leave this page.\n\n"
        f"You will see a line for each method: {here.subject.task.measured_by} against the share of heads that are "
        "off. A line that stays flat for long has found heads that the model does not need; one inside the grey band "
        "is no better than chance."
    )
    st.stop()
frame.live(lambda: results.curves(job), job)
if job.is_open or job.state != "done":
    frame.follow(job)
else:
    standing.section(job.result)
    frontier.section(here, job.result, asked)
    st.subheader("All numbers", anchor=False)
    st.dataframe(job.result, hide_index=True, height=300)
    st.download_button(
        "Download as CSV",
        data=lambda: job.result.to_csv(index=False),
        file_name="curves.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
