"""The fast pass for encoders that classify by their first token: no padding, few shapes, little of it twice.

Sentences are sorted by length and laid end to end in packs of one size, so every matrix product has one
shape and no token is padding; attention runs on the sentences of equal length inside a pack. The last layer
computes only the first token's query, neither keys nor values, and everything after it only for that token. A
mask costs nothing: the columns of the output projection that belong to switched-off heads are zeroed, which
is the same as a gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.anatomy import part, sites_of
from analysis.attention import Means
from analysis.batches import Batch, batch_of, encode
from analysis.families import Place
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.passes.products import Product
from analysis.passes.shell import Shell
from analysis.text import Split

PACK = {"cpu": 1024, "cuda": 65_536}
"""Tokens of a pack: on a CPU large enough for its matrix units, small enough for its caches and for a click
not to wait long for a step of other work; on a GPU large enough that the time goes into arithmetic, not into
starting it."""
REFERENCE_PACK = 512
"""Tokens of a pack on a CPU in float32: half as many take as long a sentence, and a click sees a first answer
in half the time on processors that have nothing faster."""
ROUND = 16
"""Packs are a multiple of so many tokens."""


@dataclass(frozen=True)
class Span:
    """Sentences of one length that lie end to end in a pack."""

    start: int
    count: int
    length: int

    @property
    def stop(self) -> int:
        """Place after the last token."""
        return self.start + self.count * self.length


@dataclass(frozen=True, eq=False)
class Pack:
    """Sentences laid end to end."""

    rows: Tensor
    """Places of the sentences in their split, `[n]`."""
    labels: Tensor
    spans: tuple[Span, ...]
    first: Tensor
    """Place of each sentence's first token in the pack, `[n]`."""
    hidden: Tensor
    """Hidden states that enter layer 0, `[pack, hidden]`; rows past the last sentence are 0."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class _Layer:
    """Weights of one layer in the pass's precision."""

    heads: int
    inward: Product
    """Query, key and value projections, one below the other."""
    query: tuple[Tensor, Tensor]
    """The query projection alone, times `1 / sqrt(head_size)`."""
    key: Tensor
    """Weights of the key projection by head, `[heads, head_size, hidden]`."""
    value: tuple[Tensor, Tensor]
    """Weights of the value projection by head, `[heads, hidden, head_size]`, and its bias."""
    outward: tuple[Tensor, Tensor]
    attention_norm: Any
    expand: Product
    """The first half of the feed-forward part, with its activation."""
    contract: Product
    output_norm: Any


Projections = Sequence[tuple[Tensor, Tensor]]
"""Output projection of each layer, weight and bias, under a mask."""


class PackedModel:
    """A subject's layers, ready for packs. Made once, shared, never changed."""

    def __init__(self, subject: Subject, dtype: torch.dtype) -> None:
        self.subject = subject
        self.dtype = dtype
        self.head_size = subject.anatomy.head_size
        self.scale = self.head_size**-0.5
        self.shell = Shell(subject)
        self.layers = [
            _read(site.owner, site.place, self.head_size, dtype) for site in sites_of(subject.model)
        ]

    @property
    def last(self) -> int:
        """Number of the last layer."""
        return len(self.layers) - 1

    def projections(self, mask: HeadMask, means: Means | None) -> Projections:
        """The output projections under a mask; `means` are what switched-off heads contribute instead."""
        return [self.projection(layer, row, means) for layer, row in enumerate(mask.rows)]

    def projection(
        self, layer: int, row: tuple[bool, ...], means: Means | None
    ) -> tuple[Tensor, Tensor]:
        """The output projection of one layer under its row of a mask."""
        weight, bias = self.layers[layer].outward
        if all(row):
            return weight, bias
        off = ~torch.tensor(row, device=weight.device)
        by_head = weight.unflatten(1, (len(row), self.head_size))
        if means is not None:
            share = by_head[:, off].float() * means[layer][off].to(weight.device)
            bias = bias + share.sum((1, 2)).to(self.dtype)
        by_head = by_head.clone()
        by_head[:, off] = 0
        return by_head.flatten(1), bias

    def attend(self, layer: int, pack: Pack, hidden: Tensor) -> Tensor:
        """All heads' outputs for every token, `[pack, heads * head_size]`."""
        weights = self.layers[layer]
        if not weights.heads:  # a smaller model's layer may have lost them all
            return hidden.new_zeros(len(hidden), 0)
        inward = weights.inward(hidden)
        context = hidden.new_zeros(len(hidden), weights.heads, self.head_size)
        for span in pack.spans:
            query, key, value = (
                inward[span.start : span.stop]
                .view(span.count, span.length, 3, weights.heads, self.head_size)
                .permute(2, 0, 3, 1, 4)
            )
            context[span.start : span.stop].view(
                span.count, span.length, weights.heads, self.head_size
            ).copy_(attention(query, key, value, self.scale).transpose(1, 2))
        return context.flatten(1)

    def attend_first(self, layer: int, pack: Pack, hidden: Tensor) -> Tensor:
        """All heads' outputs for the first token of each sentence, `[n, heads * head_size]`.

        With one query `q` a sentence no token's key or value is needed: `q' (K x) = (K' q)' x`, and the mean
        of `V x` under the attention is `V` times the mean of `x`. The keys' bias moves all scores of a
        query alike, which the softmax does not see.
        """
        weights = self.layers[layer]
        if not weights.heads:
            return hidden.new_zeros(len(pack), 0)
        query = F.linear(hidden[pack.first], *weights.query).unflatten(1, (weights.heads, -1))
        sought = torch.einsum("nhd,hdw->nhw", query, weights.key)
        seen = torch.empty_like(sought)
        done = 0
        for span in pack.spans:
            states = hidden[span.start : span.stop].view(span.count, span.length, -1)
            rows = slice(done, done + span.count)
            seen[rows] = (sought[rows] @ states.transpose(1, 2)).softmax(-1) @ states
            done += span.count
        weight, bias = weights.value
        return torch.einsum("nhw,hwd->nhd", seen, weight).flatten(1) + bias

    def close(
        self, layer: int, hidden: Tensor, context: Tensor, projection: tuple[Tensor, Tensor]
    ) -> Tensor:
        """The rest of a layer after its heads: projection, norms and the feed-forward part."""
        weights = self.layers[layer]
        attended = weights.attention_norm(F.linear(context, *projection).add_(hidden))
        return weights.output_norm(weights.contract(weights.expand(attended)).add_(attended))


