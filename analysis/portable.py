"""Projections of other sizes than a config states: the part of Headcount that travels with a smaller model.

This file imports nothing of Headcount. An exported model carries a copy of it, so that transformers can
load the model where Headcount is not installed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D


class Silent(nn.Linear):
    """A projection without inputs or without outputs: what remains where every head of a layer is gone.

    It computes nothing, since older builds of torch crash the process on an empty matrix product.
    """

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """The bias for every token, or no numbers at all."""
        if self.out_features == 0:
            return states[..., :0]
        nothing = states.new_zeros((*states.shape[:-1], self.out_features))
        return nothing if self.bias is None else nothing + self.bias


class Bypassed(nn.Module):
    """An attention module without heads: it computes nothing but its output projection's bias."""

    bypassed_output: str = ""
    """Name of the output projection, where it is part of the module."""

    def forward(self, hidden_states: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, None]:
        """What the heads' outputs, of which there are none, are projected to; and no weights."""
        nothing = hidden_states[..., :0]
        output = getattr(self, self.bypassed_output) if self.bypassed_output else None
        return nothing if output is None else output(nothing), None


def bypass(attention: Any, output: str) -> None:
    """Make a module step aside; it keeps its projections, its settings and its hooks."""
    attention.__class__ = Bypassed
    attention.bypassed_output = output


def projection(like: nn.Module, weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    """A projection of the kind of another one, `Linear` or `Conv1D`, around weights `[outputs, inputs]`."""
    outputs, inputs = weight.shape
    if isinstance(like, Conv1D) and weight.numel():
        convolution = Conv1D(1, 1)
        convolution.nf, convolution.nx = outputs, inputs
        convolution.weight = _parameter(weight.T.contiguous())
        convolution.bias = _parameter(bias if bias is not None else weight.new_zeros(outputs))
        return convolution
    # Made one by one on no memory: torch warns when asked to initialise a layer without inputs.
    kind = nn.Linear if weight.numel() else Silent
    linear = kind(1, 1, bias=bias is not None, device="meta")
    linear.out_features, linear.in_features = outputs, inputs
    linear.weight = _parameter(weight)
    if bias is not None:
        linear.bias = _parameter(bias)
    return linear


def resize(model: nn.Module, sizes: dict[str, Any]) -> None:
    """Give a model projections of the listed sizes, for weights that are loaded afterwards.

    Args:
        model: a model as its config describes it.
        sizes: `projections`, path to `[outputs, inputs, 1 if it has a bias]`; `attributes`, path to
            attributes to set on that module; `bypassed`, path of each attention module without
            heads to the name of the output projection in it.
    """
    for path, (outputs, inputs, biased) in sizes["projections"].items():
        parent, _, name = path.rpartition(".")
        old: Any = model.get_submodule(path)
        device, dtype = old.weight.device, old.weight.dtype
        weight = torch.empty((outputs, inputs), device=device, dtype=dtype)
        bias = torch.empty(outputs, device=device, dtype=dtype) if biased else None
        setattr(model.get_submodule(parent), name, projection(old, weight, bias))
    for path, attributes in sizes["attributes"].items():
        for name, value in attributes.items():
            setattr(model.get_submodule(path), name, value)
    for path, output in sizes["bypassed"].items():
        bypass(model.get_submodule(path), output)


def _parameter(tensor: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(tensor.detach(), requires_grad=False)
