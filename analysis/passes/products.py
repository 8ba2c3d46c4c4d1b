"""Products with fixed weights, by what multiplies fastest on the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.pytorch_utils import Conv1D

from analysis.anatomy import matrix
from analysis.models import structural_copy

ROWS = 1024
"""Rows of the products that the layout is chosen for; any other number works too."""


class Product:
    """`activation(x W' + b)`. Made once, shared, never changed.

    On a CPU oneDNN multiplies: in bfloat16 as PyTorch does itself, in float32 instead of MKL, which takes twice as
    long on an AMD EPYC. The weights are kept in its blocked layout, which PyTorch would
    make anew in every call (a tenth of a product with a thousand rows), and an exact GELU is computed while
    the sums are still in the registers.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: Any = None) -> None:
        self._weight, self._bias, self._activation = weight, bias, activation
        self._fused = "none"
        self._is_laid_out = _keeps_layout(weight)
        if self._is_laid_out:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
            if is_exact_gelu(activation):
                self._fused, self._activation = "gelu", None

    def __call__(self, states: Tensor) -> Tensor:
        """The product with `[rows, inputs]`, `[rows, outputs]`."""
        if self._is_laid_out:
            found = _product(states, self._weight, self._bias, self._fused)
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


def times_transposed(left: Tensor, right: Tensor) -> Tensor:
    """`left right'`, `[rows, columns]`, of `[rows, inner]` and `[columns, inner]`, multiplied as a `Product` is."""
    if _multiplies(left, torch.float32) and right.numel():
        return _product(left, right.contiguous(), None)
    return left @ right.T


def quick_copy(model: nn.Module, dtype: torch.dtype = torch.float32) -> Any:
    """A structural copy in a precision whose linear layers multiply as a `Product` does.

    Only those in float32 on a CPU differ from PyTorch's own. They have a derivative by their states, none by their
    weights.
    """
    copy = structural_copy(model).to(dtype)
    _quicken(copy)
    return copy


@contextmanager
def quickened(model: nn.Module) -> Iterator[None]:
    """Make a model that is handed on multiply like a `quick_copy`; afterwards its layers are PyTorch's own again."""
    _quicken(model)
    try:
        yield
    finally:
        for linear in _linears(model):
            vars(linear).pop("forward", None)


def _quicken(model: nn.Module) -> None:
    for linear in _linears(model):
        linear.forward = _forward_of(linear)


def _linears(model: nn.Module) -> list[Any]:
    """The linear layers that oneDNN can multiply in float32."""
    found = (module for module in model.modules() if type(module) in (nn.Linear, Conv1D))
    return [linear for linear in found if _multiplies(matrix(linear), torch.float32)]


def _forward_of(linear: Any) -> Callable[[Tensor], Tensor]:
    def forward(states: Tensor) -> Tensor:
        if states.requires_grad and torch.is_grad_enabled():
            found: Tensor = _Differentiable.apply(states, matrix(linear), linear.bias)
            return found
        return _product(states, matrix(linear), linear.bias)

    return forward


class _Differentiable(torch.autograd.Function):
    """A product with fixed weights and its derivative by the states, both by oneDNN."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return _product(states, weight, bias)

    @staticmethod
    def backward(ctx: Any, derivative: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        return _product(derivative, weight.T, None), None, None


def _product(states: Tensor, weight: Tensor, bias: Tensor | None, fused: str = "none") -> Tensor:
    # Tensors whose strides oneDNN does not know it multiplies a thousand times slower.
    states = states.contiguous()
    found: Tensor = torch.ops.mkldnn._linear_pointwise(states, weight, bias, fused, [], "none")
    return found


def _keeps_layout(weight: Tensor) -> bool:
    """Whether weights can be kept in oneDNN's own layout."""
    if _multiplies(weight, torch.bfloat16):
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return _multiplies(weight, torch.float32)


def _multiplies(weight: Tensor, dtype: torch.dtype) -> bool:
    """Whether oneDNN multiplies weights of this precision here."""
    is_here = weight.device.type == "cpu" and torch.backends.mkldnn.is_available()
    return is_here and weight.dtype is dtype and weight.numel() > 0
