"""The fast pass for encoders that classify by their first token: no padding, few shapes, little of it twice.

Sentences lie end to end in packs of one size, so every matrix product has one shape; attention runs on the
sentences of equal length inside a pack. The last layer computes only the first token's query, neither keys nor
values, and everything after it only for that token. A mask costs nothing: the columns of the output projection
that belong to switched-off heads are zeroed, which is the same as a gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.anatomy import part, sites_of
from analysis.attention import Means
from analysis.families import Place
from analysis.mask import Head, HeadMask
from analysis.models import Subject
from analysis.passes.packs import Pack, packs
from analysis.passes.products import Product
from analysis.passes.shell import Shell
from analysis.text import Split


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
    whole: Product
    """The output projection with all heads."""
    attention_norm: Any
    expand: Product
    """The first half of the feed-forward part, with its activation."""
    contract: Product
    output_norm: Any


Attending = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""From the number of a span in its pack and its queries, keys and values, each `[count, heads, length, head_size]`,
to the heads' outputs, `[count, length, heads, head_size]`."""
Projections = Sequence[Product]
"""Output projection of each layer under a mask."""


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

    @torch.inference_mode()
    def packs(self, split: Split, size: int | None = None) -> Iterator[Pack]:
        """A split end to end; see `packs.packs`."""
        yield from packs(self.subject, self.shell, split, self.dtype, size)

    def projections(self, mask: HeadMask, means: Means | None) -> Projections:
        """The output projections under a mask; `means` are what switched-off heads contribute instead."""
        return [self.projection(layer, row, means) for layer, row in enumerate(mask.rows)]

    def projection(self, layer: int, row: tuple[bool, ...], means: Means | None) -> Product:
        """The output projection of one layer under its row of a mask."""
        if all(row):
            return self.layers[layer].whole
        weight, bias = self.layers[layer].outward
        off = ~torch.tensor(row, device=weight.device)
        by_head = weight.unflatten(1, (len(row), self.head_size))
        if means is not None:
            share = by_head[:, off].float() * means[layer][off].to(weight.device)
            bias = bias + share.sum((1, 2)).to(self.dtype)
        by_head = by_head.clone()
        by_head[:, off] = 0
        return Product(by_head.flatten(1), bias)

    def attend(
        self, layer: int, pack: Pack, hidden: Tensor, attending: Attending | None = None
    ) -> Tensor:
        """All heads' outputs for every token, `[pack, heads * head_size]`.

        Args:
            layer: number of the layer.
            pack: the sentences.
            hidden: hidden states that enter the layer, `[pack, hidden]`.
            attending: computes one span's attention; the fastest way unless given.
        """
        attending = attending or self._attending
        weights = self.layers[layer]
        if not weights.heads:  # a smaller model's layer may have lost them all
            return hidden.new_zeros(len(hidden), 0)
        inward = weights.inward(hidden)
        context = hidden.new_zeros(len(hidden), weights.heads, self.head_size)
        for number, span in enumerate(pack.spans):
            query, key, value = (
                inward[span.start : span.stop]
                .view(span.count, span.length, 3, weights.heads, self.head_size)
                .permute(2, 0, 3, 1, 4)
            )
            context[span.start : span.stop].view(
                span.count, span.length, weights.heads, self.head_size
            ).copy_(attending(number, query, key, value))
        return context.flatten(1)

    def _attending(self, _: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return attention(query, key, value, self.scale).transpose(1, 2)

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
            seen[rows] = _attended(sought[rows] @ states.transpose(1, 2), states)
            done += span.count
        weight, bias = weights.value
        return torch.einsum("nhw,hwd->nhd", seen, weight).flatten(1) + bias

    def close(self, layer: int, stream: Tensor) -> Tensor:
        """The rest of a layer after its heads: norms and the feed-forward part.

        Args:
            layer: number of the layer.
            stream: the hidden states that entered it plus what its heads say, `[rows, hidden]`.
        """
        weights = self.layers[layer]
        attended = weights.attention_norm(stream)
        return weights.output_norm(weights.contract(weights.expand(attended)).add_(attended))

    def taken_out(self, head: Head, stream: Tensor, context: Tensor, means: Means | None) -> Tensor:
        """The stream before `close` without what one head says, or with its mean output instead.

        Args:
            head: a head that is on.
            stream: the sum of hidden states and of what all heads that are on say, `[rows, hidden]`.
            context: all heads' outputs, `[rows, heads * head_size]`.
            means: mean outputs of all heads.
        """
        layer, number = head
        columns = slice(number * self.head_size, (number + 1) * self.head_size)
        said = context[:, columns]
        if means is not None:
            said = said - means[layer][number].to(said)
        weight, _ = self.layers[layer].outward
        return torch.addmm(stream, said, weight[:, columns].t(), alpha=-1)


def can_pack(subject: Subject) -> bool:
    """Whether the model's family has layers of the one kind that packs are made for."""
    return all(site.place.expand for site in sites_of(subject.model))


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Scaled dot product attention of sentences without padding, each `[batch, heads, tokens, head_size]`."""
    if query.dtype is torch.bfloat16 and query.device.type == "cpu":
        # PyTorch's kernel works in blocks made for longer texts, and its softmax in bfloat16 is slow on rows that
        # are not a multiple of 32; on sentences this takes a third of its time.
        query, key, value = (states.contiguous() for states in (query, key, value))
        return _attended((query @ key.transpose(-1, -2)).mul_(scale), value)
    return F.scaled_dot_product_attention(query, key, value, scale=scale)


def _attended(scores: Tensor, values: Tensor) -> Tensor:
    return scores.softmax(-1, dtype=torch.float32).to(values.dtype) @ values


def _read(layer: Any, place: Place, size: int, dtype: torch.dtype) -> _Layer:
    query, *others = [_linear(part(layer, path), dtype) for path in (*place.query, *place.key)]
    (key, _), (value, value_bias) = others
    heads = len(query[0]) // size
    outward = _linear(part(layer, place.output), dtype)
    return _Layer(
        heads=heads,
        inward=Product(*(torch.cat(both) for both in zip(query, *others, strict=True))),
        query=tuple(size**-0.5 * each for each in query),
        key=key.unflatten(0, (heads, size)),
        value=(value.unflatten(0, (heads, size)).transpose(1, 2).contiguous(), value_bias),
        outward=outward,
        whole=Product(*outward),
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
