"""Really remove heads: a smaller model that answers exactly as the masked one does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from analysis.anatomy import dissect, family_of, layers_of, part
from analysis.errors import MaskError
from analysis.mask import HeadMask
from analysis.models import Subject, structural_copy


def prune(subject: Subject, mask: HeadMask) -> Subject:
    """A new subject without the heads that are off; the given one is not changed.

    The rows of the query, key and value projections and the columns of the output projection that belong
    to a removed head are gone. Everything else shares its memory with the original. Logits equal those of
    the masked model (`zero` ablation) to rounding.

    Raises:
        MaskError: the mask is of another model.
    """
    if mask.heads != subject.anatomy.heads:
        raise MaskError(
            f"the mask has {mask.heads} heads a layer, the model {subject.anatomy.heads}"
        )
    model = structural_copy(subject.model)
    family = family_of(model)
    for layer, row in zip(layers_of(model), mask.rows, strict=True):
        if all(row):
            continue
        kept = _kept(row, subject.anatomy.head_size)
        for path in (family.query, family.key, family.value):
            _set(layer, path, _fewer_rows(part(layer, path), kept))
        _set(layer, family.output, _fewer_columns(part(layer, family.output), kept))
        module = part(layer, family.attention)
        for count in family.counts:
            setattr(module, count, sum(row))
        for width in family.widths:
            setattr(module, width, sum(row) * subject.anatomy.head_size)
    return replace(
        subject,
        name=f"{subject.name}, {mask.heads_on} of {mask.heads_total} heads",
        model=model,
        anatomy=dissect(model),
    )


def _kept(row: tuple[bool, ...], head_size: int) -> torch.Tensor:
    """Numbers of the rows (or columns) that belong to the heads that stay."""
    heads = torch.tensor([head for head, on in enumerate(row) if on], dtype=torch.long)
    return (heads[:, None] * head_size + torch.arange(head_size)).flatten()


def _fewer_rows(linear: nn.Linear, kept: torch.Tensor) -> nn.Linear:
    kept = kept.to(linear.weight.device)
    return _linear(linear.weight[kept], linear.bias[kept] if linear.bias is not None else None)


def _fewer_columns(linear: nn.Linear, kept: torch.Tensor) -> nn.Linear:
    return _linear(linear.weight[:, kept.to(linear.weight.device)].contiguous(), linear.bias)


def _linear(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Linear:
    # Made one by one on no memory: torch warns when asked to initialise a layer without inputs.
    smaller = nn.Linear(1, 1, bias=bias is not None, device="meta")
    smaller.out_features, smaller.in_features = weight.shape
    smaller.weight = nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        smaller.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return smaller


def _set(layer: Any, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(part(layer, parent) if parent else layer, name, module)
