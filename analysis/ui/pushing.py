"""Uploading a written model to the hub from the export page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st

from analysis.progress import Step
from analysis.ui import frame, work
from analysis.ui.jobs import Job, Urgency
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.handover.delivered import Delivery


def section(here: Workspace, found: Delivery) -> None:
    """Upload the folder to the hub, for whoever is logged in there on this machine, after a second yes."""
    if found.written is None:
        return
    folder = found.written.folder
    with st.expander("Upload to the Hugging Face hub", icon=":material/cloud_upload:"):
        st.caption(
            "It goes to the account that is logged in on the computer that runs this page (`hf auth login`), into a "
            "private repository; nothing is uploaded before you press the button."
        )
        repository = st.text_input("Repository", placeholder="owner/name", max_chars=200).strip()
        agreed = st.checkbox("Yes, upload these files", key="push_agreed")
        key = (here.key, "push", str(folder), repository)
        job = work.desk.find(key)
        st.button(
            "Upload",
            disabled=not (agreed and repository) or (job is not None and job.is_open),
            on_click=work.start(_upload, key, folder, repository),
        )
        if job is not None and job.answer is not None:
            st.success(f"Uploaded to {frame.escaped(job.answer)}")
        elif job is not None:
            frame.follow(job, "push")


def _upload(key: tuple[str, ...], folder: Path, repository: str) -> Job[str]:
    return work.desk.ask(
        key,
        lambda: _uploading(folder, repository),
        owner=current().id,
        kind="push",
        title=f"Upload to {repository[:60]}",
        is_lasting=True,
        urgency=Urgency.ALONE,
    )


def _uploading(folder: Path, repository: str) -> Iterator[Step[str]]:
    from analysis.handover.upload import push

    yield Step(0, 1, "uploads")
    yield Step(1, 1, "uploads", push(folder, repository))
