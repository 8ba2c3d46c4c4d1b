"""Our own method's moments and costs equal what solving every candidate anew gives."""

from __future__ import annotations

import pytest
import torch
from scoring import CALIBRATION, HEADS, one_by_one, order_of, scores
from tiny import tiny_model

from analysis.anatomy import outputs_of
from analysis.models import load_model
from analysis.scores import reconstruction


def moments_by_hand(subject):
    """Fisher-weighted covariance of the heads' outputs and their gradients' moment, sentence by sentence."""
    outputs, gradients, weights = ([[] for _ in range(3)] for _ in range(3))
    for batch in one_by_one(subject, CALIBRATION):
        seen = []
        hooks = [
            projection.register_forward_pre_hook(
                lambda _, given, seen=seen: seen.append(given[0].requires_grad_()) or given
            )
            for projection in outputs_of(subject.model)
        ]
        with torch.enable_grad():
            answer = subject.model(**batch.inputs).logits.log_softmax(-1)[0]
        for hook in hooks:
            hook.remove()
        for label, probability in enumerate(answer.detach().exp()):
            found = torch.autograd.grad(answer[label], seen, retain_graph=True)
            for layer in range(3):
                g = found[layer][0].double() * probability.double().sqrt()
                outputs[layer].append(seen[layer][0].detach().double())
                gradients[layer].append(g)
                weights[layer].append(g.square().sum(-1))
    for layer in range(3):
        z, g, w = (torch.cat(part[layer]) for part in (outputs, gradients, weights))
        mean = (w[:, None] * z).sum(0) / w.sum()
        yield (z - mean).T @ (w[:, None] * (z - mean)) / w.sum(), g.T @ g / len(CALIBRATION)


def test_repair_aware_takes_the_moments_of_outputs_and_fisher_gradients(distilbert):
    found = reconstruction.moments(distilbert, CALIBRATION)
    for layer, wanted in zip(found, moments_by_hand(distilbert), strict=True):
        for one, other in zip((layer.outputs, layer.gradients), wanted, strict=True):
            assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


def test_repair_aware_costs_are_what_least_squares_leaves(distilbert):
    """The downdates give what solving every candidate anew gives."""
    layers = reconstruction.moments(distilbert, CALIBRATION)
    removed = reconstruction.eliminate(layers, (4, 4, 4))
    gone = [[], [], []]

    def lost(layer, heads):
        c, n = layers[layer].outputs.clone(), layers[layer].gradients
        c.diagonal().add_(reconstruction.RIDGE * c.diagonal().mean())
        out = [8 * head + place for head in heads for place in range(8)]
        kept = [place for place in range(32) if place not in out]
        rest = c[out][:, out]
        if kept:
            rest = rest - c[out][:, kept] @ torch.linalg.solve(c[kept][:, kept], c[kept][:, out])
        return float((n[out][:, out] * rest).sum())

    for step in removed:
        added = {
            (layer, head): lost(layer, [*gone[layer], head])
            - (lost(layer, gone[layer]) if gone[layer] else 0)
            for layer, head in HEADS
            if head not in gone[layer]
        }
        assert 2 * step.cost == pytest.approx(added[step.head], rel=1e-6)
        assert added[step.head] == pytest.approx(min(added.values()), rel=1e-6)
        gone[step.head[0]].append(step.head[1])
    order = [step.head for step in removed]
    assert order_of(scores(distilbert, "repair-aware")) == order


def test_a_head_that_another_repeats_is_the_first_to_go(tokenizer):
    """Least squares replaces a copy without loss, so our method gives it up first."""
    model = tiny_model("distilbert", seed=3)
    with torch.no_grad():
        for name in ("q_lin", "k_lin", "v_lin"):
            linear = getattr(model.distilbert.transformer.layer[1].attention, name)
            linear.weight[8:16] = linear.weight[:8]
            linear.bias[8:16] = linear.bias[:8]
    subject = load_model(model, tokenizer=tokenizer)
    layers = reconstruction.moments(subject, CALIBRATION)
    first, second, *_ = reconstruction.eliminate(layers[1:2], (4,), ridge=1e-9)
    assert first.head in {(0, 0), (0, 1)}
    assert first.cost < 1e-6 * second.cost
