"""The bar on the prune page, and on the page of plans: keep a mask, branch, open, rename, delete, files."""

from __future__ import annotations

import re
from dataclasses import replace

import streamlit as st

from analysis.plan import LARGEST
from analysis.plan_tree import branches
from analysis.protocol import together
from analysis.store import StoredPlan
from analysis.store.plans import LONGEST_NOTE
from analysis.ui import frame
from analysis.ui.plans import shelf
from analysis.ui.plans.shelf import Shelf
from analysis.ui.resources import Workspace
from analysis.ui.state import current
from analysis.ui.widgets import Turn

INDENT = "\u2003"
"""What a plan in a list is moved to the right by, for each plan above it."""


def bar(here: Workspace, limit: int | None) -> None:
    """Keep the mask that the switchboard shows, and go back to those that were kept.

    Args:
        here: the source.
        limit: sentences that the mask is being measured on.
    """
    found = shelf.read(here)
    with st.container(border=True, key="plan-bar", gap="small"):
        trouble()
        _kept(here, found, limit)
        manage(here, found)


def manage(here: Workspace, found: Shelf) -> None:
    """Open a plan and do something with it, or take one in from a file."""
    plan = shelf.opened(found)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if found.plans:
            _chooser(found, plan)
        if plan is not None:
            _more(here, found, plan)
        _upload(here)
    _undo(found)


def trouble() -> None:
    """Why the store cannot be used, and why the last thing that a person wanted was refused."""
    told = [st.session_state.get(key, "") for key in ("plans_unread", "plans_refused")]
    for sentence in dict.fromkeys(filter(None, told)):
        st.warning(frame.escaped(f"{sentence[0].upper()}{sentence[1:]}."))


def listed(found: Shelf) -> dict[str, str]:
    """What each plan is called in a list, by id, in the order of the tree."""
    return {
        branch.plan.id: f"{INDENT * branch.depth}{branch.plan.name}"
        for branch in branches(found.plans, found.deleted)
    }


