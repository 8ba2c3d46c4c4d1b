"""What becomes of all masks that have one head less than a given one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.answers import Predictions, divergences
from analysis.mask import Head, HeadMask


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What becomes of all masks that have one head less than a given one; means over answers, `[heads]`."""

    mask: HeadMask
    heads: tuple[Head, ...]
    """The head that each of them lacks besides those that are off in `mask`."""
    losses: Tensor
    """Cross-entropy without each head, in nats."""
    accuracies: Tensor
    """Share of right answers without each head."""
    divergences: Tensor
    """Divergence from the full model's answers without each head, in nats."""
    logits: Tensor | None
    """`[heads, n, classes]`, float32, of models that answer once a text; None of others."""
    labels: Tensor
    """True labels, `[n]`."""


class Gathering:
    """Sums over the answers of masks with one head less, as they come."""

    def __init__(self, mask: HeadMask, full: Predictions, *, keep: bool) -> None:
        self.mask, self.full = mask, full
        self.places = {head: place for place, head in enumerate(mask.on_heads)}
        self.sums = torch.zeros(3, len(self.places), dtype=torch.float64)
        self.logits = torch.zeros(len(self.places), *full.logits.shape) if keep else None

    def add(self, head: Head, found: Predictions) -> None:
        """Add the answers of one batch without one head."""
        place, n = self.places[head], len(found)
        if not n:
            return
        self.sums[0, place] += found.losses.sum(dtype=torch.float64)
        self.sums[1, place] += found.correct.sum()
        self.sums[2, place] += n * divergences(found.logits, self.full.logits[found.rows])
        if self.logits is not None:
            self.logits[place, found.rows] = found.logits

    def neighbours(self) -> Neighbours:
        """The means."""
        losses, accuracies, apart = (self.sums / len(self.full)).float()
        heads, labels = tuple(self.places), self.full.labels
        return Neighbours(self.mask, heads, losses, accuracies, apart, self.logits, labels)
