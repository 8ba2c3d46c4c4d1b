"""Looks at the test split are counted over all runs, each mask once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny import tiny_model

from analysis.errors import DataError, PlaceError
from analysis.looks import Looks, look, looks
from analysis.mask import HeadMask
from analysis.models import load_model

FULL = HeadMask(((True,) * 4,) * 3)
ONE, TWO, THREE = (FULL.switched([(layer, 0)], on=False) for layer in range(3))


def test_a_mask_counts_once_and_the_full_model_not_at_all(distilbert, text):
    assert looks(distilbert, text).masks == ()
    look(distilbert, text, [TWO, FULL, ONE])
    found = look(distilbert, text, [ONE, THREE])
    assert found.masks == (TWO, ONE, THREE)
    assert looks(distilbert, text) == found


def test_other_test_sentences_and_other_models_are_counted_apart(distilbert, tokenizer, text):
    look(distilbert, text, [ONE])
    fewer = replace(text, splits={"test": text.split("test").limited(3)})
    assert looks(distilbert, fewer).masks == ()
    bert = load_model(tiny_model("bert"), tokenizer=tokenizer)
    assert looks(bert, text).masks == ()
    other = replace(text, splits={**text.splits, "selection": text.split("selection").limited(3)})
    assert looks(distilbert, other).masks == (ONE,)


@pytest.mark.parametrize(
    ("masks", "asked", "said"),
    [
        ((), (ONE,), ""),
        ((ONE,), (FULL,), ""),
        ((ONE,), (ONE,), "This is the only mask measured on the test split so far."),
        ((ONE, TWO), (TWO,), "This is mask 2 of 2 measured"),
        ((ONE, TWO), (TWO, ONE, FULL), "These are all 2 masks measured"),
        ((ONE, TWO, THREE), (TWO, THREE), "These are 2 of 3 masks measured"),
    ],
)
def test_a_look_is_told_among_the_others(masks, asked, said):
    told = Looks(masks).told(*asked)
    assert told.startswith(said)
    assert bool(told) == bool(said)
    assert ("the best of several looks better than it is" in told) == (
        len(masks) > 1 and bool(said)
    )


def test_who_is_about_to_look_hears_how_many_did():
    assert Looks(()).before == ""
    assert Looks((ONE,)).before == "One mask has been measured on it so far."
    many = Looks((ONE, TWO), "since this server started")
    assert many.before == "2 masks have been measured on it since this server started."


def test_without_a_test_split_there_is_nothing_to_look_at(distilbert, text):
    with pytest.raises(DataError, match="unknown split 'test'"):
        looks(distilbert, replace(text, splits={"selection": text.split("selection")}))


def test_where_nothing_can_be_kept_it_says_so(distilbert, text, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADCOUNT_DATA", str(tmp_path / "file" / "below"))
    with pytest.raises(PlaceError, match="HEADCOUNT_DATA"):
        look(distilbert, text, [ONE])
