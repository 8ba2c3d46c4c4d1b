"""Our own method: remove the heads whose absence the others can make good, where the answer would notice.

After removal a repair solves the output projection anew by least squares. What then remains lost of a
layer is the part of the removed heads' outputs that is no linear function of the kept heads' outputs. This
module predicts that loss from second moments alone, in closed form, and removes heads one by one where it
grows least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from analysis.attention import Intervention, View, intervening
from analysis.batches import IGNORED, Batch, batches
from analysis.mask import Head
from analysis.models import Subject
from analysis.passes.products import quick_copy
from analysis.progress import Step, breathe, finish
from analysis.scores.method import Evidence, by_head
from analysis.text import Calibration

RIDGE = 0.1
"""Share of the mean variance that is added to every variance, as the repair's own ridge. Chosen among 0.001, 0.01
and 0.1 on the demo's selection split."""
CLASSES = 4
"""Up to so many classes the Fisher information of an answer is exact, with a backward pass a class (one for two
classes); above, a label is drawn from the model's own answer."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments of one layer over the tokens of a split, float64."""

    outputs: Tensor
    """Covariance of the heads' outputs, `[heads * head_size, heads * head_size]`, tokens weighted by how much
    the answer depends on them."""
    gradients: Tensor
    """Mean of `a a'`, `a` the derivative of the log-likelihood by the heads' outputs, the same shape."""


@dataclass(frozen=True)
class Removal:
    """One step of the elimination."""

    head: Head
    cost: float
    """Predicted rise of the divergence from the full model's answers after repair, in nats."""


def moments(subject: Subject, split: Calibration) -> list[Moments]:
    """The moments of every layer; see `gathering`."""
    return finish(gathering(subject, split))


def gathering(subject: Subject, split: Calibration) -> Iterator[Step[list[Moments]]]:
    """One forward pass over the split and its backward passes (see `CLASSES`); labels are not looked at."""
    sums = [_Sums(count * subject.anatomy.head_size) for count in subject.anatomy.heads]
    model = quick_copy(subject.model)
    done = 0
    for batch in batches(subject, split):
        for layer, output, derivatives in _traced(model, batch):
            real = batch.real.to(output.device)
            sums[layer].add(output[real], derivatives[:, real])
        done += len(batch)
        result = [total.moments(len(split)) for total in sums] if done == len(split) else None
        yield Step(done, len(split), "sentences", result)


def eliminate(
    layers: Sequence[Moments], heads: Sequence[int], ridge: float = RIDGE
) -> list[Removal]:
    """Remove all heads, always the one whose loss after least squares is least.

    Args:
        layers: moments of each layer.
        heads: heads of each layer.
        ridge: see `RIDGE`.

    With `C` the covariance of the heads' outputs, `N` the moment of the gradients, `K` the kept and `R` the
    removed heads of a layer, the least squares repair leaves the error `e = z_R - B z_K`, `B = C_RK C_KK^-1`,
    and to second order the divergence of the answers rises by half of

        E[(a' e)^2]  ~  trace(N_RR S),   S = C_RR - C_RK C_KK^-1 C_KR,

    with the gradients taken as independent of the errors (the Kronecker approximation of Martens and Grosse
    2015; the Schur complement S is what optimal brain surgery leaves, Hassibi and Stork 1993). Removing one
    more head h adds `trace(V' N V (P_hh)^-1)`, with `P = C_KK^-1` and `V` the columns of h in the map from
    the kept heads to all heads. Both are downdated by a product of rank `head_size`; nothing is solved anew.
    """
    states = [_State(moment, count, ridge) for moment, count in zip(layers, heads, strict=True)]
    costs = [state.costs() for state in states]
    removed = []
    for _ in range(sum(heads)):
        breathe()
        layer = min(
            (number for number in range(len(states)) if costs[number]),
            key=lambda n: min(costs[n].values()),
        )
        head = min(costs[layer], key=lambda h: costs[layer][h])
        removed.append(Removal((layer, head), costs[layer][head] / 2))
        states[layer].remove(head)
        costs[layer] = states[layer].costs()
    return removed


def repair_aware(subject: Subject, evidence: Evidence) -> list[float]:
    """The step at which `eliminate` removes each head, from 0 for the first; our own method, see there."""
    removed = eliminate(moments(subject, evidence.texts), subject.anatomy.heads)
    return by_head(subject, {each.head: float(step) for step, each in enumerate(removed)})