@torch.inference_mode()
def packs(model: PackedModel, split: Split, *, size: int | None = None) -> list[Pack]:
    """Lay a split end to end, short sentences first, in packs of at most `size` tokens (see `PACK`)."""
    size = size or _usual_size(model)
    encoded = encode(model.subject, split.texts)
    lengths = [len(ids) for ids in encoded["input_ids"]]
    size = _even(lengths, size)
    made: list[Pack] = []
    for rows in _filled(lengths, size):
        runs = [list(run) for _, run in groupby(rows, key=lengths.__getitem__)]
        made.append(
            _pack(
                model,
                [
                    batch_of(model.subject, encoded, split.labels, run, lengths[run[0]])
                    for run in runs
                ],
                size,
            )
        )
    return made


def _usual_size(model: PackedModel) -> int:
    device = model.subject.device.type
    if device != "cuda" and model.dtype is torch.float32:
        return REFERENCE_PACK
    return PACK.get(device, PACK["cpu"])


def _even(lengths: Sequence[int], size: int) -> int:
    """The smallest size of a pack that needs no more packs: all equally full, none mostly padding."""
    count = sum(1 for _ in _filled(lengths, size))
    share = -(-sum(lengths) // count)
    smaller = range(-(-share // ROUND) * ROUND, size, ROUND)
    return next((n for n in smaller if sum(1 for _ in _filled(lengths, n)) <= count), size)


def _filled(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Rows of each pack, by length; a sentence longer than a pack has one to itself."""
    rows: list[int] = []
    used = 0
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and used + lengths[row] > size:
            yield rows
            rows, used = [], 0
        rows.append(row)
        used += lengths[row]
    if rows:
        yield rows


def _pack(model: PackedModel, runs: Sequence[Batch], size: int) -> Pack:
    spans: list[Span] = []
    start = 0
    for batch in runs:
        spans.append(Span(start, *batch.inputs["input_ids"].shape))
        start = spans[-1].stop
    width = model.subject.anatomy.hidden_size
    hidden = torch.zeros(max(size, start), width, dtype=model.dtype, device=model.subject.device)
    for span, batch in zip(spans, runs, strict=True):
        states = model.shell.embed(batch.inputs)
        hidden[span.start : span.stop] = states.flatten(0, 1).to(model.dtype)
    return Pack(
        rows=torch.cat([batch.rows for batch in runs]),
        labels=torch.cat([batch.labels for batch in runs]),
        spans=tuple(spans),
        first=torch.cat([torch.arange(s.start, s.stop, s.length) for s in spans]).to(hidden.device),
        hidden=hidden,
    )


def can_pack(subject: Subject) -> bool:
    """Whether the model's family has layers of the one kind that packs are made for."""
    return all(site.place.expand for site in sites_of(subject.model))


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Scaled dot product attention of sentences without padding, each `[batch, heads, tokens, head_size]`."""
    if query.dtype is torch.bfloat16 and query.device.type == "cpu":
        # PyTorch's kernel works in blocks made for longer texts; on sentences this takes half of its time.
        return (query @ key.transpose(-1, -2)).mul_(scale).softmax(-1) @ value
    return F.scaled_dot_product_attention(query, key, value, scale=scale)


def _read(layer: Any, place: Place, size: int, dtype: torch.dtype) -> _Layer:
    query, *others = [_linear(part(layer, path), dtype) for path in (*place.query, *place.key)]
    (key, _), (value, value_bias) = others
    heads = len(query[0]) // size
    return _Layer(
        heads=heads,
        inward=Product(*(torch.cat(both) for both in zip(query, *others, strict=True))),
        query=tuple(size**-0.5 * each for each in query),
        key=key.unflatten(0, (heads, size)),
        value=(value.unflatten(0, (heads, size)).transpose(1, 2).contiguous(), value_bias),
        outward=_linear(part(layer, place.output), dtype),
        attention_norm=_norm(part(layer, place.stream), dtype),
        expand=Product(*_linear(part(layer, place.expand), dtype), part(layer, place.activation)),
        contract=Product(*_linear(part(layer, place.feed_forward), dtype)),
        output_norm=_norm(part(layer, place.end), dtype),
    )


def _linear(linear: Any, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    return linear.weight.to(dtype), linear.bias.to(dtype)


def _norm(norm: Any, dtype: torch.dtype) -> Any:
    weight, bias = norm.weight.to(dtype), norm.bias.to(dtype)
    return lambda states: F.layer_norm(states, norm.normalized_shape, weight, bias, norm.eps)
