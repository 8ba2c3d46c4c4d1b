"""Products with fixed weights, laid out once as the processor likes to read them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ROWS = 1024
"""Rows of the products that the layout is chosen for; any other number works too."""


class Product:
    """`activation(x W' + b)`. Made once, shared, never changed.

    On a CPU oneDNN multiplies: in bfloat16 as PyTorch does itself, in float32 instead of MKL, which takes twice as
    long on processors that are not Intel's. The weights are kept in its blocked layout, which PyTorch would
    make anew in every call (a tenth of a product with a thousand rows), and an exact GELU is computed while
    the sums are still in the registers.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: Any = None) -> None:
        self._weight, self._bias, self._activation = weight, bias, activation
        self._fused = "none"
        self._is_packed = _can_pack(weight)
        if self._is_packed:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
            if is_exact_gelu(activation):
                self._fused, self._activation = "gelu", None

    def __call__(self, states: Tensor) -> Tensor:
        """The product with `[rows, inputs]`, `[rows, outputs]`."""
        if self._is_packed:
            found = torch.ops.mkldnn._linear_pointwise(
                states, self._weight, self._bias, self._fused, [], "none"
            )
        else:
            found = F.linear(states, self._weight, self._bias)
        return found if self._activation is None else self._activation(found)


def is_exact_gelu(activation: Any) -> bool:
    """Whether an activation is GELU with the error function, not its approximation by tanh."""
    exact = isinstance(activation, nn.GELU) and activation.approximate == "none"
    named = (
        type(activation).__name__ == "GELUActivation" and getattr(activation, "act", 0) is F.gelu
    )
    return exact or named


def _can_pack(weight: Tensor) -> bool:
    if weight.device.type != "cpu" or not weight.numel() or not torch.backends.mkldnn.is_available():
        return False
    if weight.dtype is torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype is torch.float32
