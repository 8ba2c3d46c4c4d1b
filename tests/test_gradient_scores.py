"""Scores from derivatives equal central differences, one sentence and one gate at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from families.tiny import build
from scoring import CALIBRATION, HEADS, full, one_by_one, order_of, scores
from tiny import tiny_model
from torch.nn.functional import cross_entropy

from analysis.attention import Intervention, intervening
from analysis.models import load_model
from analysis.progress import finish
from analysis.scores import attribution, rank
from analysis.scores.method import Evidence


def gate_derivative(subject, split, head, mask=None):
    """Central difference of every sentence's loss by one gate, in float64."""
    model = load_model(tiny_model(subject.anatomy.family).double(), tokenizer=subject.tokenizer)
    model.model.double()
    found = []
    for batch in one_by_one(subject, split):
        values = []
        for shift in (1e-4, -1e-4):
            gates = [torch.tensor(row, dtype=torch.float64) for row in (mask or full(subject)).rows]
            gates[head[0]][head[1]] += shift
            with torch.no_grad(), intervening(Intervention(gates=gates)):
                values.append(
                    float(cross_entropy(model.model(**batch.inputs).logits, batch.labels))
                )
        found.append((values[0] - values[1]) / 2e-4)
    return np.array(found)


@pytest.fixture(scope="module")
def slow(distilbert):
    """Derivatives `[heads, sentences]` by central differences."""
    return np.array([gate_derivative(distilbert, CALIBRATION, head) for head in HEADS])


def test_taylor_is_the_mean_size_of_each_sentences_derivative(distilbert, slow):
    importance = np.abs(slow).mean(1)
    assert scores(distilbert, "taylor") == pytest.approx(importance, rel=1e-3, abs=1e-5)
    by_layer = importance.reshape(3, 4) / np.linalg.norm(importance.reshape(3, 4), axis=1)[:, None]
    assert scores(distilbert, "taylor-layer") == pytest.approx(by_layer.ravel(), rel=1e-3)


def test_fisher_is_the_mean_square_of_each_sentences_derivative(distilbert, slow):
    assert scores(distilbert, "fisher") == pytest.approx((slow**2).mean(1), rel=2e-3, abs=1e-6)


def test_kwon_removes_where_the_block_diagonal_form_grows_least(distilbert, slow):
    information = slow @ slow.T / slow.shape[1]

    def cost(removed):
        return sum(
            information[HEADS.index(a), HEADS.index(b)]
            for a, b in itertools.product(removed, removed)
            if a[0] == b[0]
        )

    removed = []
    while len(removed) < len(HEADS):
        rest = [head for head in HEADS if head not in removed]
        removed.append(min(rest, key=lambda head: cost([*removed, head])))
    assert order_of(scores(distilbert, "kwon")) == removed


def test_hies_mixes_gradient_and_low_entropy(distilbert, slow):
    def spread(values):
        return (values - values.min()) / (values.max() - values.min())

    entropy = scores(distilbert, "entropy-high")
    wanted = 0.25 * spread(np.abs(slow).mean(1)) + 0.75 * (1 - spread(entropy))
    assert scores(distilbert, "hies", setting=(0.25,)) == pytest.approx(wanted, abs=2e-3)
    assert scores(distilbert, "hies") == pytest.approx(scores(distilbert, "hies", setting=(0.5,)))


def test_iterated_taylor_scores_anew_at_every_mask(distilbert):
    few = CALIBRATION.limited(5)
    mask, removed = full(distilbert), []
    while mask.heads_on:
        size = {h: np.abs(gate_derivative(distilbert, few, h, mask)).mean() for h in mask.on_heads}
        removed.append(min(size, key=size.get))
        mask = mask.switched([removed[-1]], on=False)
    found = rank(distilbert, few, "taylor-iterated").values["score"].to_numpy()
    assert order_of(found) == removed


def test_attribution_is_the_integral_over_scaled_attention(distilbert):
    """Attention entered by hand as a leaf, in a forward pass of its own."""
    few = CALIBRATION.limited(3)
    wanted = torch.zeros(3, 4)
    for batch in one_by_one(distilbert, few):
        for layer in range(3):
            wanted[layer] += attributed_slowly(distilbert.model, batch, layer) / len(few)
    found = finish(attribution.attention_attribution(distilbert, Evidence(few, None), steps=4))
    assert np.array(found).reshape(3, 4) == pytest.approx(wanted.numpy(), rel=1e-3, abs=1e-6)


def attributed_slowly(model, batch, target, steps=4):
    integral, attention = 0.0, None
    for step in range(1, steps + 1):
        hidden = model.distilbert.embeddings(batch.inputs["input_ids"])
        for layer, block in enumerate(model.distilbert.transformer.layer):
            a = block.attention
            q, k, v = (
                lin(hidden).view(1, -1, 4, 8).transpose(1, 2) for lin in (a.q_lin, a.k_lin, a.v_lin)
            )
            weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
            if layer == target:
                attention = weights.detach()
                weights = leaf = (attention * step / steps).requires_grad_()
            mixed = (weights @ v).transpose(1, 2).flatten(2)
            hidden = block.sa_layer_norm(a.out_lin(mixed) + hidden)
            hidden = block.output_layer_norm(block.ffn(hidden) + hidden)
        answer = model.classifier(model.pre_classifier(hidden[:, 0]).relu()).softmax(-1)
        answer[0, batch.labels[0]].backward()
        integral = integral + leaf.grad / steps
    return (attention * integral)[0].flatten(1).amax(-1)


def test_attributions_of_a_layer_that_runs_at_several_depths_add_up(tokenizer):
    subject = load_model(build("albert"), tokenizer=tokenizer)
    few = CALIBRATION.limited(3)
    wanted = sum(
        attributed_at_all_depths(subject.model, batch) for batch in one_by_one(subject, few)
    )
    found = finish(attribution.attention_attribution(subject, Evidence(few, None), steps=4))
    assert found == pytest.approx((wanted / len(few)).tolist(), rel=1e-3, abs=1e-6)


def attributed_at_all_depths(model, batch, steps=4):
    integral = attention = None
    layer = model.albert.encoder.albert_layer_groups[0].albert_layers[0]
    own = layer.attention
    for step in range(1, steps + 1):
        hidden = model.albert.embeddings(batch.inputs["input_ids"])
        hidden = model.albert.encoder.embedding_hidden_mapping_in(hidden)
        maps, leaves = [], []
        for _ in range(model.config.num_hidden_layers):
            q, k, v = (
                lin(hidden).view(1, -1, 4, 8).transpose(1, 2)
                for lin in (own.query, own.key, own.value)
            )
            weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
            maps.append(weights.detach())
            leaves.append(weights * (step / steps))
            leaves[-1].requires_grad_() if leaves[-1].is_leaf else leaves[-1].retain_grad()
            mixed = (leaves[-1] @ v).transpose(1, 2).flatten(2)
            hidden = own.LayerNorm(own.dense(mixed) + hidden)
            hidden = layer.full_layer_layer_norm(layer.ff_chunk(hidden) + hidden)
        pooled = model.albert.pooler_activation(model.albert.pooler(hidden[:, 0]))
        answer = model.classifier(pooled).softmax(-1)
        answer[0, batch.labels[0]].backward()
        gradient = torch.stack([leaf.grad for leaf in leaves])
        integral = gradient / steps if integral is None else integral + gradient / steps
        attention = torch.stack(maps)
    return (attention * integral).sum(0)[0].flatten(1).amax(-1)
