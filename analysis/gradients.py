"""Exact derivatives by every head's gate, for each sentence, in one backward pass a class at most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from analysis.attention import Intervention, Means, intervening
from analysis.batches import IGNORED, Batch, batches
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.passes.products import quick_copy
from analysis.progress import Step, finish
from analysis.protocol import unchosen
from analysis.text import Split


@dataclass(frozen=True, eq=False)
class GateGradients:
    """How each sentence's loss and logits answer to each gate, at the full model."""

    losses: Tensor
    """Cross-entropy of each sentence in nats, `[n]`; its mean over the sentence's words or tokens where they are
    judged."""
    loss: Tensor
    """Derivative of each sentence's loss by each gate, `[n, heads]`."""
    logits: Tensor
    """The full model's logits, `[n, classes]`; of models that answer for words or tokens `[n, 0]`."""
    jacobian: Tensor | None
    """Derivative of each logit by each gate, `[n, classes, heads]`; None when not asked for."""
    labels: Tensor
    """True labels, `[n]`; `IGNORED` where words or tokens are judged."""


def gate_gradients(
    subject: Subject,
    split: Split,
    *,
    jacobian: bool = False,
    means: Means | None = None,
    mask: HeadMask | None = None,
) -> GateGradients:
    """Derivatives by all gates; see `differentiating`."""
    return finish(differentiating(subject, split, jacobian=jacobian, means=means, mask=mask))


def differentiating(
    subject: Subject,
    split: Split,
    *,
    jacobian: bool = False,
    means: Means | None = None,
    mask: HeadMask | None = None,
) -> Iterator[Step[GateGradients]]:
    """Derivatives of every sentence's loss by every gate, reporting after each batch.

    The gates get a row for each sentence and the loss is summed, so one backward pass gives the exact
    derivative of every sentence by every head (Michel et al. 2019 take it from one sentence at a time).
    The weights need no gradient and get none.

    Args:
        subject: the model.
        split: labelled sentences.
        jacobian: also differentiate each logit: one more backward pass a class.
        means: what a gate of 0 leaves in a head's place; nothing when not given.
        mask: where the derivatives are taken: heads that are off have gates of 0; all are on when not given.

    Raises:
        ProtocolError: the sentences are the test split's.
    """
    unchosen(split.name, "derivatives by every head")
    model = quick_copy(subject.model)
    parts: list[tuple[Batch, _Found]] = []
    full = HeadMask.full(subject.anatomy)
    done = 0
    for batch in batches(subject, split):
        parts.append((batch, _differentiated(model, batch, jacobian, means, mask or full)))
        done += len(batch)
        yield Step(done, len(split), "sentences", _ordered(parts) if done == len(split) else None)


_Found = tuple[Tensor, Tensor, Tensor, Any]
"""Losses, their derivatives, logits, and the logits' derivatives or None."""


def _differentiated(
    model: Any, batch: Batch, jacobian: bool, means: Means | None, mask: HeadMask
) -> _Found:
    gates = [
        torch.tensor([row] * len(batch), dtype=torch.float32, device=model.device).requires_grad_()
        for row in mask.rows
    ]
    with torch.enable_grad(), intervening(Intervention(gates=gates, means=means)):
        logits: Any = model(**batch.inputs).logits.float()
        losses = _losses(logits, batch.labels.to(logits.device))
    loss = _by_gates(losses.sum(), gates)
    columns = (
        [_by_gates(logits[:, c].sum(), gates) for c in range(logits.shape[1])] if jacobian else []
    )
    if logits.dim() == 3:
        logits = logits[:, 0, :0]  # of every word and token they would fill the memory
    return (
        losses.detach().cpu(),
        loss,
        logits.detach().cpu(),
        torch.stack(columns, 1) if columns else None,
    )


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    if labels.dim() == 1:
        return cross_entropy(logits, labels, reduction="none")
    each = cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=IGNORED)
    return each.sum(1) / (labels != IGNORED).sum(1).clamp(min=1)


def _by_gates(total: Tensor, gates: Sequence[Tensor]) -> Tensor:
    found = torch.autograd.grad(total, gates, retain_graph=True, allow_unused=True)
    return torch.cat(
        [
            torch.zeros_like(gate) if gradient is None else gradient
            for gate, gradient in zip(gates, found, strict=True)
        ],
        1,
    ).cpu()


def _of_text(labels: Tensor) -> Tensor:
    return labels if labels.dim() == 1 else torch.full((len(labels),), IGNORED)


def _ordered(parts: Sequence[tuple[Batch, _Found]]) -> GateGradients:
    order = torch.cat([batch.rows for batch, _ in parts]).argsort()
    losses, loss, logits, jacobian = zip(*(found for _, found in parts), strict=True)
    return GateGradients(
        losses=torch.cat(losses)[order],
        loss=torch.cat(loss)[order],
        logits=torch.cat(logits)[order],
        jacobian=torch.cat(jacobian)[order] if jacobian[0] is not None else None,
        labels=torch.cat([_of_text(batch.labels) for batch, _ in parts])[order],
    )
