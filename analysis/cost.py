"""What a model costs by formula: parameters, floating point operations, bytes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from analysis.anatomy import layers_of
from analysis.models import Subject


@dataclass(frozen=True)
class Cost:
    """Cost of a model, and of one batch through it."""

    parameters: int
    """Weights of the whole model."""
    layer_parameters: int
    """Weights of the layers alone, without embeddings and head."""
    flops: int
    """Floating point operations of one batch (a multiply-add counts as two): all linear maps of the
    layers and of the classifier, and attention's two matrix products."""
    bytes: int
    """Memory of the weights."""


def cost(subject: Subject, *, batch: int, length: int) -> Cost:
    """Cost of a model as it is; give a pruned subject for the cost after removal.

    A masked model costs what the full model costs: its heads are computed and then multiplied by 0.

    Args:
        subject: the model.
        batch: texts of the batch.
        length: tokens of each text.
    """
    layers = layers_of(subject.model)
    in_layers = {id(module) for layer in layers for module in layer.modules()}
    linears = [module for module in subject.model.modules() if isinstance(module, nn.Linear)]
    projected = sum(
        2 * linear.weight.numel() * batch * (length if id(linear) in in_layers else 1)
        for linear in linears
    )
    # Scores q k' and the weighted sum of values: 2 * length^2 * head_size multiply-adds a head.
    attended = 4 * batch * length**2 * subject.anatomy.head_size * subject.anatomy.heads_total
    return Cost(
        parameters=subject.parameters,
        layer_parameters=sum(p.numel() for layer in layers for p in layer.parameters()),
        flops=projected + attended,
        bytes=sum(p.numel() * p.element_size() for p in subject.model.parameters()),
    )
