"""The controls of the prune and curves pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from analysis.mask import HeadMask
from analysis.ui import frame, views, work
from analysis.ui.comparison import EVERY, FRACTIONS, MASKS, Comparison
from analysis.ui.resources import Workspace
from analysis.ui.state import Session, current
from analysis.ui.widgets import setting, several, switch

if TYPE_CHECKING:
    from analysis.forecast import Forecast

ABLATIONS = {"zero": "nothing", "mean": "their mean output"}
PRECISIONS = dict(zip(work.PRECISIONS, ("fast", "float32"), strict=True))
REPAIRS = {"none": "none", "mean": "mean output in the bias", "least-squares": "least squares"}
FURTHER_WIDTH = 220
"""Pixels of a control among the further settings of the curves."""
WIDTH = 142
"""Pixels of a control above the board: four in a row beside the results, two where it is narrow."""
SIZES = ("250", "500", "1000", "2000")


def settings(here: Workspace) -> tuple[str, int | None]:
    """What a head that is off contributes, and on how many sentences accuracy is measured."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ablation = setting(
            "ablation",
            list(ABLATIONS),
            st.selectbox,
            take=_contribute,
            label="Off heads add",
            format_func=ABLATIONS.__getitem__,
            help="What a head that is switched off contributes: nothing, or its mean output on the calibration split.",
            width=WIDTH,
        )
        limit = sentences(here, width=WIDTH)
        setting(
            "precision",
            list(PRECISIONS),
            st.selectbox,
            label="Numbers",
            format_func=PRECISIONS.__getitem__,
            help="Fast: 16 bits where this computer multiplies them natively, else float32. Answers near the "
            "border can differ between the two; float32 is the reference. The board's own numbers are computed so "
            "too; the Heads page is float32 always.",
            width=WIDTH,
        )
    return ablation, limit


def _contribute(ablation: str) -> None:
    """What off heads add from now on, as a step that can be undone."""
    session = current()
    if session.mask is not None:
        session.change(session.mask, ablation=ablation)


def sentences(here: Workspace, width: int | Literal["stretch"] = "stretch") -> int | None:
    """On how many sentences of the selection split to measure; None for all."""
    available = len(here.sentences("selection"))
    sizes = [size for size in SIZES if int(size) < available]
    chosen = setting(
        "sentences",
        [*sizes, EVERY],
        st.selectbox,
        label="Sentences",
        format_func=lambda size: f"all {available:,}" if size == EVERY else size,
        help="Of the selection split. More sentences, narrower intervals, slower answers.",
        width=width,
    )
    return None if chosen == EVERY else int(chosen)


def history(here: Workspace) -> None:
    """All on, all off, undo, redo."""
    session, full = current(), HeadMask.full(here.anatomy)
    none = full.switched(full.on_heads, on=False)
    mask = session.mask or full
    with st.container(horizontal=True):
        st.button("All on", on_click=session.change, args=(full,), disabled=mask.is_full)
        st.button("All off", on_click=session.change, args=(none,), disabled=mask.heads_on == 0)
        st.button("Undo", icon=":material/undo:", on_click=session.undo, disabled=not session.past)
        st.button(
            "Redo", icon=":material/redo:", on_click=session.redo, disabled=not session.future
        )


def foreseen(here: Workspace, ablation: str) -> Forecast | None:
    """The forecast, once it is known; forecasts are about heads that contribute nothing."""
    return work.forecast(here).result if ablation == "zero" else None


def presets(here: Workspace) -> None:
    """Keep the k best heads by a method."""
    session, total = current(), here.anatomy.heads_total
    known = views.methods()
    columns = st.columns([2, 2, 1], vertical_alignment="bottom")
    with columns[0]:
        method = setting(
            "method",
            list(known),
            st.selectbox,
            label="Keep the best heads by",
            format_func=lambda name: known[name].title,
        )
    with columns[1]:
        keep = st.slider("How many to keep", 0, total, value=total // 2, key="keep")
    with columns[2]:
        st.button("Apply", on_click=session.want, args=(method, keep), width="stretch")
    chosen = known[method]
    luck = " One draw of many: the Curves page compares with twenty." if method == "random" else ""
    st.caption(
        f"{chosen.meaning} ({frame.escaped(chosen.source)}.) "
        f"Passes over the {chosen.passes_over} split: {chosen.cost}.{luck}"
    )
    if session.preset is not None:
        _apply(here, session)


def sweep(here: Workspace) -> Comparison:
    """What the curves compare and how, and the button that starts it."""
    known = views.methods()
    several(
        "methods",
        list(known),
        label="Methods",
        format_func=lambda name: known[name].title,
    )
    switch("timed", label="Time the smaller models too")
    st.caption(
        "Timing takes longer: the heads of every mask are really removed and that model runs in turns with "
        "the full one."
    )
    with st.expander("More settings"):
        _further()
    columns = st.columns([1, 1, 1], vertical_alignment="bottom")
    with columns[0]:
        sentences(here)
    with columns[1]:
        setting(
            "ablation",
            list(ABLATIONS),
            st.selectbox,
            label="Off heads add",
            format_func=ABLATIONS.__getitem__,
        )
    asked = Comparison.asked(current().choices)
    with columns[2]:
        st.button(
            "Draw",
            type="primary",
            disabled=not (asked.methods and asked.fractions),
            width="stretch",
            on_click=work.start(work.sweep, here, asked),
        )
    return asked


def _further() -> None:
    """Settings of the curves that the first look does without."""
    several(
        "fractions",
        list(FRACTIONS),
        label="Shares of heads removed",
        format_func=lambda share: f"{float(share):.0%}",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        setting(
            "masks",
            list(MASKS),
            st.selectbox,
            label="Random masks at each share",
            help="A hundred place a method more finely among them and take five times as long.",
            width=FURTHER_WIDTH,
        )
        setting(
            "curve_repair",
            list(REPAIRS),
            st.selectbox,
            label="Repair",
            format_func=REPAIRS.__getitem__,
            help="With a repair the heads of every mask are really removed and what is left is solved again on the "
            "calibration split; what off heads would add plays no part then.",
            width=FURTHER_WIDTH,
        )
        switch("tuned", label="Tune the methods' weights")
    st.caption(
        "Tuning chooses the weights of Attention-guided and of Gradient and entropy on the selection split, by how "
        "far the answers move; on these very sentences they are then given no place and no p. A repair takes seconds "
        "a mask."
    )


def _apply(here: Workspace, session: Session) -> None:
    """Make the wanted preset the mask as soon as its scores are known."""
    method, keep = session.preset or ("", 0)
    job = work.ranking(here, method)
    job.wait(frame.AT_ONCE)
    if job.answer is not None:
        session.preset = None
        session.change(job.answer.mask(here.anatomy, keep))
        st.rerun()
    elif not job.is_open:
        session.preset = None
    frame.follow(job, "preset")
