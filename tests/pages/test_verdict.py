from __future__ import annotations

from analysis.headroom import Candidate, Headroom
from analysis.intervals import Change
from analysis.ui.verdict import sentences


def candidate(removed: int, low: float, high: float) -> Candidate:
    return Candidate("magnitude", "0.0.0", removed, Change((low + high) / 2, low, high), 1072)


def test_the_overview_finds_out_how_many_heads_could_go(tab) -> None:
    opened = tab()
    assert "Not known yet" in opened.said()
    opened.press("Find out how many heads could go")
    said = opened.said()
    assert "Not known yet" not in said
    assert "measure your choice once on the test split" in said


def test_what_is_shown_and_what_is_possible_are_told_apart() -> None:
    found = Headroom(72, 1072, 15, 3, 1.0, candidate(7, -0.6, 0.4), candidate(36, -1.5, 0.3))
    shown, possible, certainty = sentences(found)
    assert shown.startswith("**7 of 72 heads could go**")
    assert possible.startswith("**Perhaps 36**")
    assert "1,072 sentences are too few" in possible
    assert "15 masks" in certainty
    assert "for all 3 methods together" in certainty


def test_nothing_shown_is_said_as_it_is() -> None:
    said = sentences(Headroom(72, 100, 15, 1, 1.0, None, None))
    assert said[0] == "For none of 15 masks is the loss shown to be below 1 point."
    assert len(said) == 2
