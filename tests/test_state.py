from __future__ import annotations

from types import SimpleNamespace

import pytest

from analysis.mask import HeadMask
from analysis.ui.resources import Source
from analysis.ui.state import LONGEST_IN_LINK, Session, from_query

ANATOMY = SimpleNamespace(heads=(4, 4))
HERE = SimpleNamespace(anatomy=ANATOMY)


@pytest.fixture
def session() -> Session:
    opened = Session()
    opened.adopt(HERE, Source())
    return opened


def off(*heads: tuple[int, int]) -> HeadMask:
    return HeadMask.off(ANATOMY, heads)


def test_the_default_state_has_an_empty_link(session: Session) -> None:
    assert session.query() == {}


def test_a_link_restores_the_state_that_it_was_made_from(session: Session) -> None:
    session.change(off((0, 1), (1, 3)))
    session.choices.update(ablation="mean", text="good & <b>bad</b>", head="1.2")
    again = from_query(session.query())
    again.adopt(HERE, again.source)
    assert again.mask == session.mask
    assert again.choices == session.choices
    assert again.query() == session.query()


def test_a_mask_that_waits_for_its_model_stays_in_the_link() -> None:
    assert from_query({"off": "1.0"}).query() == {"off": "1.0"}


def test_a_long_text_stays_out_of_the_link(session: Session) -> None:
    session.choices["text"] = "x" * (LONGEST_IN_LINK + 1)
    assert session.query() == {}


def test_undo_and_redo_walk_the_masks(session: Session) -> None:
    one, two = off((0, 0)), off((0, 0), (1, 1))
    session.change(one)
    session.change(two)
    session.undo()
    assert session.mask == one
    session.undo()
    assert session.mask.is_full
    session.redo()
    session.redo()
    assert session.mask == two
    session.redo()
    assert session.mask == two


def test_undo_and_redo_bring_back_the_ablation_that_a_step_changed_and_no_other(session) -> None:
    session.change(off((0, 0)))
    session.change(off((1, 1)), ablation="mean")
    session.undo()
    assert (session.mask, session.choices["ablation"]) == (off((0, 0)), "zero")
    session.redo()
    assert (session.mask, session.choices["ablation"]) == (off((1, 1)), "mean")
    session.undo()
    session.choices["ablation"] = "mean"
    session.undo()
    assert (session.mask.is_full, session.choices["ablation"]) == (True, "mean")


def test_another_ablation_of_the_same_mask_is_a_step(session: Session) -> None:
    session.change(off((0, 0)))
    session.change(off((0, 0)), ablation="zero")
    assert len(session.past) == 1
    session.change(off((0, 0)), ablation="mean")
    session.undo()
    assert session.choices["ablation"] == "zero"


def test_a_new_change_ends_what_could_be_redone(session: Session) -> None:
    session.change(off((0, 0)))
    session.undo()
    session.change(off((1, 1)))
    assert session.future == []


def test_only_changes_that_the_grid_did_not_make_move_the_grid(session: Session) -> None:
    before = session.revision
    session.change(off((0, 0)), by_grid=True)
    assert session.revision == before
    session.undo()
    assert session.revision == before + 1


@pytest.mark.parametrize("code", ["1", "1.0.0", "zz.0", "ff.0", "", "-1.0", "0x1.0"])
def test_a_mask_of_another_model_leaves_all_heads_on(code: str) -> None:
    opened = from_query({"off": code})
    opened.adopt(HERE, opened.source)
    assert opened.mask.is_full
    assert len(opened.notices) == (1 if code else 0)


@pytest.mark.parametrize("head", ["9.9", "x", "0.1,0.2", "1"])
def test_a_head_that_the_model_does_not_have_is_refused(head: str) -> None:
    opened = from_query({"head": head})
    opened.adopt(HERE, opened.source)
    assert opened.head() == (0, 0)
    assert "head was not used" in opened.notices[0]


def test_a_mask_stays_when_the_next_model_has_the_same_heads(session: Session) -> None:
    session.change(off((0, 0)))
    session.adopt(HERE, Source(data="other.csv"))
    assert session.mask == off((0, 0))
    session.adopt(SimpleNamespace(anatomy=SimpleNamespace(heads=(2,))), Source(model="other"))
    assert session.mask == HeadMask(((True, True),))


def test_an_unknown_choice_becomes_its_default_and_is_told(session: Session) -> None:
    session.choices["statistic"] = "entrpy"
    assert session.checked("statistic", ["entropy", "sparsity"]) == "entropy"
    assert "did you mean 'entropy'" in session.notices[0]


def test_a_default_that_a_model_cannot_have_gives_way_without_a_word(session: Session) -> None:
    assert session.checked("timed_length", ["16", "64"]) == "16"
    assert session.notices == []
    assert session.query() == {}
    session.choices["timed_length"] = "9"
    assert session.checked("timed_length", ["16", "64"]) == "16"
    assert session.checked("timed_length", ["16", "64"]) == "16"
    assert len(session.notices) == 1


def test_undo_after_following_a_link_brings_back_its_ablation_too(session: Session) -> None:
    session.change(off((0, 0)))
    session.follow({"off": "3.0", "ablation": "mean"})
    assert (session.mask, session.choices["ablation"]) == (off((0, 0), (0, 1)), "mean")
    session.undo()
    assert (session.mask, session.choices["ablation"]) == (off((0, 0)), "zero")
    session.redo()
    assert session.choices["ablation"] == "mean"
