"""The tree of plans: a picture, a table with what was measured, and the button that measures the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from analysis.mask import HeadMask
from analysis.ui import figure, frame, work
from analysis.ui.plans import bar, measure
from analysis.ui.plans.measure import Numbers
from analysis.ui.plans.shelf import Shelf
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    from analysis.tasks import Measure

CHART = "plan_tree"


def section(here: Workspace, found: Shelf, limit: int | None) -> None:
    """Every plan of this model and these sentences."""
    job = work.desk.find(measure.everything_key(here, limit))

    def draw() -> None:
        known = measure.numbers(here, found, limit)
        _measuring(here, found, known, limit)
        _picture(here, known)
        _table(here, known)

    if job is None:
        draw()
    else:
        frame.live(draw, job)


def nothing_yet() -> None:
    """What to do where there is no plan."""
    st.info(
        "There are no plans of this model and these sentences yet. Switch heads off on the Prune page and press "
        "“Keep this mask as a plan”, or take in a plan's file."
    )
    st.page_link("pages/prune.py", label="Switch heads off", icon=":material/content_cut:")


def deleted(found: Shelf) -> None:
    """Plans that were deleted, each with its way back."""
    if not found.deleted:
        return
    with st.expander(f"Deleted plans ({len(found.deleted)})"):
        for plan in found.deleted:
            with st.container(horizontal=True, vertical_alignment="center"):
                heads = f"{plan.mask.heads_on} of {plan.mask.heads_total} heads"
                st.markdown(f"{frame.escaped(plan.name)}, {heads}", width="content")
                st.button("Bring back", key=f"back_{plan.id}", on_click=bar.restore, args=(plan,))


def rows(table: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """The table as people read it: shares in per cent, intervals in words, plans under their parents."""
    factor, places = (100, 1) if measure.unit == "share" else (1, 2)
    shown = pd.DataFrame(
        {
            "plan": [
                f"{bar.INDENT * depth}{'└ ' if depth else ''}{name}"
                for depth, name in zip(table["depth"], table["name"], strict=True)
            ],
            "heads on": table["heads_on"],
            measure.told: factor * table["value"],
            "95 % interval": _spans(factor * table["low"], factor * table["high"], places=places),
            "change": table["change"],
            "change, interval": _spans(table["change_low"], table["change_high"], "+", places),
            "times as fast": table["latency_ratio"],
            "speed, interval": _spans(table["latency_low"], table["latency_high"], places=2),
            "weights": table["parameters"] / 1e6,
            "off heads add": table["ablation"].map({"zero": "nothing", "mean": "their mean"}),
            "repair": table["repair"],
            "note": table["note"],
        }
    )
    for name, usual in (("off heads add", "nothing"), ("repair", "none"), ("note", "")):
        if (shown[name] == usual).all():
            shown = shown.drop(columns=name)
    return shown


def _measuring(here: Workspace, found: Shelf, known: Numbers, limit: int | None) -> None:
    job = work.desk.find(measure.everything_key(here, limit))
    if job is not None and job.is_open:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            frame.bar(job)
            st.button("Cancel", on_click=job.stop, key="cancel_plans")
        return
    if job is not None and job.state == "failed":
        st.error(frame.escaped(job.error))
    if not known.missing:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Measure all",
            type="primary",
            on_click=work.start(measure.everything, here, found.plans, known, limit),
        )
        st.caption(
            f"{known.missing} of {len(known.settings) + len(known.occasions)} measurements are missing: "
            f"{here.subject.task.measured_by} on the selection split, and the speed of the really smaller model on "
            "this computer. It goes on when you leave this page, and what is measured stays.",
            width="stretch",
        )


def _picture(here: Workspace, known: Numbers) -> None:
    from analysis import plan_figures

    table = known.table
    if table["value"].notna().sum() == 0:
        return
    total = HeadMask.full(here.anatomy).heads_total
    figure.show(
        plan_figures.tree(table, known.results.get(""), total, here.subject.task.main),
        table,
        "plans",
        key=CHART,
        alt=f"{here.subject.task.main.title} of every plan over the heads that are on, with a line from each "
        "plan to its branches",
        on_select=_clicked,
        selection_mode="points",
    )
    st.caption(
        "Fewer heads to the right; a line leads from each plan to those that were made from it. Whiskers are 95 % "
        "intervals: plans whose whiskers overlap much may be equally good, compare them below. Click a plan to "
        "take it as the second of the comparison."
    )


def _clicked() -> None:
    points = st.session_state[CHART].selection.points
    ids = [point["customdata"] for point in points if "customdata" in point]
    id = ids[0][0] if ids and isinstance(ids[0], list) else ids[0] if ids else None
    if id:
        current().choices["plan_b"] = str(id)


def _table(here: Workspace, known: Numbers) -> None:
    from analysis.measures import told

    measure = here.subject.task.main
    shown = rows(known.table, measure)
    share = measure.unit == "share"
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "plan": st.column_config.TextColumn("Plan", width="medium"),
        measure.told: number(
            f"{measure.told} (%)" if share else measure.told, format="%.1f" if share else "%.2f"
        ),
        "change": number("change (points)", format="%+.1f") if share else number(format="%+.2f"),
        "times as fast": number(format="%.2f"),
        "weights": number("weights (million)", format="%.1f"),
    }
    st.dataframe(
        shown,
        hide_index=True,
        column_config=columns,
        placeholder="",
        key="plan_table",
        alt="Every plan with what was measured for it",
    )
    full = known.results.get("")
    whole = f"The full model: {measure.told} {told(measure, full.value)}. " if full else ""
    st.caption(
        f"{whole}Changes are paired with the full model's answers to the same texts of the selection split; whoever "
        "keeps the best of many plans has partly kept luck, so report the chosen one on the test split. "
        "Click a column's name to sort."
    )


def _spans(low: pd.Series, high: pd.Series, sign: str = "", places: int = 1) -> list[str]:
    return [
        "" if pd.isna(a) else f"{a:{sign}.{places}f} to {b:{sign}.{places}f}".replace("-", "−")
        for a, b in zip(low, high, strict=True)
    ]
