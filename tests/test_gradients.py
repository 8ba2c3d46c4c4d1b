"""Derivatives by gates are exact, sentence by sentence."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from analysis.attention import Intervention, intervening
from analysis.batches import batches
from analysis.gradients import gate_gradients
from analysis.text import Calibration
from tests.tiny import sentences


def with_gates(subject, batch, gates):
    with torch.no_grad(), intervening(Intervention(gates=gates)):
        return subject.model(**batch.inputs).logits


def test_each_sentence_has_the_gradient_it_has_alone(subject):
    split = Calibration(*sentences(12))
    together = gate_gradients(subject, split, jacobian=True)
    for row in (0, 5, 11):
        alone = gate_gradients(
            subject, Calibration((split.texts[row],), (split.labels[row],)), jacobian=True
        )
        torch.testing.assert_close(together.loss[row], alone.loss[0], atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(together.jacobian[row], alone.jacobian[0], atol=1e-4, rtol=1e-3)


def test_gradients_are_the_limit_of_small_steps(distilbert):
    split = Calibration(*sentences(6))
    found = gate_gradients(distilbert, split)
    (batch,) = batches(distilbert, split, tokens=10_000, multiple=64)
    step = 1e-3
    for layer, head in ((0, 1), (1, 3), (2, 0)):
        losses = []
        for sign in (1, -1):
            gates = [torch.ones(count) for count in distilbert.anatomy.heads]
            gates[layer][head] += sign * step
            losses.append(
                cross_entropy(with_gates(distilbert, batch, gates), batch.labels, reduction="none")
            )
        slope = (losses[0] - losses[1]) / (2 * step)
        place = sum(distilbert.anatomy.heads[:layer]) + head
        torch.testing.assert_close(found.loss[batch.rows, place], slope, atol=0.05, rtol=0.05)


def test_the_losses_gradient_is_the_jacobian_through_the_softmax(subject):
    found = gate_gradients(subject, Calibration(*sentences(10)), jacobian=True)
    blame = found.logits.softmax(-1)
    blame[torch.arange(10), found.labels] -= 1
    chained = torch.einsum("nc,nch->nh", blame, found.jacobian)
    torch.testing.assert_close(found.loss, chained, atol=1e-4, rtol=1e-3)


def test_the_weights_get_no_gradient(distilbert):
    gate_gradients(distilbert, Calibration(*sentences(4)))
    assert all(parameter.grad is None for parameter in distilbert.model.parameters())
