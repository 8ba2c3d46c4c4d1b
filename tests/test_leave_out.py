from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tiny import sentences

from analysis.batches import batches
from analysis.errors import MethodError
from analysis.evaluation import evaluate
from analysis.intervals import Change, Shift, paired_mean
from analysis.leave_out import Worth, worth
from analysis.mask import HeadMask
from analysis.text import Selection


def test_it_is_the_paired_change_of_each_sentences_loss(distilbert) -> None:
    ready = batches(distilbert, Selection(*sentences(50, seed=2)))
    found = evaluate(distilbert, ready, HeadMask.off(distilbert.anatomy, [(1, 2)]))
    measured = worth(found)
    losses = []
    for each in (found.baseline, found):
        logits = each.predictions.logits.double().numpy()
        odds = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        losses.append(-np.log(odds[np.arange(50), each.predictions.labels.numpy()]))
    change = losses[1] - losses[0]
    assert measured.loss.mean == pytest.approx(found.loss - found.baseline.loss, abs=1e-5)
    low, high = stats.t.interval(0.95, 49, change.mean(), stats.sem(change))
    assert (measured.loss.low, measured.loss.high) == pytest.approx((low, high), abs=1e-5)
    assert measured.accuracy == found.change
    assert (measured.fixed, measured.broken) == (len(found.flips.fixed), len(found.flips.broken))


def test_the_full_model_has_no_head_left_out(distilbert) -> None:
    ready = batches(distilbert, Selection(*sentences(10)))
    with pytest.raises(MethodError, match="every head is on"):
        worth(evaluate(distilbert, ready))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.02, "needs this head"),
        (-0.02, -0.01, "does better without"),
        (-1, 1, "nobody can tell"),
    ],
)
def test_it_claims_no_more_than_the_interval(low, high, said) -> None:
    assert said in Worth(9, Change(0, 0, 0), Shift((low + high) / 2, low, high), 0, 0).sentence


def test_one_sentence_leaves_everything_open() -> None:
    found = paired_mean([1.0], [1.5])
    assert (found.mean, found.low, found.high) == (0.5, -np.inf, np.inf)
