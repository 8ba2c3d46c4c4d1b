"""Export: really remove the heads, prove it, and hand the smaller model over."""

from __future__ import annotations

import streamlit as st

from analysis.ui import frame, handover, pushing, reporting, work
from analysis.ui.state import current

here = frame.open_page(
    "What do you get when these heads are really removed?",
    "The heads that are off on the Prune page are cut out of the weights, the rest is repaired, and the model is "
    "written so that others can load it. Each file is loaded again by another program before it is offered.",
)
mask = current().mask
if here.subject.note:
    st.caption(frame.escaped(here.subject.note))
if mask.is_full:
    st.info("All heads are on: switch some off on the Prune page, then come back.")
    st.page_link("pages/prune.py", label="Switch heads off", icon=":material/content_cut:")
    st.stop()

choice = handover.choices(here, mask)
handover.plan_file(here, mask, choice)
reporting.section(here, mask, choice)
job = work.desk.find(work.delivery_key(here, mask, choice))
st.button(
    "Remove, repair and write",
    type="primary",
    disabled=job is not None and job.is_open,
    on_click=work.start(work.delivery, here, mask, choice),
)
if job is None:
    st.caption("It can take some minutes, and goes on when you leave this page.")
    st.stop()
found = frame.wait_for(job)
handover.standings(here, found, mask)
handover.costs(found)
handover.files(found)
pushing.section(here, found)
