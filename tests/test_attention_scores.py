"""Scores that read attention or weights equal their formulas, computed by hand from the model's own matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kstest, rankdata
from scoring import CALIBRATION, one_by_one, scores

from analysis.errors import MethodError
from analysis.scores import rank


def test_magnitude_is_the_norm_of_the_four_slices(distilbert):
    wanted = []
    for block in distilbert.model.distilbert.transformer.layer:
        a = block.attention
        for head in range(4):
            rows = slice(8 * head, 8 * head + 8)
            wanted.append(
                sum(float(lin.weight[rows].norm()) for lin in (a.q_lin, a.k_lin, a.v_lin))
                + float(a.out_lin.weight[:, rows].norm())
            )
    assert scores(distilbert, "magnitude") == pytest.approx(wanted, rel=1e-5)


def attention_by_hand(subject, batch):
    """Attention `[layers, heads, n, n]` and the norms `[layers, heads]` of what each head adds."""
    hidden, maps, norms = subject.model.distilbert.embeddings(batch.inputs["input_ids"]), [], []
    for block in subject.model.distilbert.transformer.layer:
        a = block.attention
        q, k, v = (
            lin(hidden).view(1, -1, 4, 8).transpose(1, 2) for lin in (a.q_lin, a.k_lin, a.v_lin)
        )
        weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
        mixed = weights @ v
        maps.append(weights[0])
        norms.append(
            torch.stack(
                [
                    (mixed[0, h] @ a.out_lin.weight[:, 8 * h : 8 * h + 8].T).norm(dim=-1).mean()
                    for h in range(4)
                ]
            )
        )
        hidden = block.sa_layer_norm(a.out_lin(mixed.transpose(1, 2).flatten(2)) + hidden)
        hidden = block.output_layer_norm(block.ffn(hidden) + hidden)
    return torch.stack(maps), torch.stack(norms)


@torch.no_grad()
def test_attention_scores_are_their_formulas(distilbert):
    sums = {"entropy-high": 0, "sparsity-high": 0, "confidence": 0, "output-norm": 0}
    for batch in one_by_one(distilbert, CALIBRATION):
        p, norms = attention_by_hand(distilbert, batch)
        n = p.shape[-1]
        sums["entropy-high"] += -(p * p.clamp(min=1e-30).log()).sum(-1).mean(-1) / np.log(n)
        sums["sparsity-high"] += (p < 0.1 / n).float().mean(-1).mean(-1)
        sums["confidence"] += p.amax(-1).mean(-1)
        sums["output-norm"] += norms
    for method, total in sums.items():
        wanted = (total / len(CALIBRATION)).flatten().numpy()
        assert scores(distilbert, method) == pytest.approx(wanted, rel=2e-3, abs=1e-4), method
    assert scores(distilbert, "entropy-low") == pytest.approx(-scores(distilbert, "entropy-high"))
    assert scores(distilbert, "sparsity-low") == pytest.approx(-scores(distilbert, "sparsity-high"))


@torch.no_grad()
def test_attention_guided_is_its_weighted_sum_of_ranks(distilbert):
    parts = np.zeros((3, 12))
    for batch in one_by_one(distilbert, CALIBRATION):
        p, _ = attention_by_hand(distilbert, batch)
        n = p.shape[-1]
        parts[0] += ((p * p.clamp(min=1e-30).log()).sum(-1).mean(-1) / np.log(n)).flatten().numpy()
        parts[1] += (p < 0.1 / n).float().mean(-1).mean(-1).flatten().numpy()
        for layer in range(3):
            maps = p[layer].flatten(1).double()
            alike = torch.nn.functional.cosine_similarity(maps[:, None], maps[None], dim=-1)
            alike.fill_diagonal_(-1)
            parts[2, 4 * layer : 4 * layer + 4] -= alike.amax(-1).numpy()
    ranks = np.stack([(rankdata(part.round(5)) - 1) / 11 for part in parts])
    for weights in ((1 / 3, 1 / 3, 1 / 3), (1, 0, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)):
        found = scores(distilbert, "attention-guided", setting=weights)
        assert found == pytest.approx(np.array(weights) @ ranks, abs=1e-6), weights
    assert scores(distilbert, "attention-guided") == pytest.approx(ranks.mean(0), abs=1e-6)
    with pytest.raises(MethodError, match="has no setting"):
        rank(distilbert, CALIBRATION, "attention-guided", setting=(9, 9, 9))


def test_random_scores_are_even_and_depend_on_the_seed_alone(distilbert):
    drawn = [scores(distilbert, "random", seed=seed) for seed in range(50)]
    assert (drawn[3] == rank(distilbert, None, "random", seed=3).values["score"]).all()
    assert len({tuple(np.argsort(values)) for values in drawn}) == 50
    assert kstest(np.concatenate(drawn), "uniform").pvalue > 0.01
    first = np.bincount([int(np.argmin(values)) for values in drawn], minlength=12)
    assert first.max() < 15  # every head has its turn to go first