def _kept(here: Workspace, found: Shelf, limit: int | None) -> None:
    """The name and the button that keep the mask, or the sentence that there is nothing to keep."""
    session, plan = current(), shelf.opened(found)
    mask = session.mask
    if mask is None or mask.is_full:
        st.caption("Switch heads off, then keep the mask here as a plan to come back to.")
        return
    if plan is not None and shelf.is_shown(plan):
        st.markdown(f"The switchboard shows the plan **{frame.escaped(plan.name)}**.")
        return
    told = f"Changed since **{frame.escaped(plan.name)}**: keep it as a branch." if plan else ""
    if told:
        st.markdown(told)
    _prefill(shelf.suggested(found, mask))
    parent = plan.id if plan else None
    with (
        st.form("keep", border=False, enter_to_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input("Name", key="plan_name", max_chars=120, width="stretch")
        st.form_submit_button(
            "Branch" if plan else "Keep this mask as a plan",
            on_click=_keep,
            args=(here, parent, limit),
            help="Keeps the mask with its name, so that it survives a restart and others on this server see it.",
        )


def _prefill(name: str) -> None:
    """Suggest a name, unless the person has typed another one."""
    before = st.session_state.get("plan_suggested")
    if st.session_state.get("plan_name") in (None, "", before):
        st.session_state.plan_name = name
    st.session_state.plan_suggested = name


def _keep(here: Workspace, parent: str | None, limit: int | None) -> None:
    kept = shelf.act(lambda: shelf.keep(here, st.session_state.plan_name, parent, limit))
    if kept is not None:
        current().choices["plan"] = kept.id
        st.session_state.plan_name = None


def _chooser(found: Shelf, plan: StoredPlan | None) -> None:
    names = listed(found)
    turn = Turn.of("plan_open", plan.id if plan else None, list(names.values()))

    def take(id: str | None) -> None:
        picked = found.get(id)
        if picked is None:
            current().choices["plan"] = ""
        else:
            shelf.show(picked)

    st.selectbox(
        "Open a plan",
        list(names),
        index=list(names).index(plan.id) if plan else None,
        format_func=lambda id: names.get(id, ""),
        key=turn.key,
        on_change=turn.chosen,
        args=(take,),
        placeholder="none is open",
        width="stretch",
    )
    if plan is not None and not shelf.is_shown(plan):
        st.button("Show it again", on_click=shelf.show, args=(plan,), key="plan_again")


def _more(here: Workspace, found: Shelf, plan: StoredPlan) -> None:
    with st.popover("Plan", icon=":material/more_horiz:", help="Rename, note, download, delete"):
        with st.form("rename", border=False):
            st.text_input("New name", value=plan.name, key=f"rename_{plan.id}", max_chars=120)
            st.text_area("Note", value=plan.note, key=f"note_{plan.id}", max_chars=LONGEST_NOTE)
            st.form_submit_button("Save", on_click=_save, args=(plan,))
        with st.container(horizontal=True):
            st.download_button(
                "Download",
                data=lambda: _file(here, found, plan),
                file_name=f"{_slug(plan.name)}.json",
                mime="application/json",
                on_click="ignore",
                icon=":material/download:",
                key=f"file_{plan.id}",
                help="`headcount evaluate --plan FILE` and `headcount prune --plan FILE` read it.",
            )
            st.button(
                "Delete",
                on_click=_delete,
                args=(plan,),
                icon=":material/delete:",
                key=f"delete_{plan.id}",
            )


def _save(plan: StoredPlan) -> None:
    name, note = st.session_state[f"rename_{plan.id}"], st.session_state[f"note_{plan.id}"]

    def save() -> None:
        plans = shelf.store().plans
        if name != plan.name:
            plans.rename(plan.id, name)
        if note != plan.note:
            plans.annotate(plan.id, note)

    shelf.act(save)


def _delete(plan: StoredPlan) -> None:
    if shelf.act(lambda: shelf.store().plans.delete(plan.id)) is not None:
        st.session_state.plan_deleted = plan.id
        current().choices["plan"] = ""


def _undo(found: Shelf) -> None:
    """Say what was deleted last, with the way back."""
    id = st.session_state.get("plan_deleted")
    gone = next((plan for plan in found.deleted if plan.id == id), None)
    if gone is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted **{frame.escaped(gone.name)}**.", width="content")
        st.button("Undo the deletion", on_click=restore, args=(gone,), icon=":material/undo:")


def restore(plan: StoredPlan) -> None:
    """Bring a deleted plan back."""
    shelf.act(lambda: shelf.store().plans.restore(plan.id))


def _upload(here: Workspace) -> None:
    turn = st.session_state.setdefault("plan_uploads", 0)
    key = f"plan_upload_{turn}"

    def taken() -> None:
        given = st.session_state[key]
        if given is None:
            return
        st.session_state.plan_uploads = turn + 1
        content = given.getvalue()[: LARGEST + 1]
        plan = shelf.act(lambda: shelf.take_in(here, content))
        if plan is not None:
            shelf.show(plan)

    with st.popover("From a file", icon=":material/upload:"):
        st.file_uploader("A plan's file", type="json", key=key, on_change=taken)
        st.caption(
            "A plan of this model, as it was downloaded here or written by `headcount rank --save`."
        )


def _file(here: Workspace, found: Shelf, plan: StoredPlan) -> str:
    setting = shelf.setting(here, plan.mask, plan.ablation, plan.repair, None)
    return shelf.file_of(
        replace(plan, trace=together(plan.trace, here.trace)),  # older stores kept no trace
        found,
        shelf.ask(lambda store: store.results.get(setting), None),
        here.subject.task.main.name,
    )


def _slug(name: str) -> str:
    """A name as the beginning of a file's name."""
    return re.sub(r"[^\w]+", "-", name).strip("-")[:60] or "plan"
