"""What is true, computed another way: eager attention, hooks on projections, and loops over numbers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from analysis.anatomy import outputs_of
from analysis.models import fingerprint


def eager(model):
    """A copy of a model that attends by transformers' own eager function, which can show its attention."""
    twin = copy.deepcopy(model)
    twin.set_attn_implementation("eager")
    return twin.eval()


@torch.no_grad()
def attention(twin, input_ids: list[int]) -> list[np.ndarray]:
    """Attention `[heads, query, key]` of each layer on one unpadded sentence, float64."""
    ids = torch.tensor([input_ids])
    outputs = twin(input_ids=ids, attention_mask=torch.ones_like(ids), output_attentions=True)
    return [layer[0].double().numpy() for layer in outputs.attentions]


@contextmanager
def heads_off(model, mask, means=None):
    """Switch heads off by changing what reaches the output projections: nothing of ours takes part."""
    hooks = []
    for layer, (projection, row) in enumerate(zip(outputs_of(model), mask.rows, strict=True)):

        def replace(_, inputs, layer=layer, row=row):
            heads = inputs[0].unflatten(-1, (len(row), -1)).clone()
            for head, on in enumerate(row):
                if not on:
                    heads[..., head, :] = 0 if means is None else means[layer][head]
            return (heads.flatten(-2),)

        hooks.append(projection.register_forward_pre_hook(replace))
    try:
        yield model
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def projection_inputs(model, call) -> list[Tensor]:
    """What reaches each output projection during a call."""
    seen: list[Tensor] = []
    hooks = [
        projection.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
        for projection in outputs_of(model)
    ]
    try:
        call()
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def state(model) -> dict[str, object]:
    """All that a caller could notice about a model of theirs."""
    return {
        "weights": fingerprint(model),
        "addresses": [parameter.data_ptr() for parameter in model.parameters()],
        "identities": [id(parameter) for parameter in model.parameters()],
        "buffers": [(name, id(buffer)) for name, buffer in model.named_buffers()],
        "gradients": [parameter.requires_grad for parameter in model.parameters()],
        "training": [module.training for module in model.modules()],
        "modules": [(name, id(module)) for name, module in model.named_modules()],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "hooks": [
            len(module._forward_pre_hooks) + len(module._forward_hooks)
            for module in model.modules()
        ],
        "config": model.config.to_json_string(),
        "attention": model.config._attn_implementation,
    }


def naive_statistics(
    weights: np.ndarray, outputs: np.ndarray, projection: np.ndarray, kinds: Mapping[str, set[int]]
) -> dict[str, np.ndarray]:
    """Every statistic of one layer on one sentence, a number a head, straight from the definitions.

    Args:
        weights: attention `[heads, query, key]`.
        outputs: heads' outputs before the projection, `[query, heads, head_size]`.
        projection: weights of the output projection, `[hidden, heads * head_size]`.
        kinds: which keys are cls, sep and punctuation.
    """
    heads, n, _ = weights.shape
    size = outputs.shape[-1]
    table = {name: np.zeros(heads) for name in NAMES}
    for head in range(heads):
        for query in range(n):
            row = weights[head, query]
            add = {
                "entropy": -sum(p * np.log(p) for p in row if p > 0) / np.log(n),
                "sparsity": sum(p < 0.1 / n for p in row) / n,
                "hoyer": (n**0.5 - sum(row) / sum(row**2) ** 0.5) / (n**0.5 - 1),
                "confidence": max(row),
                "distance": sum(p * abs(query - key) for key, p in enumerate(row)),
                "self": row[query],
                "previous": row[query - 1] if query else 0,
                "next": row[query + 1] if query + 1 < n else 0,
                "output_norm": np.linalg.norm(
                    projection[:, head * size : (head + 1) * size] @ outputs[query, head]
                ),
                **{kind: sum(row[key] for key in keys) for kind, keys in kinds.items()},
            }
            for name, value in add.items():
                table[name][head] += value / n
        others = [other for other in range(heads) if other != head]
        table["similarity"][head] = max(
            np.sum(weights[head] * weights[other])
            / (np.linalg.norm(weights[head]) * np.linalg.norm(weights[other]))
            for other in others
        )
    return table


NAMES = (
    "entropy sparsity hoyer confidence distance self previous next cls sep punctuation "
    "output_norm similarity"
).split()
