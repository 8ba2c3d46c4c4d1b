from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom
from tiny import sentences

from analysis.answers import Predictions
from analysis.batches import batches
from analysis.errors import DataError
from analysis.evaluation import evaluate, judged
from analysis.flips import BINS, KINDS, Comparison, compare, summary
from analysis.intervals import paired_change, wilson
from analysis.mask import HeadMask
from analysis.significance import mcnemar
from analysis.text import Selection

OFF = [(0, 0), (0, 1), (1, 2), (2, 3)]


@pytest.fixture(scope="module")
def split():
    return Selection(*sentences(120, seed=5))


@pytest.fixture(scope="module")
def masked(distilbert, split):
    return evaluate(distilbert, batches(distilbert, split), HeadMask.off(distilbert.anatomy, OFF))


@pytest.fixture(scope="module")
def found(distilbert, split, masked) -> Comparison:
    return compare(masked.baseline, masked, split, distilbert.labels)


def given(logits: list[list[float]], labels: list[int]) -> Predictions:
    return Predictions(torch.arange(len(labels)), torch.tensor(logits), torch.tensor(labels))


def three_labels() -> Comparison:
    """Four sentences, one of each kind."""
    mask = HeadMask(((True, False),))
    before = given([[2.0, 0, 0], [0, 2.0, 0], [0, 2.0, 0], [2.0, 0, 0]], [0, 0, 0, 0])
    after = given([[0, 2.0, 0], [2.0, 0, 0], [0, 0, 2.0], [1.0, 0, 0]], [0, 0, 0, 0])
    split = Selection(("a", "b b", "c c c", "d d d d"), (0, 0, 0, 0))
    old, new = (judged(mask, predictions, 0) for predictions in (before, after))
    return compare(old, new, split, ("x", "y", "z"))


def test_there_is_a_row_for_each_sentence_in_the_order_of_the_split(found, split) -> None:
    assert list(found.sentences["text"]) == list(split.texts)
    assert list(found.sentences["row"]) == list(range(len(split)))
    assert list(found.sentences["words"]) == [len(text.split()) for text in split.texts]


def test_the_flips_are_those_of_the_evaluation(found, masked) -> None:
    flips = found.flips
    for kind in ("fixed", "broken"):
        rows = flips.loc[flips["what"] == kind, "row"]
        assert sorted(rows) == sorted(getattr(masked.flips, kind))
    assert len(flips) > 3
    assert flips["change"].abs().is_monotonic_decreasing


def test_probabilities_are_the_softmax_of_the_right_label(found, masked, split) -> None:
    logits = masked.predictions.logits.double().numpy()
    for row, label in enumerate(split.labels):
        odds = np.exp(logits[row] - logits[row].max())
        expected = odds[label] / odds.sum()
        assert found.sentences["probability_after"][row] == pytest.approx(expected, abs=1e-6)
    change = found.sentences["probability_after"] - found.sentences["probability_before"]
    assert np.allclose(found.sentences["change"], change)


def test_with_two_labels_the_whole_move_is_the_change_of_one(found) -> None:
    assert np.allclose(found.sentences["moved"], found.sentences["change"].abs(), atol=1e-6)


def test_every_kind_of_change_is_told_from_the_others() -> None:
    found = three_labels()
    assert list(found.sentences["what"]) == ["broken", "fixed", "other", "same"]
    assert list(found.sentences["answer_after"]) == ["y", "x", "z", "x"]
    assert set(found.flips["what"]) == {"broken", "fixed", "other"}
    assert found.largest(5)["text"].tolist() == ["d d d d"]


def test_near_and_largest_are_unchanged_answers_in_order(found) -> None:
    near, largest = found.near(10), found.largest(10)
    assert set(near["what"]) == set(largest["what"]) == {"same"}
    assert near["lead"].is_monotonic_increasing
    assert (near["lead"] < near["lead_before"]).all()
    assert largest["moved"].is_monotonic_decreasing
    same = found.sentences[found.sentences["what"] == "same"]
    assert largest["moved"].iloc[0] == same["moved"].max()
    assert len(found.near(1)) == 1


