"""The prune page says when a number rests on too little: few sentences, or one draw of many."""

from __future__ import annotations

import csv

import pytest

from analysis.ui import views

FEW, DRAW = "**Few sentences.**", "One draw of many"


@pytest.fixture
def short(stored, tmp_path) -> str:
    """The first hundred sentences alone."""
    with open(stored.data, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[:101]
    path = tmp_path / "short.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_few_sentences_are_told_of_a_mask_that_changes_answers(tab, short) -> None:
    opened = tab(data=short, off="f.0.0").visit("prune")
    assert FEW in opened.said()


def test_enough_sentences_are_not_called_few(tab, monkeypatch) -> None:
    opened = tab(off="1.0.0").visit("prune")
    assert "sentences show a change of" in opened.said()
    monkeypatch.setattr(views, "FEW", 100.0)
    assert FEW not in opened.run().said()


def test_the_random_method_is_called_one_draw_of_many_and_no_other_is(tab) -> None:
    opened = tab(method="random").visit("prune")
    assert DRAW in opened.said()
    opened.box("choice_method").select("magnitude")
    assert DRAW not in opened.run().settle().said()
