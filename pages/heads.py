"""Heads: every statistic of every head."""

from __future__ import annotations

import streamlit as st

from analysis import figures
from analysis.ui import (
    agreeing,
    figure,
    frame,
    lasso,
    one_head,
    scored,
    scoring,
    views,
    work,
)
from analysis.ui.state import current
from analysis.ui.widgets import setting

here = frame.open_page(
    "What does each head do?",
    "One pass over the calibration split measures how every head spreads its attention. "
    "No label is used, and nothing here is chosen on the test split.",
)
profile = frame.wait_for(work.profile(here))
rankings, mask = scored.known(here), current().mask
statistics = views.statistics() | scored.statistics(views.methods())
table = scored.joined(profile.table, rankings)


def title(name: str) -> str:
    """A statistic's name for people."""
    return statistics[name].title


names = list(statistics)
chosen = statistics[
    setting("statistic", names, st.selectbox, label="Statistic", format_func=title, width=320)
]
st.markdown(f"{chosen.meaning} *Unit: {chosen.unit}; range {views.span(chosen)}.*")
if scoring.has_come(here, rankings, [chosen.name], "map"):
    figure.show(
        figures.head_map(table, chosen, mask),
        table[["layer", "head", chosen.name, f"{chosen.name}_se"]],
        f"heads-{chosen.name}",
        alt=f"{chosen.title} of every head, layers downwards",
        key="map",
        on_select="rerun",
        selection_mode="points",
    )
    one_head.offer("map")
if chosen.name in profile.table:
    st.caption(
        views.extremes(profile, chosen) + " The standard error over sentences appears on hover. "
        "Click a head to come to its page."
    )

elif (of := rankings.get(scored.method_of(chosen.name) or "")) is not None and of.errors:
    st.caption(scored.trust(of))

st.subheader("Two statistics against each other", anchor=False)
left, right = st.columns(2)
with left:
    x = statistics[setting("x", names, st.selectbox, label="Across", format_func=title)]
with right:
    y = statistics[setting("y", names, st.selectbox, label="Upwards", format_func=title)]
if scoring.has_come(here, rankings, [x.name, y.name], "scatter"):
    figure.show(
        figures.scatter(table, x, y, mask),
        table[list(dict.fromkeys(["layer", "head", x.name, y.name]))],
        f"heads-{x.name}-{y.name}",
        alt=f"{x.title} against {y.title}, a point for each head",
        key="scatter",
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
    )
    st.caption("A point is a head, its colour its layer; heads that are switched off are crosses.")
    lasso.offer(here, "scatter")
    one_head.offer("scatter")

agreeing.agreement(here, rankings)
agreeing.stability(here)

st.subheader("All numbers", anchor=False)
st.caption("Mean over sentences and its standard error (columns ending in _se).")
st.dataframe(table, hide_index=True, height=300)
st.download_button(
    "Download as CSV",
    data=lambda: table.to_csv(index=False),
    file_name="heads.csv",
    mime="text/csv",
    on_click="ignore",
    icon=":material/download:",
)
