"""Which heads do the same: how alike the attention maps of every two heads are, over all layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.attention import Intervention, View, intervening
from analysis.batches import batches
from analysis.errors import DataError, MaskError, ModelError
from analysis.mask import Head, HeadMask, name
from analysis.models import Subject
from analysis.progress import Step, finish
from analysis.text import Split

TOKENS = 512
"""Tokens of a batch: the maps of all layers are held at once."""
LONGEST = 256
"""Tokens of a text whose maps are compared; what comes after is left out, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike every two heads are."""

    heads: tuple[Head, ...]
    cosines: Tensor
    """`[heads, heads]`, float32, 0 to 1, symmetric with ones on the diagonal."""
    n: int
    """Sentences."""

    def nearest(self, head: Head, count: int) -> tuple[tuple[Head, float], ...]:
        """The heads most like this one with their cosines, most alike first; equal ones by layer, then head.

        Raises:
            MaskError: the model has no such head.
        """
        if head not in self.heads:
            raise MaskError(f"there is no head {name(head)} in this model")
        cosines = self.cosines[self.heads.index(head)].tolist()
        others = [pair for pair in zip(self.heads, cosines, strict=True) if pair[0] != head]
        return tuple(sorted(others, key=lambda pair: (-pair[1], pair[0]))[:count])


def likeness(subject: Subject, split: Split) -> Likeness:
    """Compare the maps of every two heads; see `comparing`."""
    return finish(comparing(subject, split))


def comparing(subject: Subject, split: Split) -> Iterator[Step[Likeness]]:
    """How alike the maps of every two heads are: the mean over sentences of the cosine between them.

    `cos(A, B) = sum_ij a_ij b_ij / (|A| |B|)` of two maps of one sentence, each taken as one vector; one of
    the distances by which Bian et al. 2021 ("On Attention Redundancy") compare heads. It is the measure of the
    statistic `similarity`, but over all layers.

    Args:
        subject: the model; all heads are on.
        split: the sentences; labels are not used.

    Raises:
        DataError: there are no sentences.
        ModelError: every head of the model has been removed.
    """
    if not len(split):
        raise DataError("there are no sentences to compare the heads on")
    heads = HeadMask.full(subject.anatomy).on_heads
    if not heads:
        raise ModelError(f"{subject.name} has no heads left to compare")
    total = torch.zeros(len(heads), len(heads), dtype=torch.float64, device=subject.device)
    done = 0
    for batch in batches(subject, split, tokens=TOKENS):
        layers: list[Tensor | float] = [0.0] * subject.anatomy.layers

        def watch(view: View, real: Tensor = batch.real, layers: list = layers) -> None:
            # Rows of padding look at nothing; layers that run at several depths get the mean over them.
            kept = (view.weights * real[:, None, :, None])[:, :, :LONGEST, :LONGEST]
            layers[view.layer] = layers[view.layer] + kept / subject.anatomy.depths

        with torch.inference_mode(), intervening(Intervention(watch=watch)):
            subject.model(**batch.inputs)
        total += _cosines([layer for layer in layers if isinstance(layer, Tensor)])
        done += len(batch)
        yield Step(done, len(split), "sentences")
    yield Step(done, done, "sentences", Likeness(heads, (total / done).float().cpu(), done))


def _cosines(layers: list[Tensor]) -> Tensor:
    """Sum over the batch of the cosines between all heads, `[heads, heads]`, of maps `[batch, heads, query, key]`."""
    maps = torch.cat([layer.flatten(2) for layer in layers], 1)
    maps /= torch.linalg.vector_norm(maps, dim=-1, keepdim=True).clamp(min=1e-12)
    return (maps @ maps.mT).clamp(0, 1).double().sum(0)
