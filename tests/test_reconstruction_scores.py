"""Our own method's moments and costs equal what solving every candidate anew gives."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from families.tiny import build
from scoring import CALIBRATION, HEADS, one_by_one, order_of, scores
from tiny import tiny_model

from analysis.anatomy import outputs_of
from analysis.batches import batches
from analysis.models import load_model
from analysis.scores import reconstruction


def moments_by_hand(subject):
    """Fisher-weighted covariance of the heads' outputs and their gradients' moment, sentence by sentence."""
    layers = subject.anatomy.layers
    outputs, gradients, weights = ([[] for _ in range(layers)] for _ in range(3))
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
            for place, (output, gradient) in enumerate(zip(seen, found, strict=True)):
                layer = place % layers  # the one layer of ALBERT runs at every depth
                g = gradient[0].double() * probability.double().sqrt()
                outputs[layer].append(output[0].detach().double())
                gradients[layer].append(g)
                weights[layer].append(g.square().sum(-1))
    for layer in range(layers):
        z, g, w = (torch.cat(part[layer]) for part in (outputs, gradients, weights))
        mean = (w[:, None] * z).sum(0) / w.sum()
        yield (z - mean).T @ (w[:, None] * (z - mean)) / w.sum(), g.T @ g / len(CALIBRATION)


@pytest.mark.parametrize(
    ("family", "labels"), [("distilbert", 2), ("albert", 2), ("distilbert", 3), ("bert", 4)]
)
def test_repair_aware_takes_the_moments_of_outputs_and_fisher_gradients(family, labels, tokenizer):
    subject = load_model(build(family, num_labels=labels), tokenizer=tokenizer)
    found = reconstruction.moments(subject, CALIBRATION)
    for layer, wanted in zip(found, moments_by_hand(subject), strict=True):
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


def test_directions_have_the_fisher_information_as_their_expectation():
    """Exactly where there are few classes; over many draws where there are more."""
    for classes, draws, error in ((2, 1, 1e-6), (4, 1, 1e-6), (6, 200_000, 0.01)):
        logits = torch.randn(1, classes, generator=torch.Generator().manual_seed(classes))
        p = logits.softmax(-1)[0]
        numbers = torch.rand(draws, generator=torch.Generator().manual_seed(0))
        found = reconstruction._directions(logits.expand(draws, -1), numbers)
        second = sum(torch.einsum("nc,nd->cd", each, each) for each in found) / draws
        assert torch.allclose(second, p.diag() - torch.outer(p, p), atol=error)


def test_answers_of_one_text_do_not_add_to_each_others_information():
    logits = torch.zeros(2, 2).expand(2, 2)
    draws = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(0))
    products = [
        float(torch.dot(*reconstruction._directions(logits, each)[0]).item()) for each in draws
    ]
    assert sum(products) / len(products) == pytest.approx(0, abs=0.02)


def test_scores_do_not_depend_on_how_sentences_are_put_into_batches(tokenizer, monkeypatch):
    subject = load_model(build("distilbert", num_labels=6), tokenizer=tokenizer)
    together = scores(subject, "repair-aware")
    monkeypatch.setattr(reconstruction, "batches", partial(batches, tokens=1))
    assert order_of(scores(subject, "repair-aware")) == order_of(together)
