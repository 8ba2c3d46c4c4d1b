"""A figure with what people take away from it: PNG, SVG, and the table behind it as CSV.

Pictures are made in the browser, by the Plotly that drew the chart; the table is written when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_FOLDER = Path(__file__).parent
_HTML = """
<div class="save">
  <button data-format="png">PNG</button>
  <button data-format="svg">SVG</button>
</div>
"""
_UNUSED = ["zoomIn2d", "zoomOut2d", "autoScale2d"]

_component = st.components.v2.component(
    "headcount.figure",
    html=_HTML,
    css=(_FOLDER / "figure.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "figure.js").read_text(encoding="utf-8"),
)


def expect() -> None:
    """Have the browser draw a chart and a table that nobody sees, while it has nothing else to do.

    The first chart of a page loads five megabytes and the first table a dozen files, which keeps the browser busy for
    half a second each, just when a person clicks on.
    """
    import pandas as pd
    import plotly.graph_objects as go

    with st.container(height=1, border=False, key="expecting"):
        chart = go.Figure([go.Scatter(x=["a"], y=[1], mode="markers"), go.Bar(x=["a"], y=[1])])
        st.plotly_chart(chart, key="expected-chart", config={"staticPlot": True}, height=40)
        st.dataframe(pd.DataFrame({"a": ["a"]}), key="expected-table", hide_index=True)


def show(
    figure: go.Figure,
    table: pd.DataFrame | Callable[[], pd.DataFrame],
    name: str,
    *,
    key: str,
    alt: str,
    **how: Any,
) -> None:
    """Draw a chart, and under it the way to save it.

    Args:
        figure: the chart.
        table: the numbers that it shows, or what makes them when they are asked for.
        name: of the saved files, without an ending.
        key: the chart's; nothing else on the page has it.
        alt: what the chart shows, for those who cannot see it.
        how: passed on to `st.plotly_chart`, `on_select` among it.
    """
    with st.container(key=f"figure-{key}", gap="xsmall"):
        image = {"filename": name, "format": "png", "scale": 2}
        config = {"toImageButtonOptions": image, "modeBarButtonsToRemove": _UNUSED}
        st.plotly_chart(figure, key=key, alt=alt, config=config, **how)
        with _popover(key):
            _component(key=f"saver-{key}", data={"chart": f"figure-{key}", "name": name})
            _csv(table, name, key)


def save(
    picture: Callable[[], str],
    table: pd.DataFrame | Callable[[], pd.DataFrame],
    name: str,
    *,
    key: str,
) -> None:
    """The way to save what a canvas shows: the same drawn as SVG when it is asked for.

    Args:
        picture: makes the SVG.
        table: the numbers that it shows, or what makes them.
        name: of the saved files, without an ending.
        key: nothing else on the page has it.
    """
    popover = _popover(key, on_change="rerun")
    with popover:
        if popover.open:
            _component(key=f"saver-{key}", data={"svg": picture(), "name": name})
            _csv(table, name, key)


def _popover(key: str, **how: Any) -> Any:
    return st.popover("Save", type="tertiary", icon=":material/download:", key=f"save-{key}", **how)


def _csv(table: pd.DataFrame | Callable[[], pd.DataFrame], name: str, key: str) -> None:
    def written() -> str:
        found = table() if callable(table) else table
        return found.to_csv(index=False)

    st.download_button(
        "CSV, the numbers",
        data=written,
        file_name=f"{name}.csv",
        mime="text/csv",
        on_click="ignore",
        key=f"csv-{key}",
        width="stretch",
    )
