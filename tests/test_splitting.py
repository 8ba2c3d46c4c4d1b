from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import DataError
from analysis.reading.splitting import Rows, arrange, key


def rows(start, stop):
    return Rows(
        tuple(f"sentence number {n}" for n in range(start, stop)),
        tuple(n % 2 for n in range(start, stop)),
    )


def sizes(splits):
    return {name: len(split) for name, split in splits.items()}


def test_one_table_is_divided_and_nothing_is_lost():
    splits, notes = arrange("x", {"table": rows(0, 4000)})
    assert sum(sizes(splits).values()) == 4000
    for name, share in {"calibration": 0.25, "selection": 0.25, "test": 0.5}.items():
        assert abs(len(splits[name]) / 4000 - share) < 0.03
    assert "by a hash of each text" in notes[0]


def test_the_order_of_the_rows_decides_nothing():
    whole = rows(0, 500)
    shuffled = whole.pick(random.Random(1).sample(range(500), 500))
    first, second = (arrange("x", {"table": each})[0] for each in (whole, shuffled))
    assert {n: set(s.texts) for n, s in first.items()} == {
        n: set(s.texts) for n, s in second.items()
    }


def test_added_rows_move_no_sentence():
    few, many = (arrange("x", {"table": rows(0, n)})[0] for n in (500, 900))
    assert all(set(few[name].texts) <= set(many[name].texts) for name in few)


@pytest.mark.parametrize(
    "parts",
    [
        lambda n: {"table": rows(0, n)},
        lambda n: {"train": rows(0, n), "test": rows(200, 400)},
        lambda n: {"validation": rows(0, n), "test": rows(200, 400)},
    ],
)
def test_splits_that_added_rows_can_change_come_with_a_warning(parts):
    warning = "added ones move others from split to split: keep the splits in a column or in files"
    for n, is_small in ((99, True), (100, False)):
        before, after = (arrange("x", parts(each))[0] for each in (n, n + 50))
        moved = any(not set(before[name].texts) <= set(after[name].texts) for name in before)
        assert moved == is_small
        assert any(warning in note for note in arrange("x", parts(n))[1]) == is_small


def test_spellings_of_one_sentence_stay_together():
    texts = [f"film {n}" for n in range(200)]
    twice = Rows(tuple(texts + [f"  FILM, {n}!" for n in range(200)]), (0, 1) * 200)
    splits, _ = arrange("x", {"table": twice})
    keys = [{key(text) for text in split.texts} for split in splits.values()]
    assert sum(map(len, keys)) == len(set.union(*keys)) == 200


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("train", "validation", "test"), {"train", "calibration", "selection", "test"}),
        (("train", "validation"), {"train", "calibration", "selection", "test"}),
        (("train", "test"), {"train", "calibration", "selection", "test"}),
        (("dev", "test"), {"calibration", "selection", "test"}),
        (("calibration", "test"), {"calibration", "test"}),
        (("test",), {"calibration", "selection", "test"}),
        (("unsupervised",), {"calibration", "selection", "test"}),
    ],
)
def test_published_splits_are_kept_and_the_rest_is_made(parts, expected):
    given_parts = {name: rows(place * 300, place * 300 + 300) for place, name in enumerate(parts)}
    splits, _ = arrange("x", given_parts)
    assert set(splits) == expected
    if "test" in parts and len(parts) > 1:
        assert splits["test"].texts == given_parts["test"].texts
    if parts == ("train", "validation"):
        assert splits["test"].texts == given_parts["validation"].texts
    if parts == ("train", "validation", "test"):
        assert splits["selection"].texts == given_parts["validation"].texts


def test_no_sentence_stands_in_two_splits():
    splits, notes = arrange("x", {"train": rows(0, 500), "test": rows(400, 600)})
    texts = [text for split in splits.values() for text in split.texts]
    assert len(texts) == len(set(texts)) == 600
    assert splits["test"].texts == rows(400, 600).texts
    assert any("texts of train also stand in test; left out" in note for note in notes)


def test_other_splits_are_left_out_aloud():
    parts = {"train": rows(0, 300), "test": rows(300, 600), "unsupervised": rows(600, 700)}
    splits, notes = arrange("x", parts)
    assert sum(sizes(splits).values()) == 600
    assert "the splits unsupervised were left out" in notes


@pytest.mark.parametrize(
    ("names", "unused"),
    [(("train", "more"), "more"), (("en", "fr"), "fr"), (("val", "dev", "test"), "val")],
)
def test_no_split_is_left_out_in_silence(names, unused):
    parts = {name: rows(place * 300, place * 300 + 300) for place, name in enumerate(names)}
    assert f"the splits {unused} were left out" in arrange("x", parts)[1]


def test_few_sentences_are_divided_exactly_and_warned_of():
    splits, notes = arrange("x", {"table": rows(0, 40)})
    assert sizes(splits) == {"calibration": 10, "selection": 10, "test": 20}
    assert "there are few texts" in notes[-1]


def test_too_few_sentences_are_refused_with_the_number_needed():
    with pytest.raises(DataError, match=r"x has 11 labelled texts .* at least 12 are needed"):
        arrange("x", {"table": rows(0, 11)})
    with pytest.raises(DataError, match="give at least 12 different ones"):
        arrange("x", {"table": Rows(("same",) * 20, (0, 1) * 10)})


@given(st.text(min_size=1))
def test_a_key_forgets_case_and_spacing_and_is_never_empty(text):
    assert key(text)
    if key(text) != text:
        assert key(f" {text.upper()} ") == key(text.upper())


def test_keys_tell_sentences_of_every_script_apart():
    assert len({key(text) for text in ("хороший", "плохой", "好", "坏", "جيد", "🙂", "🙁")}) == 7
