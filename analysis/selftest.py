"""Proof, at load, that a gate changes the head it names and nothing else before it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from analysis.anatomy import Anatomy, outputs_of
from analysis.attention import Intervention, gates_of, intervening
from analysis.errors import ModelError
from analysis.mask import HeadMask, name

PROBE_LENGTH = 6
"""Tokens of the probe."""


def check_gates(model: Any, anatomy: Anatomy) -> None:
    """Switch off one head of each layer in turn and look at what reaches the output projections.

    Raises:
        ModelError: the model does not attend through Headcount's function, so a mask would do nothing.
    """
    full = _inputs_of_projections(model, HeadMask.full(anatomy))
    if len(full) != anatomy.layers:
        raise ModelError(
            f"the self-test saw {len(full)} of {anatomy.layers} output projections; this model cannot be gated"
        )
    for layer, count in enumerate(anatomy.heads):
        if count == 0:
            continue
        head = layer % count
        masked = _inputs_of_projections(model, HeadMask.off(anatomy, [(layer, head)]))
        expected = full[layer].clone()
        expected.unflatten(-1, (count, -1))[..., head, :] = 0
        untouched = all(torch.equal(masked[below], full[below]) for below in range(layer))
        if not untouched or not torch.equal(masked[layer], expected):
            raise ModelError(
                f"the self-test failed: switching {name((layer, head))} off changed something else; "
                "this version of the model's code cannot be gated"
            )


@torch.inference_mode()
def _inputs_of_projections(model: Any, mask: HeadMask) -> list[Tensor]:
    # These hooks live only until the function returns, before anybody else holds the model.
    seen: list[Tensor] = []
    hooks = [
        projection.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
        for projection in outputs_of(model)
    ]
    device = next(model.parameters()).device
    vocabulary = int(model.config.vocab_size)
    ids = torch.arange(PROBE_LENGTH, device=device)[None] * 7 % vocabulary
    try:
        with intervening(Intervention(gates=gates_of(mask, device))):
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
    finally:
        for hook in hooks:
            hook.remove()
    return seen