class _Sums:
    """Running sums over tokens."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.weight = 0.0
        self.first: Tensor | float = 0.0
        self.second: Tensor | float = 0.0
        self.gradients: Tensor | float = 0.0

    def add(self, outputs: Tensor, derivatives: Tensor) -> None:
        """Add tokens: `outputs` `[tokens, width]`, `derivatives` `[directions, tokens, width]`."""
        outputs, derivatives = outputs.double(), derivatives.double()
        weight = derivatives.square().sum((0, 2))
        self.weight += float(weight.sum())
        self.first = self.first + weight @ outputs
        self.second = self.second + outputs.T @ (weight[:, None] * outputs)
        flat = derivatives.flatten(0, 1)
        self.gradients = self.gradients + flat.T @ flat

    def moments(self, n: int) -> Moments:
        """Weighted covariance, and the gradients' moment as a sum over tokens, a mean over sentences."""
        assert isinstance(self.first, Tensor)
        weight = max(self.weight, torch.finfo(torch.float64).tiny)
        mean = self.first / weight
        return Moments(
            self.second / weight - torch.outer(mean, mean), torch.as_tensor(self.gradients) / n
        )


class _State:
    """One layer during the elimination."""

    def __init__(self, layer: Moments, heads: int, ridge: float) -> None:
        covariance = layer.outputs.clone()
        width = len(covariance)
        scale = covariance.diagonal().mean() if width else 1.0
        covariance.diagonal().add_(ridge * scale + torch.finfo(torch.float64).tiny)
        self.size = width // heads if heads else 0
        self.kept = list(range(heads))
        self.gradients = layer.gradients
        self.precision = torch.linalg.inv(covariance)
        self.map = torch.eye(width, dtype=torch.float64, device=covariance.device)

    def rows(self, head: int) -> slice:
        return slice(head * self.size, (head + 1) * self.size)

    def costs(self) -> dict[int, float]:
        """What removing each kept head adds, by head."""
        found = {}
        for head in self.kept:
            at = self.rows(head)
            columns = self.map[:, at]
            lost = torch.linalg.inv(self.precision[at, at])
            found[head] = float(((columns.T @ self.gradients @ columns) * lost).sum())
        return found

    def remove(self, head: int) -> None:
        """Let the remaining heads stand in for one more."""
        at = self.rows(head)
        lost = torch.linalg.inv(self.precision[at, at])
        across = self.precision[at].clone()
        share = -lost @ across  # coefficients of the removed head on the others
        share[:, at] = 0
        self.map = self.map + self.map[:, at] @ share
        self.map[:, at] = 0
        self.precision = self.precision - across.T @ lost @ across
        self.precision[at] = 0
        self.precision[:, at] = 0
        self.kept.remove(head)


def _traced(model: Any, batch: Batch) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The heads' outputs `[batch, tokens, width]` and their derivatives `[directions, batch, tokens, width]`.

    They come with the number of their layer, once for every depth at which the layer runs.
    """
    seen: list[tuple[int, Tensor]] = []

    def watch(view: View) -> None:
        if not view.output.requires_grad:
            view.output.requires_grad_(True)
        seen.append((view.layer, view.output))

    with torch.enable_grad(), intervening(Intervention(watch=watch)):
        logits: Tensor = model(**batch.inputs).logits.float()
        if logits.dim() == 3:  # of words or tokens those that are judged, one after the other
            logits = logits[(batch.labels != IGNORED).to(logits.device)]
    outputs = [output for _, output in seen]
    found = [
        torch.autograd.grad((direction * logits).sum(), outputs, retain_graph=True)
        for direction in _directions(logits.detach(), _draws(batch))
    ]
    for place, (layer, output) in enumerate(seen):
        derivatives = torch.stack([gradients[place] for gradients in found])
        yield layer, output.detach().flatten(2), derivatives.flatten(3)


def _draws(batch: Batch) -> Tensor:
    """A number between 0 and 1 for every answer of a batch, `[answers]`; a text's are the same in every batch."""
    counts = (batch.labels != IGNORED).reshape(len(batch), -1).sum(1)
    return torch.cat(
        [
            torch.rand(count, generator=torch.Generator().manual_seed(row))
            for row, count in zip(batch.rows.tolist(), counts.tolist(), strict=True)
        ]
    )


def _directions(logits: Tensor, draws: Tensor) -> list[Tensor]:
    """Directions `u` in the space of logits with `sum u u' = diag(p) - p p'`, the Fisher information.

    For two classes there is one, `sqrt(p0 p1) (1, -1)`; for up to `CLASSES` one a class; above that a single
    one drawn with its expectation. A text's answers share one backward pass; where it has several, signs drawn for
    each keep what belongs to two of them out of the expectation.

    Args:
        logits: `[answers, classes]`.
        draws: a number between 0 and 1 for each, `[answers]`.
    """
    p = logits.softmax(-1)
    classes = p.shape[-1]
    draws = draws.to(p.device)[:, None]
    eye = torch.eye(classes, device=p.device)
    if classes > CLASSES:
        drawn = (p.cumsum(-1) < draws).sum(-1).clamp(max=classes - 1)
        return [eye[drawn] - p]
    sign = (draws < 0.5).to(p.dtype) * 2 - 1
    if classes == 2:
        return [sign * p.prod(-1, keepdim=True).sqrt() * torch.tensor([1.0, -1.0], device=p.device)]
    return [sign * p[:, c : c + 1].sqrt() * (eye[c] - p) for c in range(classes)]
