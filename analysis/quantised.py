"""Which parts of a model hold quantised weights: they have no derivative, one precision, and cannot be cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

PACKED = (torch.int8, torch.uint8, torch.qint8, torch.quint8)
"""Types of numbers that stand for others."""


def is_quantised(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's that keep their weights packed."""
    return "quantized" in type(module).__module__


def weights(model: nn.Module) -> list[Tensor]:
    """Every weight of a model or of a part of it, once, those too that PyTorch keeps packed."""
    return [*model.parameters(), *_packed(model)]


def bias(projection: Any) -> Tensor | None:
    """What a projection adds, wherever it keeps it."""
    found: Tensor | None = projection.bias() if is_quantised(projection) else projection.bias
    return found


def quantised(model: nn.Module) -> str:
    """Which weights are quantised, as in `lin1 are quantised (Linear)`; empty where all are plain numbers."""
    return next(_quantised(model), "")


def _packed(model: nn.Module) -> Iterator[Tensor]:
    for module in model.modules():
        if is_quantised(module) and callable(getattr(module, "weight", None)):
            yield module.weight()  # type: ignore[operator]
            if (added := bias(module)) is not None:
                yield added


def _quantised(model: Any) -> Iterator[str]:
    for name, module in model.named_modules():
        if is_quantised(module):
            yield f"{name} are quantised ({type(module).__name__})"
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.dtype in PACKED:
            yield f"{name} are quantised ({tensor.dtype})"
