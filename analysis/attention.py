"""The attention function that Headcount registers with transformers.

It runs PyTorch's scaled dot product attention and, where a call asks for it, multiplies each head's
output by a gate before the output projection and shows the attention to a watcher. What a call asks
for travels in a context variable, never on the model: two calls with two masks on one shared model do
not meet, and families that drop unknown keyword arguments are served by the same mechanism.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from analysis.anatomy import attentions_of, family_of
from analysis.errors import MethodError, unknown
from analysis.mask import HeadMask

NAME = "headcount"
"""What the attention function is called in `config._attn_implementation`."""

Ablation = Literal["zero", "mean"]
ABLATIONS: dict[str, str] = {
    "zero": "a head that is off contributes nothing",
    "mean": "a head that is off contributes its mean output on the calibration split",
}

Gates = Sequence[Tensor | None]
"""For each layer a gate a head, `[heads]` or `[batch, heads]`, or None where every head is on."""
Means = Sequence[Tensor]
"""For each layer the mean output of its heads over tokens, `[heads, head_size]`."""


@dataclass(frozen=True)
class View:
    """What a watcher is shown of one layer in one forward pass."""

    layer: int
    weights: Tensor
    """Attention after the softmax, `[batch, heads, query, key]`; forbidden keys have weight 0."""
    allowed: Tensor | None
    """Keys that each query may look at, bool, broadcastable to `weights`; None when all are allowed."""
    output: Tensor
    """Output of each head before gate and output projection, `[batch, query, heads, head_size]`."""
    rows: slice = field(default_factory=lambda: slice(None))
    """Which rows of the batch these are, where a watcher takes them in parts."""


@dataclass(frozen=True)
class Intervention:
    """What one forward pass does besides computing."""

    gates: Gates | None = None
    means: Means | None = None
    watch: Callable[[View], None] | None = None
    in_parts: bool = False
    """Show the watcher a few rows of the batch at a time, few enough to stay in the processor's cache."""


PART = 1 << 20
"""Attention weights that a part holds at most, unless one row has more."""

_intervention: ContextVar[Intervention | None] = ContextVar("headcount_intervention", default=None)


@contextmanager
def intervening(intervention: Intervention) -> Iterator[None]:
    """Apply an intervention to the forward passes that this thread runs inside the block."""
    token = _intervention.set(intervention)
    try:
        yield
    finally:
        _intervention.reset(token)


def gates_of(mask: HeadMask, device: torch.device, dtype: torch.dtype = torch.float32) -> Gates:
    """A 0/1 gate a head for each layer, and None for layers that are whole."""
    return [None if all(row) else _gate(row, device, dtype) for row in mask.rows]


def _gate(row: Sequence[bool], device: torch.device, dtype: torch.dtype) -> Tensor:
    # Made where it is used: a graphics processor is waited for when numbers are copied to it.
    gate = torch.ones(len(row), device=device, dtype=dtype)
    for number, is_on in enumerate(row):
        if not is_on:
            gate[number].zero_()
    return gate


def check_ablation(ablation: str, means: Means | None) -> None:
    """Refuse an unknown ablation, or `mean` without the means.

    Raises:
        MethodError: the ablation does not exist or lacks its means.
    """
    if ablation not in ABLATIONS:
        raise MethodError(unknown("ablation", ablation, ABLATIONS))
    if ablation == "mean" and means is None:
        raise MethodError(
            "the ablation 'mean' needs the heads' mean outputs; profile the calibration split first"
        )


