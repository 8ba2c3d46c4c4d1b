from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from oracles import attention, eager
from tiny import sentences

from analysis import patterns as patterning
from analysis.errors import DataError, ModelError
from analysis.mask import HeadMask
from analysis.patterns import averaging, overlap, patterns, resampled
from analysis.surgery import prune
from analysis.text import Calibration


@pytest.fixture(scope="module")
def split():
    return Calibration(*sentences(17, seed=11))


def naive_pattern(weights: np.ndarray, bins: int) -> np.ndarray:
    """One map `[query, key]` on the grid, by laying tokens and bins over each other one by one."""
    n = len(weights)
    pattern = np.zeros((bins, bins))

    def shared(token: int, place: int) -> float:
        low, high = max(token / n, place / bins), min((token + 1) / n, (place + 1) / bins)
        return max(high - low, 0.0)

    for row in range(bins):
        for column in range(bins):
            for query in range(n):
                for key in range(n):
                    part = shared(query, row) * bins * shared(key, column) * n
                    pattern[row, column] += part * weights[query, key]
    return pattern


@pytest.mark.parametrize("bins", [1, 5, 8])
def test_patterns_are_the_means_of_a_plain_loop_over_unpadded_sentences(subject, split, bins):
    twin = eager(subject.model)
    expected = np.zeros((3, 4, bins, bins))
    for text in split.texts:
        for layer, seen in enumerate(attention(twin, subject.tokenizer(text)["input_ids"])):
            for head, weights in enumerate(seen):
                expected[layer, head] += naive_pattern(weights, bins) / len(split)
    found = patterns(subject, split, bins=bins)
    assert (found.n, found.split) == (len(split), "calibration")
    assert np.allclose(torch.stack(found.weights), expected, atol=1e-5)


def test_no_attention_is_lost_or_made(distilbert, split):
    for layer in patterns(distilbert, split).weights:
        assert torch.allclose(layer.sum(-1), torch.tensor(1.0), atol=1e-5)


def test_as_many_bins_as_tokens_leave_a_map_as_it_is():
    weights = torch.rand(1, 2, 6, 6).softmax(-1)
    assert torch.allclose(resampled(weights, *overlap(torch.ones(1, 6).bool(), 6)), weights)


def test_padding_takes_no_part():
    weights = torch.rand(1, 1, 7, 7)
    real = torch.tensor([[True] * 4 + [False] * 3])
    short = resampled(weights[..., :4, :4], *overlap(real[:, :4], 9))
    assert torch.allclose(resampled(weights, *overlap(real, 9)), short)


@pytest.mark.parametrize("tokens", [1, 64, 10**6])
def test_the_size_of_a_batch_does_not_matter(distilbert, split, tokens):
    one, other = patterns(distilbert, split), patterns(distilbert, split, tokens=tokens)
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


def test_no_map_outlives_its_layer(distilbert, monkeypatch):
    alive: list[weakref.ref] = []
    peak = []
    resample = patterning.resampled

    def watched(weights, *others):
        peak.append(sum(reference() is not None for reference in alive))
        alive.append(weakref.ref(weights))
        return resample(weights, *others)

    monkeypatch.setattr(patterning, "resampled", watched)
    patterns(distilbert, Calibration(*sentences(20)), tokens=64)
    assert len(peak) > 10
    assert max(peak) == 0


def test_steps_count_sentences_and_the_last_one_carries_the_patterns(distilbert, split):
    steps = list(averaging(distilbert, split, tokens=100))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert [step.result is not None for step in steps] == [False] * (len(steps) - 1) + [True]


def test_a_pruned_model_has_the_patterns_of_the_heads_it_has_left(distilbert, split):
    pruned = prune(distilbert, HeadMask.off(distilbert.anatomy, [(0, 2)]))
    found, full = patterns(pruned, split), patterns(distilbert, split)
    assert torch.allclose(found.weights[0], full.weights[0][[0, 1, 3]], atol=1e-5)


def test_nothing_to_average_is_refused(distilbert, split):
    with pytest.raises(DataError, match="no sentences"):
        patterns(distilbert, Calibration((), ()))
    everything = HeadMask.full(distilbert.anatomy).on_heads
    with pytest.raises(ModelError, match="no heads left"):
        patterns(prune(distilbert, HeadMask.off(distilbert.anatomy, everything)), split)
