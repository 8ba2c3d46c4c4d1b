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

Seen = list[tuple[int, Tensor]]
"""What reached the output projections: layer and input, in the order of the calls."""


def check_gates(model: Any, anatomy: Anatomy) -> None:
    """Switch off one head of each layer in turn and look at what reaches the output projections.

    Raises:
        ModelError: the model does not attend through Headcount's function, so a mask would do nothing.
    """
    full = _inputs_of_projections(model, HeadMask.full(anatomy))
    layers = [layer for layer, _ in full]
    if len(set(layers)) != anatomy.layers:
        raise ModelError(
            f"the self-test saw {len(set(layers))} of {anatomy.layers} output projections; "
            "this model cannot be gated"
        )
    for layer, count in enumerate(anatomy.heads):
        if count == 0:
            continue
        head = layer % count
        masked = _inputs_of_projections(model, HeadMask.off(anatomy, [(layer, head)]))
        first = layers.index(layer)  # a layer that runs at several depths is called several times
        expected = full[first][1].clone()
        expected.unflatten(-1, (count, -1))[..., head, :] = 0
        untouched = all(torch.equal(masked[call][1], full[call][1]) for call in range(first))
        if not untouched or not torch.equal(masked[first][1], expected):
            raise ModelError(
                f"the self-test failed: switching {name((layer, head))} off changed something else; "
                "this version of the model's code cannot be gated"
            )


def probe(model: Any, batch: int = 1, length: int = PROBE_LENGTH) -> dict[str, Tensor]:
    """Inputs that the model accepts: fixed tokens without padding, or a fixed image.

    Args:
        model: a transformers model.
        batch: rows, which differ from each other.
        length: tokens of each.
    """
    config, device = model.config, next(model.parameters()).device
    if model.main_input_name == "pixel_values":
        generator = torch.Generator().manual_seed(0)
        size = (batch, config.num_channels, config.image_size, config.image_size)
        return {"pixel_values": torch.randn(size, generator=generator).to(device)}
    vocabulary = int(config.vocab_size)
    ids = torch.arange(batch * length, device=device).reshape(batch, length) * 7 % vocabulary
    if isinstance(end := getattr(config, "eos_token_id", None), int) and config.is_encoder_decoder:
        # Sequence-to-sequence classifiers read their answer at the one end token of each text.
        ids = torch.where(ids == end, (end + 1) % vocabulary, ids)
        ids[:, -1] = end
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    return inputs


@torch.inference_mode()
def _inputs_of_projections(model: Any, mask: HeadMask) -> Seen:
    # These hooks live only until the function returns, before anybody else holds the model.
    seen: Seen = []

    def hook(layer: int) -> Any:
        return lambda _, inputs: seen.append((layer, inputs[0].clone()))

    hooks = [
        projection.register_forward_pre_hook(hook(layer))
        for layer, projection in enumerate(outputs_of(model))
    ]
    inputs = probe(model)
    try:
        with intervening(Intervention(gates=gates_of(mask, inputs[model.main_input_name].device))):
            model(**inputs)
    finally:
        for hook_handle in hooks:
            hook_handle.remove()
    return seen