def adopt(model: nn.Module) -> None:
    """Let a model attend through Headcount's function; done once, before the model is shared.

    A family that computes attention by itself gets hooks on its attention modules, which do the same.
    """
    interface = family_of(model).interface
    for index, module in enumerate(attentions_of(model)):
        if not interface and not hasattr(module, "headcount_layer"):
            module.register_forward_pre_hook(_before_deberta, with_kwargs=True)
            module.register_forward_hook(_after_deberta, with_kwargs=True)
        # Several families (DistilBERT among them) do not number their attention modules.
        module.headcount_layer = index
    if interface:
        model.set_attn_implementation(NAME)  # type: ignore[operator]


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention with gates, in the form that transformers calls.

    `query` is `[batch, heads, query, head_size]`, `key` and `value` are `[batch, groups, key, head_size]`;
    the output is `[batch, query, heads, head_size]`.
    """
    intervention = _intervention.get()
    if query.shape[1] == 0:  # every head removed: older torch builds crash on an empty attention
        return query.transpose(1, 2), None
    if intervention is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    layer = module.headcount_layer
    if intervention.watch is None:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    else:
        output = _watched(module, query, key, value, attention_mask, options, intervention)
    return _gated(output, layer, intervention), None


def _watched(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    options: dict[str, Any],
    intervention: Intervention,
) -> Tensor:
    assert intervention.watch is not None
    size = len(query)
    if intervention.in_parts:
        size = max(1, PART // max(1, query[0, :, :, 0].numel() * key.shape[2]))
    outputs = []
    for start in range(0, len(query), size):
        rows = slice(start, start + size)
        few = {**options, "position_bias": _some(options.get("position_bias"), rows)}
        mask = _some(attention_mask, rows)
        view = _explicit(module, query[rows], key[rows], value[rows], mask, few, rows)
        intervention.watch(view)
        outputs.append(view.output)
    return torch.cat(outputs) if len(outputs) > 1 else outputs[0]


def _some(tensor: Tensor | None, rows: slice) -> Tensor | None:
    """Some rows of a batch; what is the same for all of them stays."""
    return tensor if tensor is None or len(tensor) == 1 else tensor[rows]


def _explicit(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    options: dict[str, Any],
    rows: slice,
) -> View:
    groups = getattr(module, "num_key_value_groups", 1)
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    scaling = options.get("scaling")
    query = query * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    scores = query @ key.transpose(-1, -2)
    if options.get("position_bias") is not None:
        scores = scores + options["position_bias"]
    allowed = _allowed(module, attention_mask, scores)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    output = (weights @ value).transpose(1, 2).contiguous()
    return View(module.headcount_layer, weights, allowed, output, rows)


def _allowed(module: Any, attention_mask: Tensor | None, scores: Tensor) -> Tensor | None:
    if attention_mask is not None:
        return attention_mask
    queries, keys = scores.shape[-2:]
    if getattr(module, "is_causal", False) and queries > 1:
        return torch.ones(queries, keys, dtype=torch.bool, device=scores.device).tril(
            keys - queries
        )
    return None


def _before_deberta(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Ask for the weights when somebody watches."""
    intervention = _intervention.get()
    if intervention is None or intervention.watch is None:
        return None
    states, attention_mask, *_ = given
    return (states, attention_mask), {**named, "output_attentions": True}


def _after_deberta(
    module: Any, given: tuple[Any, ...], named: dict[str, Any], result: tuple[Tensor, Tensor | None]
) -> Any:
    """Show it to the watcher and apply the gates."""
    intervention = _intervention.get()
    context, weights = result
    if intervention is None or context.shape[-1] == 0:
        return None
    output = context.unflatten(-1, (-1, module.attention_head_size))
    if intervention.watch is not None and weights is not None:
        allowed = given[1].bool()
        intervention.watch(View(module.headcount_layer, weights, allowed, output))
    return _gated(output, module.headcount_layer, intervention).flatten(-2), weights


def _gated(output: Tensor, layer: int, intervention: Intervention) -> Tensor:
    gate = intervention.gates[layer] if intervention.gates is not None else None
    if gate is None:
        return output
    gate = gate.to(output.dtype)[..., None]  # [heads, 1] or [batch, heads, 1]
    if gate.dim() == 3:
        gate = gate[:, None]  # the same gate for every query: [batch, 1, heads, 1]
    output = output * gate
    if intervention.means is not None:
        output = output + (1 - gate) * intervention.means[layer].to(output.dtype)
    return output


AttentionInterface.register(NAME, attend)
# Without a mask function of the same name transformers makes no mask and padding is attended to.
AttentionMaskInterface.register(NAME, sdpa_mask)