def test_the_lead_is_the_gap_to_the_next_label(found) -> None:
    right = found.sentences["probability_after"]
    assert np.allclose(found.sentences["lead"], (2 * right - 1).abs(), atol=1e-6)


def test_chance_is_a_fair_coin_for_each_decided_answer(found, masked) -> None:
    fixed, broken = len(masked.flips.fixed), len(masked.flips.broken)
    chance = found.chance
    assert (chance.broken, chance.decided) == (broken, fixed + broken)
    assert chance.p == pytest.approx(mcnemar(fixed, broken))
    inside = binom.cdf(chance.high, fixed + broken, 0.5) - binom.cdf(
        chance.low - 1, fixed + broken, 0.5
    )
    assert inside >= 0.95
    assert chance.is_more == (not chance.low <= broken <= chance.high)


def test_a_comparison_with_itself_has_no_flips(distilbert, split, masked) -> None:
    found = compare(masked, masked, split, distilbert.labels)
    assert not len(found.flips)
    assert not len(found.near(5))
    assert (found.sentences["change"] == 0).all()
    assert (found.chance.decided, found.chance.p) == (0, 1)
    assert not found.chance.is_more


def test_classes_add_up_to_all_sentences(found, masked) -> None:
    table = found.by_class()
    assert set(table["group"]) == {"negative", "positive"}
    assert table["n"].sum() == found.n
    assert table["broken"].sum() == len(masked.flips.broken)
    row = table.iloc[0]
    members = found.sentences[found.sentences["label"] == row["group"]]
    flipped = int((members["what"] != "same").sum())
    interval = wilson(flipped, len(members))
    assert (row["low"], row["high"]) == (interval.low, interval.high)
    change = paired_change(row["fixed"], row["broken"], row["n"])
    assert (row["points_low"], row["points_high"]) == (change.low, change.high)


def test_lengths_go_from_short_to_long_and_hold_their_sentences(found) -> None:
    table = found.by_length()
    assert table["n"].sum() == found.n
    assert 2 <= len(table) <= BINS
    ends = [tuple(map(int, name.removesuffix(" words").split(" to "))) for name in table["group"]]
    assert ends == sorted(ends)
    low, high = ends[0][0], ends[0][-1]
    assert table["n"].iloc[0] == found.sentences["words"].between(low, high).sum()


def test_sentences_of_one_length_are_one_bin() -> None:
    rows = pd.DataFrame({"words": [3, 3, 3], "what": ["same", "broken", "fixed"]})
    table = Comparison(rows.assign(row=range(3))).by_length()
    assert table["group"].tolist() == ["3 words"]
    assert table.loc[0, ["broken", "fixed", "other"]].tolist() == [1, 1, 0]


def test_a_summary_counts_each_group_by_hand() -> None:
    rows = pd.DataFrame({"what": ["broken", "same", "fixed", "other", "same"]})
    table = summary(rows, pd.Series(["b", "b", "a", "a", "a"]))
    assert table["group"].tolist() == ["b", "a"]
    assert table[["n", *KINDS[:3]]].to_numpy().tolist() == [[2, 1, 0, 0], [3, 0, 1, 1]]
    assert table["points"].tolist() == pytest.approx([-50, 100 / 3])


def test_evaluations_of_other_sentences_are_refused(distilbert, split, masked) -> None:
    predictions = masked.predictions
    fewer = Predictions(predictions.rows[1:], predictions.logits[1:], predictions.labels[1:])
    with pytest.raises(DataError, match="different sentences"):
        compare(masked.baseline, replace(masked, predictions=fewer), split, distilbert.labels)
    with pytest.raises(DataError, match="not of these 3"):
        compare(masked.baseline, masked, Selection(*sentences(3)), distilbert.labels)
