"""Headcount's dashboard: `headcount`, or `streamlit run app.py` in a checkout."""

from __future__ import annotations

import streamlit as st

from analysis.ui import frame, navigation

st.set_page_config(page_title="Headcount", page_icon=str(frame.ICON), layout="wide")
page = navigation.navigation()
frame.enter(page)
page.run()
