"""The presenter view, step by step, and the report of the export page."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from analysis.mask import HeadMask
from analysis.ui import presenter, work
from analysis.ui.examples import LONGEST
from analysis.ui.presenter import pictures, scenes
from analysis.wording import percent, standing

TITLES = (
    "12 heads read every text",
    "The answers hang on some heads",
    "6 of 12 heads off",
    "6 heads are gone",
    "What is gained",
)


@pytest.mark.parametrize(("step", "title"), list(enumerate(TITLES, 1)))
def test_a_link_opens_its_step_without_preparation(tab, step: int, title: str) -> None:
    opened = tab(step=str(step)).visit("present")
    assert title in opened.said()
    assert not opened.at.error


def test_half_of_the_heads_are_off_unless_the_person_has_chosen(tab) -> None:
    opened = tab(step="4").visit("present")
    here = opened.session.here
    ranking = work.ranking(here, scenes.METHOD).answer
    best = ranking.mask(here.anatomy, 6)
    found = work.evaluation(here, best).answer
    assert standing(found) in opened.said()
    assert opened.session.mask.is_full  # looking on changes nothing
    assert "3 heads are gone" in tab(step="4", off="1.0.3").visit("present").said()


def test_the_buttons_turn_the_steps_and_the_link_follows(tab) -> None:
    opened = tab().visit("present")
    for step in (2, 3):
        opened.press("Next")
        assert opened.session.query()["step"] == str(step)
    opened.press("Back").press("Back")
    assert "step" not in opened.session.query()


def test_whoever_leaves_the_stage_comes_to_the_switchboard_with_everything_as_it_is(tab) -> None:
    opened = tab(step="3", off="1.0.3").visit("present")
    next(each for each in opened.at.button if each.label == "Leave").click()
    assert "What happens when these heads are switched off?" in opened.run().said()
    query = opened.session.query()
    assert query["off"] == "1.0.3"
    assert "step" not in query


def test_a_long_text_of_the_persons_own_makes_a_light_picture() -> None:
    n = 512
    weights = np.random.default_rng(0).random((n, n), dtype=np.float32)
    drawn = pictures.maps([("L0.H0", "looks", weights)] * 4, ["film"] * n)
    assert len(drawn) < 2_000_000
    assert drawn.count("<image") == 4


def test_a_text_without_end_is_cut(monkeypatch) -> None:
    session = SimpleNamespace(choices={"text": "good " * 50_000})
    monkeypatch.setattr(scenes, "current", lambda: session)
    assert len(scenes.sentence(None)) <= LONGEST


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(1.1, 1.3, ""), (0.9, 1.1, "includes 1"), (0.7, 0.9, "the slower one")],
)
def test_what_is_said_of_the_speed_follows_the_interval(low, high, said) -> None:
    told = scenes.doubt(low, high)
    assert said in told
    assert bool(told) == bool(said)
    assert ("includes 1" in told) == (low <= 1 <= high)


@pytest.mark.parametrize("step", ["0", "6", "x", "<script>"])
def test_a_step_that_does_not_exist_is_the_first(tab, step: str) -> None:
    opened = tab(step=step).visit("present")
    assert TITLES[0] in opened.said()
    assert "step was not used" in opened.said()


def test_there_is_a_scene_for_every_step() -> None:
    assert len(scenes.SCENES) == len(presenter.STEPS)


def test_the_better_half_carries_at_least_half(tab) -> None:
    opened = tab(step="2").visit("present")
    ranking = work.ranking(opened.session.here, scenes.METHOD).answer
    assert 0.5 <= scenes.carried_by_half(ranking) <= 1
    places = scenes.places(ranking)
    best = ranking.order[0]
    top = places[(places["layer"] == best[0]) & (places["head"] == best[1])]
    assert top["place"].item() == 1


def test_the_heads_of_the_first_step_have_what_is_said_of_them(tab) -> None:
    opened = tab().visit("present")
    table = work.profile(opened.session.here).answer.table.set_index(["layer", "head"])
    found = scenes.habits(table.reset_index())
    names = {told: name for name, told in scenes.ROLES.items()}
    assert len({head for head, _, _ in found}) == len(found) <= scenes.SHOWN
    for head, told, value in found:
        assert table.loc[head, names[told]] == value == table[names[told]].max()


def test_the_export_page_makes_the_report_with_the_pages_own_numbers(tab) -> None:
    opened = tab(off="1.0.3").visit("export").press("Make the report").settle()
    here, mask = opened.session.here, HeadMask.decode(opened.session.here.anatomy, "1.0.3")
    found = work.evaluation(here, mask).answer
    (job,) = [job for job in work.desk._jobs.values() if job.kind == "report"]
    assert percent(found.accuracy) in job.answer
    assert "The test split was not looked at" in job.answer
    assert "does not look at the test split" in opened.said()
