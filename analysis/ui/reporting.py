"""The report about the plan of the export page: asked for with a button, made in the background, taken as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from analysis.progress import Step
from analysis.ui import frame, work
from analysis.ui.choice import Choice, plan_of
from analysis.ui.comparison import Comparison
from analysis.ui.jobs import Job, Urgency
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation
    from analysis.mask import HeadMask
    from analysis.profiling import Profile
    from analysis.report.findings import Known


def section(here: Workspace, mask: HeadMask, choice: Choice) -> None:
    """The button that asks for the report, and the file once it is made."""
    key = (here.key, "report", mask, choice.repair, work.delivery_key(here, mask, choice))
    job = work.desk.find(key)
    st.button(
        "Make the report",
        icon=":material/description:",
        disabled=job is not None and job.is_open,
        on_click=work.start(_asked, key, here, mask, choice, link()),
        help="One page that opens without a network: the plan, maps, curve, numbers with intervals, and the method. "
        "`headcount report --plan plan.json --out report.html` does the same from a terminal.",
    )
    if job is None:
        return
    if job.answer is None:
        frame.follow(job, "report")
        return
    st.download_button(
        f"Download the report ({len(job.answer.encode()) / 1e6:.1f} MB)",
        data=job.answer,
        file_name="headcount-report.html",
        mime="text/html",
        on_click="ignore",
        icon=":material/download:",
    )
    if not known(here, mask, choice).has_test:
        st.caption(
            "The report does not look at the test split. Remove, repair and write the model first, or measure on "
            "the Prune page, and make it again to have those numbers in it."
        )


def link() -> str:
    """Address of the switchboard with what is shown now; empty where the browser's address is not known."""
    address = urlsplit(st.context.url or "")
    if not address.netloc:
        return ""
    folder = address.path.rsplit("/", 1)[0]
    query = urlencode(current().query())
    return urlunsplit((address.scheme, address.netloc, f"{folder}/prune", query, ""))


def known(here: Workspace, mask: HeadMask, choice: Choice) -> Known:
    """What the pages have measured for this plan already."""
    from analysis.report.findings import Known

    choices = current().choices
    keys = {
        "test": work.evaluation_key(here, mask, "test", None, plan_of(here, mask, choice).ablation),
        "delivery": work.delivery_key(here, mask, choice),
    }
    asked = Comparison.asked(choices)
    if asked.repair == "none":  # the report's curve is of heads that are switched off
        keys["curve"] = work.sweep_key(here, asked)
    found = {name: work.desk.find(key) for name, key in keys.items()}
    return Known(**{name: job.answer for name, job in found.items() if job is not None})


def _asked(key: Any, here: Workspace, mask: HeadMask, choice: Choice, address: str) -> Job[str]:
    plan, before = plan_of(here, mask, choice), known(here, mask, choice)
    precision = current().checked("precision", work.PRECISIONS)

    def making(profile: Profile, selection: Evaluation) -> Iterator[Step[str]]:
        from dataclasses import replace

        from analysis.report.findings import Wish, gathering
        from analysis.report.page import page

        told = replace(before, profile=profile, selection=selection)
        wish = Wish(precision=precision)
        for step in gathering(here.subject, here.data, plan, wish=wish, known=told):
            made = page(step.result, link=address) if step.result is not None else None
            yield Step(step.done, step.total, step.unit, made, step.remaining)

    old = work.desk.find(key)
    if old is not None and not old.is_open:
        work.desk.forget(key)  # what is known may have grown since
    return work.desk.ask(
        key,
        making,
        owner=current().id,
        kind="report",
        title=f"Report on {mask.heads_on} of {mask.heads_total} heads",
        urgency=Urgency.LONG,
        after=[work.profile(here), work.evaluation(here, mask, ablation=plan.ablation)],
    )
