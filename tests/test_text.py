"""Splits: equal lengths, a limit that depends on the texts alone, names that are known."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from analysis.errors import DataError, ProtocolError
from analysis.text import (
    SPLITS,
    Calibration,
    LabelledText,
    Provenance,
    Selection,
    Test,
    key,
    text_hash,
)

TEXTS = ("good", "bad", "so so", "fine", "dull")


def test_a_hash_sees_letters_and_digits_only():
    expected = hashlib.sha256(b"its10outof10").hexdigest()
    assert text_hash("It's 10 out of 10!") == text_hash("its 10-out-of-10") == expected


def test_the_hash_drops_letters_outside_a_to_z():
    assert text_hash("café") == text_hash("caf")


def test_a_larger_limit_keeps_what_a_smaller_one_chose():
    split = Test(TEXTS, (1, 0, 0, 1, 0))
    chosen = [set(split.limited(n).texts) for n in range(1, 6)]
    assert [len(texts) for texts in chosen] == [1, 2, 3, 4, 5]
    assert all(small < large for small, large in itertools.pairwise(chosen))


def test_the_limit_does_not_follow_the_order_of_the_file():
    rows = list(zip(TEXTS, (1, 0, 0, 1, 0), strict=True))
    forward, backward = (Test(*zip(*order, strict=True)) for order in (rows, rows[::-1]))
    assert set(forward.limited(3).texts) == set(backward.limited(3).texts)


def test_a_limited_split_keeps_its_class_its_order_and_its_labels():
    split = Calibration(TEXTS, (1, 0, 0, 1, 0))
    small = split.limited(3)
    assert type(small) is Calibration
    rows = [TEXTS.index(text) for text in small.texts]
    assert rows == sorted(rows)
    assert small.labels == tuple(split.labels[row] for row in rows)
    assert split.limited(99) is split


@pytest.mark.parametrize("n", [0, -3])
def test_a_limit_below_one_is_refused(n):
    with pytest.raises(DataError, match=f"1 or more, not {n}"):
        Test(TEXTS, (1, 0, 0, 1, 0)).limited(n)


def test_texts_and_labels_must_match():
    with pytest.raises(DataError, match="5 texts and 1 labels"):
        Selection(TEXTS, (1,))


def test_every_split_knows_its_name():
    assert list(SPLITS) == ["train", "calibration", "selection", "test"]
    assert all(kind.name == name for name, kind in SPLITS.items())


def test_an_unknown_split_is_answered_with_those_there_are():
    text = LabelledText("films", ("no", "yes"), {"test": Test((), ())}, Provenance("here", "MIT"))
    assert text.split("test") == Test((), ())
    with pytest.raises(DataError, match="films: unknown split 'tset'; did you mean 'test'"):
        text.split("tset")


@pytest.mark.parametrize(
    ("one", "other"),
    [("café", "cafe\u0301"), ("good", "ｇｏｏｄ"), ("👍 👍", "👍👍"), ("?!", "? !")],
)
def test_a_key_is_the_same_however_a_text_is_encoded_and_spaced(one, other):
    assert key(one) == key(other)


def test_a_split_stands_under_its_own_name_only():
    test = Test(TEXTS, (1, 0, 0, 1, 0))
    for name, split in (
        ("calibration", test),
        ("holdout", test),
        ("test", Selection(TEXTS, (1, 0, 0, 1, 0))),
    ):
        with pytest.raises(ProtocolError, match=f"the split '{name}' is of the kind"):
            LabelledText("films", ("bad", "good"), {name: split}, Provenance("here", "none"))


def test_what_splits_a_data_set_has_cannot_be_changed():
    given = {"test": Test(TEXTS, (1, 0, 0, 1, 0))}
    films = LabelledText("films", ("bad", "good"), given, Provenance("here", "none"))
    given["test"] = Test(("other",), (0,))
    assert films.split("test").texts == TEXTS
    with pytest.raises(TypeError):
        films.splits["test"] = given["test"]
