"""Self-attention attribution: how much of the answer's probability flows through a head's attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from analysis.attention import Intervention, View, intervening
from analysis.batches import IGNORED, Batch, batches
from analysis.models import Subject
from analysis.passes.products import quick_copy
from analysis.progress import Step, breathe
from analysis.scores.method import Evidence

STEPS = 20
"""Points at which the integral is taken."""
SENTENCES = 200
"""Calibration sentences that are used, as many as in the source."""


def attention_attribution(
    subject: Subject, evidence: Evidence, steps: int = STEPS, sentences: int = SENTENCES
) -> Iterator[Step[list[float]]]:
    """`E_s max_ij Attr_h(s)_ij` (AttAttr, Hao et al. 2021).

    `Attr_h(A) = A_h * integral over a from 0 to 1 of dF(a A) / dA_h`, with A the attention of all heads of one
    layer, F the probability of the true label (of words or tokens its mean over the text), the product element by
    element and the integral a mean over `steps` points. Attention enters a head's output linearly, so `a A` is a gate
    of a on the layer's heads. Where a layer runs at several depths, the attributions at these are added up.
    """
    split = evidence.texts.limited(sentences)
    model = quick_copy(subject.model).requires_grad_(True)  # so that attention has a derivative
    totals = [torch.zeros(count, dtype=torch.float64) for count in subject.anatomy.heads]
    done, work = 0, len(split) * len(totals)
    for batch in batches(subject, split):
        for layer, total in enumerate(totals):
            total += _attributed(model, subject, batch, layer, steps).sum(0).double().cpu()
            done += len(batch)
            result = (torch.cat(totals) / len(split)).tolist() if done == work else None
            yield Step(done, work, "maps", result)


def _attributed(model: object, subject: Subject, batch: Batch, layer: int, steps: int) -> Tensor:
    """The largest attribution in each head's map, `[batch, heads]`."""
    heads = subject.anatomy.heads[layer]
    integral: Tensor | float = 0.0
    attention = torch.zeros(0)
    for step in range(1, steps + 1):
        breathe()
        share = step / steps
        gates = [None] * subject.anatomy.layers
        gates[layer] = torch.full((heads,), share, device=subject.device)  # type: ignore[call-overload]
        attention, derivative = _differentiated(model, batch, layer, gates)
        # The gate multiplies the derivative as well; the source takes it by the scaled attention.
        integral = integral + derivative / share / steps
    attribution = (attention * integral).sum(0)
    real = batch.real.to(attribution.device)
    attribution = attribution.masked_fill(
        ~(real[:, None, :, None] & real[:, None, None]), -torch.inf
    )
    return attribution.flatten(2).amax(-1)


def _differentiated(
    model: object, batch: Batch, layer: int, gates: Sequence[Tensor | None]
) -> tuple[Tensor, Tensor]:
    """A layer's attention and the derivative of the true labels' probabilities by it.

    Both are `[depths, batch, heads, query, key]`.
    """
    seen: list[Tensor] = []

    def watch(view: View) -> None:
        if view.layer == layer:
            seen.append(view.weights)

    with torch.enable_grad(), intervening(Intervention(gates=gates, watch=watch)):
        logits: Tensor = model(**batch.inputs).logits.float()  # type: ignore[operator]
    labels = batch.labels.to(logits.device)
    chances = logits.softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    if labels.dim() > 1:  # a text's mean over its words or tokens
        judged = labels != IGNORED
        chances = chances * judged / judged.sum(1, keepdim=True).clamp(min=1)
    probability = chances.sum()
    derivatives = torch.autograd.grad(probability, seen)
    return torch.stack(seen).detach(), torch.stack(derivatives)
