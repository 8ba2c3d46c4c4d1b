from __future__ import annotations

import re

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
    leads = next(each.label for each in opened.at.button if each.label.startswith("Show the "))
    curves = tab().press("See the curves")
    assert "How fast does a model get worse" in curves.said()
    assert "All numbers" in curves.said()
    off = int(re.search(r"\d+", leads)[0])
    board = tab().press(leads)
    assert "What happens when these heads are switched off?" in board.said()
    assert board.session.mask.heads_on == 12 - off


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
