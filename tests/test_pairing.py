from __future__ import annotations

import pytest
import torch

from analysis.errors import DataError
from analysis.evaluation import Predictions, compared, judged
from analysis.intervals import paired_change
from analysis.mask import HeadMask
from analysis.pairing import disagreement, pair

FULL = HeadMask(((True, True),))


def answered(answers: list[int], labels: list[int], classes: int = 3):
    logits = torch.nn.functional.one_hot(torch.tensor(answers), classes).float()
    return judged(FULL, Predictions(torch.arange(len(labels)), logits, torch.tensor(labels)), 0.0)


def test_a_pairing_counts_what_only_one_of_the_two_gets_right():
    labels = [0, 0, 0, 1, 1, 2]
    first = answered([0, 0, 1, 1, 0, 0], labels)
    second = answered([0, 1, 0, 1, 1, 1], labels)
    found = pair(first, second)
    assert found.second.flips.fixed == (2, 4)
    assert found.second.flips.broken == (1,)
    assert found.second.change == paired_change(2, 1, 6)
    assert found.apart == pytest.approx(4 / 6)  # the last sentence is wrong under both, differently
    assert found.second.main.is_worse is None


def test_a_mask_does_not_differ_from_itself():
    one = answered([0, 1, 2], [0, 0, 0])
    found = pair(one, one)
    assert (found.second.change.points, found.apart) == (0, 0)


def test_swapping_the_two_turns_the_change_around():
    labels = [0] * 50
    first, second = answered([0] * 50, labels), answered([1] * 25 + [0] * 25, labels)
    one, other = pair(first, second), pair(second, first)
    assert one.second.change.points == -other.second.change.points == -50
    assert (one.second.main.is_worse, other.second.main.is_worse) == (True, False)
    assert disagreement(first, second) == disagreement(second, first) == 0.5


def test_a_pairing_keeps_nothing_of_the_full_model():
    full, first, second = (answered([n, 0], [0, 0]) for n in (0, 1, 2))
    found = pair(compared(first, full), compared(second, full))
    assert found.second.baseline is found.first
    assert found.second.change.points == 0


def test_other_sentences_are_refused():
    with pytest.raises(DataError, match="other sentences"):
        pair(answered([0, 0], [0, 1]), answered([0, 0], [0, 0]))
