"""The repair `mean`: what removed heads contributed on average becomes a part of the bias."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from analysis.anatomy import matrix, set_part, sites_of
from analysis.batches import Batch
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.passes.products import quick_copy
from analysis.progress import breathe
from analysis.surgery import corrected


def folding(
    subject: Subject, model: Any, mask: HeadMask, inputs: Sequence[Batch]
) -> Iterator[tuple[int, int]]:
    """Add the removed heads' mean contribution to the biases; exact for `mean` ablation.

    Args:
        subject: the full model.
        model: the model without the heads; it is changed.
        mask: which heads stayed.
        inputs: batches that the means are taken over, padding excluded.

    Yields:
        Layers done, and how many there are.
    """
    means = head_means(subject, inputs)
    sites = list(zip(sites_of(subject.model), sites_of(model), mask.rows, means, strict=True))
    for number, (old, new, row, mean) in enumerate(sites):
        off = [head for head, on in enumerate(row) if not on]
        if off:
            columns = old.rows(old.place.output, off).to(mean.device)
            shift = matrix(old.output)[:, columns] @ mean[columns].to(matrix(old.output).dtype)
            set_part(new.owner, new.place.output, corrected(new.output, None, shift))
        yield number + 1, len(sites)


@torch.inference_mode()
def head_means(subject: Subject, inputs: Sequence[Batch]) -> list[Tensor]:
    """Mean over tokens, padding excluded, of what enters each output projection, `[heads * head_size]`."""
    model = quick_copy(subject.model)  # the hooks below live and die with the copy
    sites = sites_of(model)
    sums = [torch.zeros(matrix(site.output).shape[1], dtype=torch.float64) for site in sites]
    counts = [0] * len(sites)
    real: Tensor | None = None

    def hook(number: int) -> Any:
        def add(_: Any, given: tuple[Tensor, ...]) -> None:
            states = given[0].flatten(0, -2)
            kept = states if real is None or len(real) != len(states) else states[real]
            sums[number] += kept.sum(0, dtype=torch.float64).cpu()
            counts[number] += len(kept)

        return add

    for number, site in enumerate(sites):
        site.output.register_forward_pre_hook(hook(number))
    for batch in inputs:
        breathe()
        real = batch.real.flatten()
        model(**batch.inputs)
    return [
        (total / max(count, 1)).to(subject.device)
        for total, count in zip(sums, counts, strict=True)
    ]
