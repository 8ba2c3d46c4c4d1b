"""Present: the whole story in five steps, large enough for a wall."""

from __future__ import annotations

import streamlit as st

from analysis.ui import frame, presenter
from analysis.ui.presenter import scenes

presenter.dress()
here = frame.open_bare_page()
number = presenter.step()
presenter.bar(number)
if here.subject.task.reads != "labelled texts":
    st.info("The story is told about classifiers of texts so far. Leave leads to the switchboard.")
    st.stop()
scenes.prepare(here)
with st.container(key="stage"):
    scenes.SCENES[number - 1](here)
