"""What the prune and curves pages show of finished and unfinished work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from analysis.mask import HasHeads, HeadMask
from analysis.ui import figure, frame, navigation, tested, views, work
from analysis.ui.jobs import Job
from analysis.ui.parts import go
from analysis.ui.resources import Workspace
from analysis.ui.state import DEFAULTS, current
from analysis.ui.widgets import setting

if TYPE_CHECKING:
    import pandas as pd

    from analysis.evaluation import Evaluation
    from analysis.forecast import Forecast


def summary(job: Job[Evaluation], forecast: Forecast | None = None) -> None:
    """Accuracy, change and loss, as far as they are known, with the forecast until they are exact."""
    found = job.result
    with st.container(key="summary"):
        accuracy(found, is_final=not job.is_open)
        if job.is_open or found is None:
            frame.bar(job)
            mask = current().mask
            if forecast is not None and mask is not None and not mask.is_full:
                st.caption(views.outlook(forecast, mask))
        else:
            st.markdown(views.verdict(found))
        if found is not None and not found.mask.is_full:
            st.caption(views.certainty(found))


def accuracy(found: Evaluation | None, *, is_final: bool) -> None:
    """The numbers of an evaluation as tiles."""
    here = current().here
    task = here.subject.task if here else None
    measure = task.measures[0] if task and task.measures else None
    main = found.main if found else None
    change = main.change if main else None
    so_far = "" if is_final else " …"
    tile: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off", "border": True}
    left, right = st.columns(2)
    left.metric(
        f"{measure.title if measure else 'Accuracy'}{so_far}",
        main.told if main else "…",
        delta=views.interval(main) if main else " ",
        height="stretch",
        help=f"{measure.meaning if measure else ''} Below it the 95 % interval."
        + (
            " Until all texts are measured: the full model's value on all of them, moved by the change on those "
            "measured so far."
            if found and found.is_partial
            else ""
        ),
        **tile,
    )
    ends = (views.amount(main, end) for end in (change.low, change.high)) if main and change else ()
    right.metric(
        f"{'Points' if measure is None or measure.unit == 'share' else 'Change'}{so_far}",
        views.amount(main, change.points) if main and change else "…" if not found else "—",
        delta=" to ".join(ends) or " ",
        height="stretch",
        help=f"Change of the {measure.title if measure else 'accuracy'} against the full model on the same texts"
        + (", in hundredths" if measure is None or measure.unit == "share" else "")
        + ", with its paired 95 % interval.",
        **tile,
    )
    others = found.measured[1:] if found else ()
    if len(others) > 1:  # of words and tokens both the accuracy and the loss
        for place, each in zip((left, right), others, strict=False):
            place.metric(each.measure.title, each.told, border=True, help=each.measure.meaning)
    else:
        left.metric(
            "Loss",
            f"{others[0].value:.3f}" if others else "…",
            border=True,
            help="Cross-entropy in nats.",
        )
    right.metric(
        "Heads on", f"{found.heads_on} of {found.heads_total}" if found else "…", border=True
    )


def speed(here: Workspace, mask: HeadMask) -> None:
    """Latency and cost of the really smaller model."""
    st.markdown(
        "A **masked** head is still computed and then multiplied by 0: masking makes nothing faster. "
        "Only a **smaller model**, without these heads' weights, can be."
    )
    if mask.is_full:
        st.caption("All heads are on: switch some off to compare.")
        return
    columns = st.columns([1, 1, 1], vertical_alignment="bottom")
    batch = columns[0].selectbox("Texts in a batch", [1, 8, 32], index=1, key="speed_batch")
    lengths = [n for n in (16, 64, 128, 256, 512) if n <= here.subject.max_length]
    length = columns[1].selectbox(
        "Tokens in a text", lengths, index=len(lengths) // 2, key="length"
    )
    columns[2].button(
        "Measure",
        key="measure",
        width="stretch",
        on_click=work.start(work.speed, here, mask, batch=batch, length=length),
    )
    job = work.desk.find((here.key, "speed", mask, batch, length))
    if job is None:
        return
    if (found := job.answer) is None:
        frame.follow(job, "speed")
        return
    st.dataframe(views.speed_table(found), hide_index=True)
    latency = found.latency
    st.caption(
        f"{latency.rounds} rounds, the models in turns, {latency.threads} threads, on the computer that "
        "runs this page. An interval that includes 1.00 is no gain that could be told from chance."
    )
    st.dataframe(views.cost_table(found), hide_index=True)


def report(here: Workspace, mask: HeadMask, ablation: str) -> None:
    """Accuracy on the test split, on demand only."""
    st.markdown(
        "Everything above is measured on the selection split, because you are choosing. Measure on the "
        "test split **once**, when you have chosen; a mask picked because of this number would make it worthless. "
        + tested.looks(here).before
    )
    if "test" not in here.data.splits:
        st.caption("These sentences have no test split.")
        return
    st.button(
        "Measure on the test split",
        key="report",
        on_click=work.start(work.evaluation, here, mask, split="test", ablation=ablation),
    )
    job = work.desk.find(work.evaluation_key(here, mask, "test", None, ablation))
    if job is None:
        return
    if job.answer is not None:
        accuracy(job.answer, is_final=True)
        st.markdown(views.verdict(job.answer))
        st.caption(tested.told(here, mask, ablation))
    else:
        frame.follow(job, "report")


def curves(job: Job[pd.DataFrame]) -> None:
    """The curves as far as they are known; a click on a point opens its mask on the switchboard."""
    table = job.result
    if table is None or table.empty:
        return
    from analysis.comparison_figures import COLUMNS, axes
    from analysis.comparison_figures import curves as drawn
    from analysis.yardstick import OWN

    titles = {name: method.title for name, method in views.methods().items()}
    shown = axes(table)
    known = [name for name in shown if table[name].notna().any()]
    choices = current().choices
    if choices["column"] in (*COLUMNS, *OWN) and choices["column"] not in known:
        choices["column"] = DEFAULTS["column"]  # latency, of a sweep that was not timed
    column = setting(
        "column",
        known,
        st.selectbox,
        label="Show",
        format_func=lambda name: shown[name][0],
        width=320,
    )
    figure.show(
        drawn(table, titles, column, views.baseline(table, column)),
        table,
        f"curves-{column}",
        key=f"curves_{column}",
        on_select=lambda: open_point(table, f"curves_{column}"),
        selection_mode="points",
        alt=f"{shown[column][0]} against share of heads removed, a line a method",
    )
    st.caption(
        "Bands are 95 % intervals (operations and weights are counted, not measured, and have none); "
        "the grey one holds 90 of 100 random masks. Click a point to open its mask on "
        "the switchboard. " + views.sweep_note(table)
    )


def open_point(table: pd.DataFrame, key: str) -> None:
    """Show the mask of the point that was clicked in this chart on the switchboard; for the chart's callback."""
    session = current()
    if session.here is None:
        return
    picked = mask_of_point(st.session_state[key].selection.points, table, session.here.anatomy)
    if picked is None:
        return
    mask, title, repair = picked
    session.change(mask)
    notice = (
        f"The switchboard now shows {title} with {mask.heads_on} of {mask.heads_total} heads on."
    )
    if repair != "none":
        notice += (
            f" The point was measured after the repair {repair}; the switchboard shows the mask without it, and the "
            "Export page repairs."
        )
    session.notices.append(notice)
    see_switchboard()


def see_switchboard() -> None:
    """Go to the page with the session's mask; for a widget's callback."""
    go(navigation.place("prune").file)


def mask_of_point(
    points: Sequence[Mapping[str, Any]], table: pd.DataFrame, anatomy: HasHeads
) -> tuple[HeadMask, str, str] | None:
    """The mask of the first selected point, whose it is, for people, and its repair; None when no point names one.

    Args:
        points: what Plotly says was selected. A point's `customdata` is the number of a row of the table.
        table: rows of a sweep.
        anatomy: the model's.
    """
    given = next((point["customdata"] for point in points if "customdata" in point), None)
    number = given[0] if isinstance(given, list) else given
    if not isinstance(number, int):
        return None
    row = table.loc[number]
    mask, title = (
        HeadMask.decode(anatomy, str(row["mask"])),
        views.methods()[str(row["method"])].title,
    )
    return mask, title, str(row["repair"])
