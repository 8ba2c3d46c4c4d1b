from __future__ import annotations

import pytest

from analysis.errors import DataError
from analysis.reading.labels import matched
from analysis.text import LabelledText, Provenance, Test


def data(*names, numbered=True):
    split = Test(tuple(f"text {n}" for n in range(len(names))), tuple(range(len(names))))
    return LabelledText("x", names, {"test": split}, Provenance("", ""), (), numbered)


@pytest.mark.parametrize(
    ("names", "outputs", "places"),
    [
        (("negative", "positive"), ("negative", "positive"), (0, 1)),
        (("negative", "positive"), ("POSITIVE", "NEGATIVE"), (1, 0)),
        (("neg", "pos"), ("negative", "neutral", "positive"), (0, 2)),
        (("0", "1"), ("POSITIVE", "NEGATIVE"), (1, 0)),
        (("0", "1"), ("LABEL_0", "LABEL_1"), (0, 1)),
        (("negative", "positive"), ("LABEL_0", "LABEL_1"), (0, 1)),
        (("LABEL_1", "LABEL_0"), ("neg", "pos"), (1, 0)),
        (("0", "1", "2"), ("entailment", "neutral", "contradiction"), (0, 1, 2)),
        (("World", "Sports"), ("LABEL_0", "LABEL_1", "LABEL_2"), (0, 1)),
        (("2", "4"), tuple(f"LABEL_{n}" for n in range(5)), (2, 4)),
    ],
)
def test_labels_find_their_outputs(names, outputs, places):
    result = matched(data(*names), outputs)
    assert result.label_names == outputs
    assert result.split("test").labels == places


def test_a_model_that_gives_no_labels_is_said_to_have_no_classification_head():
    with pytest.raises(
        DataError, match=r"negative, positive, and this model gives none.*no classif"
    ):
        matched(data("negative", "positive"), ())


def test_equal_labels_change_nothing():
    same = data("a", "b")
    assert matched(same, ("a", "b")) is same


def test_a_match_that_is_not_by_name_is_told():
    notes = matched(data("0", "1"), ("NEGATIVE", "POSITIVE")).notes
    assert notes[-1].endswith("by meaning: 0 is NEGATIVE, 1 is POSITIVE")
    assert matched(data("0", "1"), ("ham", "spam")).notes[-1].endswith("0 is ham, 1 is spam")


@pytest.mark.parametrize("labels", ["a=1,b=0", "A=spam, B=ham", {"a": 1, "b": "ham"}])
def test_an_explicit_match_wins(labels):
    assert matched(data("a", "b"), ("ham", "spam"), labels).split("test").labels == (1, 0)


@pytest.mark.parametrize(
    ("names", "outputs", "labels", "sentence"),
    [
        (("a", "b"), ("c", "d"), None, "x has a, b, the model has c, d; say which .* a=0,b=1"),
        (("0", "1", "2"), ("negative", "positive"), None, "the labels do not fit the model"),
        (("1", "2"), ("LABEL_0", "LABEL_1"), None, "the labels do not fit the model"),
        (("a", "b"), ("c", "d"), "a=0", "no output of the model is given for 'b'"),
        (("a", "b"), ("c", "d"), "a=0,b=0", "two labels would be one output"),
        (("a", "b"), ("c", "d"), "a=0,b=7", "unknown output '7'"),
        (("a", "b"), ("c", "d"), "q=0,b=1", "unknown label 'q'"),
        (("a", "b"), ("c", "d"), "nonsense", "cannot read 'nonsense' as labels"),
    ],
)
def test_labels_that_do_not_fit_get_one_sentence(names, outputs, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        matched(data(*names), outputs, labels)


def test_words_numbered_by_their_alphabet_are_not_matched_by_number():
    with pytest.raises(DataError, match="do not fit"):
        matched(data("bad", "worse", numbered=False), ("LABEL_0", "LABEL_1"))
