"""The switchboard can be used while the model is still loading, and what was clicked then counts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pages.conftest import PATIENCE, Tab

from analysis.ui import frame, work
from analysis.ui.jobs import Job
from analysis.ui.resources import Source


@pytest.fixture
def door(monkeypatch):
    """Loading waits until this is set."""
    opened, opening = threading.Event(), work.opening

    def late(source):
        assert opened.wait(60)
        yield from opening(source)

    monkeypatch.setattr(work, "opening", late)
    yield opened
    opened.set()


def test_heads_that_were_switched_before_the_model_is_there_stay_switched(stored, door) -> None:
    tab = Tab(**stored.query, off="1.0.8")
    tab.at.switch_page("pages/prune.py")
    tab.run()
    assert "Heads can be switched off already" in tab.said()
    mask = tab.session.mask
    assert mask.encode() == "1.0.8"
    tab.session.change(mask.switched([(1, 1)], on=False))
    door.set()
    tab.settle()
    assert tab.session.mask.encode() == "1.2.8"
    assert tab.metric("Heads on") == "9 of 12"
    assert "Heads can be switched off already" not in tab.said()


def test_a_link_for_another_model_is_told_so_once(stored, door) -> None:
    tab = Tab(**stored.query, off="0.2.14.a0.c41.be8")
    tab.at.switch_page("pages/prune.py")
    tab.run()
    door.set()
    tab.settle()
    assert tab.said().count("mask was not used") == 1
    assert tab.metric("Heads on") == "12 of 12"


def test_a_folder_that_holds_no_model_shows_no_board(tmp_path, door) -> None:
    tab = Tab(model=str(tmp_path))
    tab.at.switch_page("pages/prune.py")
    tab.run()
    assert "Getting the model ready" in tab.said()
    assert tab.session.mask is None


def test_another_source_that_is_asked_for_during_the_first_load_comes(stored, door) -> None:
    tab = Tab(**stored.query)
    first = tab.session.source
    tab.session.source = Source(model="nowhere", data=first.data)
    tab.session.wanted = first
    tab.at.switch_page("pages/prune.py")
    tab.run()
    assert (
        "Heads can be switched off already" in tab.said()
    )  # by the shape of the one that is coming
    door.set()
    tab.settle()
    assert tab.session.source == first
    assert tab.metric("Heads on") == "12 of 12"


def test_what_was_switched_while_the_model_loaded_can_be_undone(stored, door) -> None:
    tab = Tab(**stored.query)
    tab.at.switch_page("pages/prune.py")
    tab.run()
    revision = tab.session.revision
    tab.session.change(tab.session.mask.switched([(1, 1)], on=False), by_grid=True)
    door.set()
    tab.settle()
    assert tab.session.revision == revision  # a click on its way is still taken
    tab.session.undo()
    assert tab.session.mask.is_full


@pytest.mark.parametrize("other", [{}, {"data": "fewer.csv"}])
def test_a_source_that_was_loaded_just_after_the_page_had_looked_is_shown(
    tab, stored, monkeypatch, tmp_path, other
) -> None:
    if other:
        other = {"data": str(tmp_path / "fewer.csv")}
        lines = Path(stored.data).read_text().splitlines()
        Path(other["data"]).write_text("\n".join(lines[: len(lines) * 2 // 3]) + "\n")
        opened = tab()
    plain = frame.follow

    def late(job: Job, place: str = "page") -> None:
        assert job.wait(PATIENCE)
        plain(job, place)

    monkeypatch.setattr(frame, "AT_ONCE", 0)
    monkeypatch.setattr(frame, "follow", late)
    if other:
        opened.session.wanted = Source(**{**stored.query, **other})
        opened.run()
        assert opened.session.here.data.name == "fewer.csv"
    else:
        opened = Tab(**stored.query)  # one run, as a browser that nothing tells to ask again
    assert opened.session.wanted is None
    assert "Getting the model ready" not in opened.said()
