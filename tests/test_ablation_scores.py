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
from analysis.scores.ablation import shapley
from analysis.scores.method import Evidence


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
    precise = {"rel": 0.1, "abs": 0.03}  # replay may compute in bfloat16
    assert scores(distilbert, "leave-one-out-loss") == pytest.approx(losses, **precise)
    assert scores(distilbert, "leave-one-out") == pytest.approx(moved, **precise)


def test_shapley_values_of_all_orders_are_the_definitions(tokenizer):
    small = load_model(tiny_model("distilbert", n_layers=1, n_heads=4), tokenizer=tokenizer)
    ready = batches(small, CALIBRATION)
    heads = [(0, head) for head in range(4)]
    value = {
        kept: -evaluate(small, ready, HeadMask.off(small.anatomy, set(heads) - set(kept))).loss
        for size in range(5)
        for kept in itertools.combinations(heads, size)
    }
    wanted = []
    for head in heads:
        gains = []
        for order in itertools.permutations(heads):
            before = tuple(sorted(order[: order.index(head)]))
            gains.append(value[tuple(sorted((*before, head)))] - value[before])
        wanted.append(np.mean(gains))
    sampled = finish(shapley(small, Evidence(CALIBRATION, None), permutations=200))
    assert sampled == pytest.approx(wanted, abs=0.15)
    assert sum(sampled) == pytest.approx(value[tuple(heads)] - value[()], abs=0.02)
