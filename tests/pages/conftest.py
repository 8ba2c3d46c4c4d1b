from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from stored import Stored, store
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from analysis.ui import work
from analysis.ui.desk import Desk

APP = Path(__file__).parents[2] / "app.py"
PATIENCE = 120.0
POLL = 2.0
"""Seconds after which a page is drawn again at the latest while something is being computed."""


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store(tmp_path_factory.mktemp("source"))


@pytest.fixture(autouse=True)
def _cache_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADCOUNT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch):
    fresh = Desk()
    monkeypatch.setattr(work, "desk", fresh)
    yield fresh
    for job in fresh.open_jobs():
        fresh.cancel(job)
        assert job.wait(PATIENCE)


@pytest.fixture(autouse=True)
def _pages_known_from_run_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a server's session are, and those of `AppTest` are not: a callback may leave for another page."""
    known: dict[str, Any] = {}
    now = PagesManager.get_pages

    def remembered(self: PagesManager) -> dict[str, Any]:
        known.update(now(self))
        return dict(known)

    monkeypatch.setattr(PagesManager, "get_pages", remembered)


class Tab:
    """A browser tab without a browser."""

    def __init__(self, **query: str) -> None:
        self.at = AppTest.from_file(str(APP), default_timeout=PATIENCE)
        for name, value in query.items():
            self.at.query_params[name] = value
        self.run()

    def run(self) -> Tab:
        self.at.run()
        assert not self.at.exception, [entry.value for entry in self.at.exception]
        return self

    def settle(self) -> Tab:
        """Run until nothing is open any more, as polling does in a browser."""
        end = time.monotonic() + PATIENCE
        while True:
            before = work.desk.open_jobs(), len(work.desk._jobs)
            self.run()
            # What was asked for and done within one run may have been drawn before it was done.
            if before == ((), len(work.desk._jobs)) and not work.desk.open_jobs():
                return self
            assert time.monotonic() < end, [job.title for job in work.desk.open_jobs()]
            for job in work.desk.open_jobs()[:1]:
                job.wait(POLL)

    def visit(self, page: str) -> Tab:
        self.at.switch_page(f"pages/{page}.py")
        return self.run().settle()

    @property
    def session(self):
        return self.at.session_state["headcount"]

    def box(self, name: str, kind: str = "selectbox"):
        """The widget of a choice; its key ends in a number that rises with each change from elsewhere."""
        return next(box for box in self.at.get(kind) if re.fullmatch(rf"{name}_\d+", box.key or ""))

    def metric(self, label: str) -> str:
        return next(entry.value for entry in self.at.metric if entry.label == label)

    def said(self) -> str:
        """Everything that is written on the page."""
        kinds = ("title", "caption", "markdown", "warning", "error", "info", "subheader")
        return "\n".join(str(entry.value) for kind in kinds for entry in getattr(self.at, kind))

    def press(self, label: str) -> Tab:
        next(entry for entry in self.at.button if entry.label == label).click()
        return self.run().settle()


@pytest.fixture
def tab(stored: Stored):
    """Opens tabs on the small model."""
    return lambda **query: Tab(**{**stored.query, **query}).settle()
