"""What a model costs by count: parameters, floating point operations, bytes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils.flop_counter import FlopCounterMode

from analysis.anatomy import layers_of
from analysis.attention import Intervention, intervening
from analysis.models import Subject
from analysis.quantised import weights
from analysis.selftest import probe


@dataclass(frozen=True)
class Cost:
    """Cost of a model, and of one batch through it."""

    parameters: int
    """Weights of the whole model."""
    layer_parameters: int
    """Weights of the layers alone, without embeddings and head."""
    flops: int
    """Floating point operations of one batch (a multiply-add counts as two): all matrix products, by
    PyTorch's counter."""
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
    layers = {id(layer): layer for layer in layers_of(subject.model)}.values()
    in_layers = {id(weight): weight for layer in layers for weight in weights(layer)}
    return Cost(
        parameters=subject.parameters,
        layer_parameters=sum(weight.numel() for weight in in_layers.values()),
        flops=_flops(subject, batch, length),
        bytes=sum(weight.numel() * weight.element_size() for weight in weights(subject.model)),
    )


def _flops(subject: Subject, batch: int, length: int) -> int:
    inputs = probe(subject.model, batch, length)
    try:
        # Tensors without values: only shapes are computed, whatever the size of the batch.
        with FakeTensorMode(allow_non_fake_inputs=True) as fake:
            # Nothing is padded, and a mask would be looked into.
            return _counted(
                subject,
                {
                    name: fake.from_tensor(inputs[name])
                    for name in inputs
                    if name != "attention_mask"
                },
            )
    except (DataDependentOutputException, DynamicOutputShapeException):
        return _counted(subject, inputs)  # some classification heads search the tokens


def _product(given: torch.Size, *_: object, out_shape: torch.Size, **__: object) -> int:
    """Operations of a matrix product with packed weights, which PyTorch's counter does not know."""
    return 2 * given.numel() * out_shape[-1]


_PACKED = {
    torch.ops.quantized.linear_dynamic: _product,
    torch.ops.quantized.linear: _product,
}


@torch.inference_mode()
def _counted(subject: Subject, inputs: dict[str, Tensor]) -> int:
    # Attention is watched so that it is computed by matrix products, which the counter knows on every device.
    with (
        FlopCounterMode(display=False, custom_mapping=_PACKED) as counter,
        intervening(Intervention(watch=lambda view: None)),
    ):
        subject.model(**inputs)
    return int(counter.get_total_flops())
