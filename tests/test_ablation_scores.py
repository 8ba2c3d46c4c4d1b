"""Leave-one-out and Shapley values equal their definitions, mask by mask."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scoring import CALIBRATION, HEADS, scores
from tiny import tiny_model

from analysis.batches import batches
from analysis.evaluation import evaluate
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.progress import finish
from analysis.replay import Replay
from analysis.scores import ablation
from analysis.scores.ablation import shapley
from analysis.scores.method import Evidence

PRECISE = {"rel": 1e-4, "abs": 1e-5}
"""What adding in another order may change in float32."""


@pytest.fixture
def exact(monkeypatch):
    """Scores are computed in float32, whatever this computer is fast in."""
    ablation._neighbours.__wrapped__.cache_clear()
    monkeypatch.setattr(
        ablation,
        "replay_of",
        lambda subject, split: Replay(subject, split, precision="float32"),
    )
    yield
    ablation._neighbours.__wrapped__.cache_clear()


@pytest.mark.usefixtures("exact")
def test_leave_one_out_is_the_loss_and_the_divergence_without_each_head(distilbert):
    ready = batches(distilbert, CALIBRATION)
    base = evaluate(distilbert, ready)
    p = base.predictions.logits.double().softmax(-1)
    losses, moved = [], []
    for head in HEADS:
        found = evaluate(distilbert, ready, HeadMask.off(distilbert.anatomy, [head]))
        losses.append(found.loss - base.loss)
        q = found.predictions.logits.double().softmax(-1)
        moved.append(float((p * (p / q).log()).sum(-1).mean()))
    assert scores(distilbert, "leave-one-out-loss") == pytest.approx(losses, **PRECISE)
    assert scores(distilbert, "leave-one-out") == pytest.approx(moved, **PRECISE)


@pytest.mark.usefixtures("exact")
def test_shapley_values_are_the_mean_gains_of_the_sampled_orders(tokenizer):
    small = load_model(tiny_model("distilbert", n_layers=1, n_heads=4), tokenizer=tokenizer)
    ready = batches(small, CALIBRATION)
    heads = [(0, head) for head in range(4)]

    def value(kept):
        return -evaluate(small, ready, HeadMask.off(small.anatomy, set(heads) - set(kept))).loss

    worth = {kept: value(kept) for size in range(5) for kept in itertools.combinations(heads, size)}

    def gains(order):
        """What each head adds to those that are removed after it."""
        left = [tuple(sorted(heads[each] for each in order[place:])) for place in range(5)]
        gained = [worth[more] - worth[fewer] for more, fewer in itertools.pairwise(left)]
        return [gained[order.index(head)] for head in range(4)]

    generator = np.random.default_rng(3)
    drawn = [generator.permutation(4).tolist() for _ in range(5)]
    orders = [order for one in drawn for order in (one, one[::-1])]
    found = finish(shapley(small, Evidence(CALIBRATION, None, 3), permutations=10))
    sampled = found.scores
    assert sampled == pytest.approx(np.mean([gains(each) for each in orders], axis=0), **PRECISE)
    assert sum(sampled) == pytest.approx(worth[tuple(heads)] - worth[()], **PRECISE)
    pairs = [np.mean([gains(one), gains(one[::-1])], axis=0) for one in drawn]
    assert found.errors == pytest.approx(np.std(pairs, axis=0, ddof=1) / np.sqrt(5), **PRECISE)
    exactly = np.mean([gains(list(each)) for each in itertools.permutations(range(4))], axis=0)
    many = finish(shapley(small, Evidence(CALIBRATION, None, 3), permutations=300))
    assert np.abs(np.array(many.scores) - exactly).max() < np.ptp(exactly) / 5
