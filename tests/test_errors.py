from __future__ import annotations

import pickle

import pytest

from analysis import errors
from analysis.errors import HeadcountError, unknown

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_a_headcount_error_and_says_its_sentence(kind):
    assert issubclass(kind, HeadcountError)
    assert str(kind("a sentence")) == "a sentence"
    assert str(pickle.loads(pickle.dumps(kind("a sentence")))) == "a sentence"


def test_a_near_miss_is_answered_with_what_was_meant():
    sentence = unknown("method", "entrpy", ["entropy", "sparsity"])
    assert sentence == (
        "unknown method 'entrpy'; did you mean 'entropy'? Choose one of entropy, sparsity"
    )


def test_a_far_miss_is_answered_with_the_choices():
    sentence = unknown("method", "xyz", ["entropy", "sparsity"])
    assert sentence == "unknown method 'xyz'; choose one of entropy, sparsity"


def test_a_name_of_any_length_gives_a_short_sentence():
    assert len(unknown("method", "x" * 100_000, ["entropy"])) < 200
