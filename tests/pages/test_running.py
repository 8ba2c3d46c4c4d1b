from __future__ import annotations

import pytest

from analysis.ui import work
from analysis.ui.desk import Desk
from analysis.ui.state import origin


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    fresh = Desk(origin=origin)
    monkeypatch.setattr(work, "desk", fresh)
    return fresh


def test_finished_work_leads_back_to_where_it_was_asked_for(tab, desk) -> None:
    drawn = tab(methods="magnitude", off="1.0.0").visit("curves").press("Draw")
    assert "All numbers" in drawn.said()
    other = tab().visit("overview")
    assert "Curves of 1 method: done" in other.said()
    next(entry for entry in other.at.button if entry.label == "Go to it").click()
    assert "How fast does a model get worse" in other.run().said()
    assert other.session.choices["methods"] == "magnitude"
    assert other.session.mask.encode() == "1.0.0"
    assert "All numbers" in other.visit("curves").said()


def test_passing_work_is_not_listed_when_it_has_ended(tab, desk) -> None:
    said = tab().visit("prune").visit("overview").said()
    assert any(job.state == "done" for job in desk._jobs.values())
    assert "Finished" not in said


def test_a_delivery_is_found_again_by_its_link(tab, desk, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HEADCOUNT_DATA", str(tmp_path / "data"))
    first = tab(off="1.0.0", repair="none", shape="padded").visit("export")
    first.press("Remove, repair and write")
    again = tab(off="1.0.0", repair="none", shape="padded").visit("export")
    assert "Does it still answer well?" in again.said()
    assert "Does it still answer well?" not in tab(off="1.0.0").visit("export").said()
