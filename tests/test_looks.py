"""Looks at the test split are counted over all runs, each measurement once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny import tiny_model

from analysis.errors import DataError
from analysis.looks import Look, Looks, look, looks
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.store import Store

FULL = HeadMask(((True,) * 4,) * 3)
MASK = FULL.switched([(0, 0)], on=False)
ONE, TWO, THREE = Look(MASK), Look(MASK, "mean"), Look(FULL.switched([(1, 0)], on=False))


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path}/looks.db")
    yield opened
    opened.close()


def test_a_measurement_counts_once_and_the_full_model_not_at_all(distilbert, text, store):
    assert looks(store, distilbert, text).taken == ()
    look(store, distilbert, text, [TWO, Look(FULL), ONE])
    found = look(store, distilbert, text, [ONE, THREE])
    assert found.taken == (TWO, ONE, THREE)
    assert looks(store, distilbert, text) == found


def test_of_a_repaired_model_no_head_is_off():
    assert Look(MASK, "mean", "least-squares") == Look(MASK, "zero", "least-squares")
    assert Look(MASK, "mean", "least-squares") != Look(MASK, "mean")


def test_other_test_sentences_and_other_models_are_counted_apart(
    distilbert, tokenizer, text, store
):
    look(store, distilbert, text, [ONE])
    fewer = replace(text, splits={"test": text.split("test").limited(3)})
    assert looks(store, distilbert, fewer).taken == ()
    bert = load_model(tiny_model("bert"), tokenizer=tokenizer)
    assert looks(store, bert, text).taken == ()
    other = replace(text, splits={**text.splits, "selection": text.split("selection").limited(3)})
    assert looks(store, distilbert, other).taken == (ONE,)


@pytest.mark.parametrize(
    ("taken", "asked", "said"),
    [
        ((), (ONE,), ""),
        ((ONE,), (TWO,), ""),
        ((ONE,), (ONE,), "This is the only measurement on the test split so far."),
        ((ONE, TWO), (TWO,), "This is measurement 2 of 2 on the test split"),
        ((ONE, TWO), (TWO, ONE, Look(FULL)), "These are both measurements"),
        ((ONE, TWO, THREE), (TWO, THREE), "These are 2 of 3 measurements"),
    ],
)
def test_a_look_is_told_among_the_others(taken, asked, said):
    told = Looks(taken).told(*asked)
    assert told.startswith(said)
    assert bool(told) == bool(said)
    best = "the best of several looks better than it is"
    assert (best in told) == (len(taken) > 1 and bool(said))


def test_who_is_about_to_look_hears_how_many_did():
    assert Looks(()).before == ""
    assert Looks((ONE,)).before == "One measurement has been made on it so far."
    many = Looks((ONE, TWO), "since this server started")
    assert many.before == "2 measurements have been made on it since this server started."


def test_without_a_test_split_there_is_nothing_to_look_at(distilbert, text, store):
    with pytest.raises(DataError, match="unknown split 'test'"):
        looks(store, distilbert, replace(text, splits={"selection": text.split("selection")}))
