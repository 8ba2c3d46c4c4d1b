"""The plans of the loaded model and sentences, read from the store and changed in it.

The dashboard works on where the store cannot be used: nothing is kept then, and the page says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import streamlit as st

from analysis.errors import HeadcountError, StoreError
from analysis.mask import HeadMask
from analysis.plan import Plan
from analysis.protocol import together, untraced
from analysis.store import Result, Setting, Store, StoredPlan
from analysis.store import opened as opened_store
from analysis.store.database import address
from analysis.store.plans import free_name
from analysis.ui import work
from analysis.ui.resources import Workspace
from analysis.ui.state import current

Answer = TypeVar("Answer")

SLOW = 1.0
"""Seconds that a failure may take without being remembered."""
RETRY = 10.0
"""Seconds after which a store that failed slowly is tried again; pages redraw more often than that."""
_failed: dict[str, tuple[float, str]] = {}


@dataclass(frozen=True)
class Shelf:
    """Plans of one model and one set of sentences."""

    plans: tuple[StoredPlan, ...] = ()
    deleted: tuple[StoredPlan, ...] = ()

    def get(self, id: str | None) -> StoredPlan | None:
        """The plan of that id, if it is there."""
        return next((plan for plan in self.plans if plan.id == id), None)

    @property
    def names(self) -> frozenset[str]:
        """Names that are taken."""
        return frozenset(plan.name for plan in self.plans)

    def holding(self, mask: HeadMask, ablation: str) -> StoredPlan | None:
        """A plan of exactly this mask, without repair."""
        same = (mask, ablation, "none")
        found = (p for p in self.plans if (p.mask, p.ablation, p.repair) == same)
        return next(found, None)


def ask(question: Callable[[Store], Answer], otherwise: Answer) -> Answer:
    """What the store answers; `otherwise`, and a sentence on the page, where it cannot be used."""
    try:
        found = question(store())
    except HeadcountError as error:
        st.session_state.plans_unread = str(error)
        return otherwise
    st.session_state.plans_unread = ""
    return found


def act(deed: Callable[[], Answer]) -> Answer | None:
    """What a person does with a plan; None, and a sentence until the next deed, where it cannot be done."""
    st.session_state.plans_refused = ""
    try:
        return deed()
    except HeadcountError as error:
        st.session_state.plans_refused = str(error)
        return None


def store() -> Store:
    """The store of this server.

    Raises:
        StoreError: it cannot be used, or could not a moment ago.
        PlaceError: the user data directory cannot be made.
    """
    url, begun = address(), time.monotonic()
    when, told = _failed.get(url, (-RETRY, ""))
    if begun - when < RETRY:
        raise StoreError(told)
    found = opened_store(url)
    try:
        found.reach()
    except StoreError as error:
        if time.monotonic() - begun > SLOW:
            _failed[url] = time.monotonic(), str(error)
        raise
    return found


def read(here: Workspace) -> Shelf:
    """The plans of this model and these sentences."""
    wanted: dict[str, Any] = {"fingerprint": here.subject.fingerprint, "data": data_key(here)}
    return ask(
        lambda store: Shelf(store.plans.all(**wanted), store.plans.all(**wanted, deleted=True)),
        Shelf(),
    )


def data_key(here: Workspace) -> str:
    """SHA-256 over the sentences."""
    return here.key.rpartition("/")[2]


def opened(shelf: Shelf) -> StoredPlan | None:
    """The plan that was opened last, or the one whose mask is on the switchboard."""
    session = current()
    found = shelf.get(session.choices["plan"])
    if found is None and session.mask is not None and not session.mask.is_full:
        found = shelf.holding(session.mask, session.choices["ablation"])
    return found


def is_shown(plan: StoredPlan) -> bool:
    """Whether the switchboard shows this plan unchanged."""
    session = current()
    return plan.mask == session.mask and plan.ablation == session.choices["ablation"]


def suggested(shelf: Shelf, mask: HeadMask) -> str:
    """A name for a mask that no other plan has."""
    return free_name(f"{mask.heads_on} of {mask.heads_total} heads", shelf.names)


def keep(here: Workspace, name: str, parent: str | None, limit: int | None) -> StoredPlan:
    """Keep the current mask as a plan, with its numbers if they are known.

    Raises:
        PlanError: the name is empty or taken.
        StoreError: the store cannot be written.
    """
    session = current()
    mask, ablation = session.mask or HeadMask.full(here.anatomy), session.choices["ablation"]
    key = work.evaluation_key(here, mask, "selection", limit, ablation)
    plan = Plan(name, here.subject.spec, here.subject.fingerprint, mask, ablation)  # type: ignore[arg-type]
    kept = _add(here, plan, parent)
    if (job := work.desk.find(key)) is not None and job.answer is not None:
        where = setting(here, mask, ablation, "none", limit)
        store().results.keep_evaluation(where, job.answer)
    return kept


def take_in(here: Workspace, content: bytes) -> StoredPlan:
    """Keep the plan of a file, under its parent if a plan of that name is here; its numbers are measured anew.

    Raises:
        PlanError: it is no plan, or one of another model.
        ProtocolError: its heads were chosen by texts of the test split.
        StoreError: the store cannot be written.
    """
    plan = Plan.from_json(here.anatomy, content, fingerprint=here.subject.fingerprint)
    if (test := here.data.splits.get("test")) is not None:
        untraced(test, plan.trace, f"the plan {plan.name!r}")
    found = read(here)
    parent = next((each.id for each in found.plans if each.name == plan.parent), None)
    return _add(here, replace(plan, name=free_name(plan.name, found.names)), parent)


def show(plan: StoredPlan) -> None:
    """Put a plan's mask and ablation on the switchboard, as a step that can be undone."""
    session = current()
    session.change(plan.mask, ablation=plan.ablation)
    session.choices["plan"] = plan.id


def file_of(plan: StoredPlan, shelf: Shelf, result: Result | None, measure: str) -> str:
    """The text of a plan's file, with what was measured; the measure's name stands for its value."""
    parent = shelf.get(plan.parent)
    known = {} if result is None else {measure: result.value, **vars(result)}
    known.pop("value", None)
    numbers = {name: float(value) for name, value in known.items() if value is not None}
    return plan.as_plan(parent=parent.name if parent else None, numbers=numbers).to_json()


def setting(
    here: Workspace, mask: HeadMask, ablation: str, repair: str, limit: int | None
) -> Setting:
    """In which a plan is measured: on the selection split, in the session's precision."""
    from analysis.precision import dtype_of

    wanted = current().checked("precision", work.PRECISIONS)
    return Setting(
        fingerprint=here.subject.fingerprint,
        data=data_key(here),
        split="selection",
        mask=mask,
        ablation=ablation,
        repair=repair,
        precision=str(dtype_of(wanted, here.subject.device)).removeprefix("torch."),
        limit=limit,
    )


def _add(here: Workspace, plan: Plan, parent: str | None) -> StoredPlan:
    plan = replace(plan, trace=together(plan.trace, here.trace))
    where = {"data": data_key(here), "data_name": here.data.name}
    return store().plans.keep(plan, **where, parent=parent)
