"""The fast pass for encoders that classify by their first token: no padding, few shapes, little of it twice.

Sentences lie end to end in packs of one size, so every matrix product has one shape; attention runs on the
sentences of equal length inside a pack. The last layer computes only the first token's query, neither keys nor
values, and everything after it only for that token. A mask costs nothing: the columns of the output projection
that belong to switched-off heads are zeroed, which is the same as a gate. Where many of a layer's heads are off
they are not computed at all, which is the same again but for the order of a sum.
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

CUT = 1 / 4
"""Share of a layer's heads that must be off to be left out: of fewer the smaller products cost more to make than they
save."""


@dataclass(frozen=True, eq=False)
class Heads:
    """The heads of one layer that are computed, and what they read and say."""

    numbers: tuple[int, ...]
    inward: Product
    """Their query, key and value projections, one below the other."""
    outward: Product
    """Their part of the output projection."""


@dataclass(frozen=True, eq=False)
class _Layer:
    """Weights of one layer in the pass's precision."""

    heads: int
    whole: Heads
    """All of them."""
    inward: tuple[Any, ...]
    """The model's own query, key and value projections."""
    query: tuple[Tensor, Tensor]
    """The query projection alone, times `1 / sqrt(head_size)`."""
    key: Tensor
    """Weights of the key projection by head, `[heads, head_size, hidden]`."""
    value: tuple[Tensor, Tensor]
    """Weights of the value projection by head, `[heads, hidden, head_size]`, and its bias."""
    outward: tuple[Tensor, Tensor]
    """The output projection."""
    attention_norm: Any
    expand: Product
    """The first half of the feed-forward part, with its activation."""
    contract: Product
    output_norm: Any


Attending = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""From the number of a span in its pack and its queries, keys and values, each `[count, heads, length, head_size]`,
to the heads' outputs, `[count, length, heads, head_size]`."""


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

    def under(self, mask: HeadMask, means: Means | None) -> UnderMask:
        """What is computed under a mask; `means` are what switched-off heads contribute instead."""
        return UnderMask(self, mask, means)

    def heads(self, layer: int, row: tuple[bool, ...], means: Means | None) -> Heads:
        """What is computed of one layer's heads under its row of a mask.

        The last layer's are computed always: their outputs serve every mask that differs there alone.
        """
        weights = self.layers[layer]
        if all(row):
            return weights.whole
        weight, bias = weights.outward
        # By their numbers: to pick by a tensor of yes and no, a graphics processor is waited for.
        on = [number for number, is_on in enumerate(row) if is_on]
        off = [number for number, is_on in enumerate(row) if not is_on]
        by_head = weight.unflatten(1, (len(row), self.head_size))
        if means is not None:
            shares = [
                by_head[:, number].float() @ means[layer][number].to(weight.device, torch.float32)
                for number in off
            ]
            bias = bias + torch.stack(shares).sum(0).to(self.dtype)
        if layer == self.last or len(off) < CUT * len(row):
            by_head = by_head.clone()
            for number in off:
                by_head[:, number].zero_()
            return Heads(
                weights.whole.numbers, weights.whole.inward, Product(by_head.flatten(1), bias)
            )
        read = [
            (self._of_heads(each.weight, on), self._of_heads(each.bias, on))
            for each in weights.inward
        ]
        inward = (torch.cat(both).to(self.dtype) for both in zip(*read, strict=True))
        return Heads(tuple(on), Product(*inward), Product(self._of_heads(weight, on, 1), bias))

    def _of_heads(self, tensor: Tensor, numbers: Sequence[int], dim: int = 0) -> Tensor:
        """The rows or columns that belong to some heads."""
        starts = [number * self.head_size for number in numbers]
        some = [tensor.narrow(dim, start, self.head_size) for start in starts]
        return torch.cat([tensor.narrow(dim, 0, 0), *some], dim)

    def attend(
        self, heads: Heads, pack: Pack, hidden: Tensor, attending: Attending | None = None
    ) -> Tensor:
        """The computed heads' outputs for every token, `[pack, heads * head_size]`.

        Args:
            heads: of the layer.
            pack: the sentences.
            hidden: hidden states that enter the layer, `[pack, hidden]`.
            attending: computes one span's attention; the fastest way unless given.
        """
        attending = attending or self._attending
        count = len(heads.numbers)
        if not count:
            return hidden.new_zeros(len(hidden), 0)
        inward = heads.inward(hidden)
        context = hidden.new_zeros(len(hidden), count, self.head_size)
        for number, span in enumerate(pack.spans):
            query, key, value = (
                inward[span.start : span.stop]
                .view(span.count, span.length, 3, count, self.head_size)
                .permute(2, 0, 3, 1, 4)
            )
            context[span.start : span.stop].view(
                span.count, span.length, count, self.head_size
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
        if not weights.heads:  # a smaller model's layer may have lost them all
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

    def taken_out(
        self, head: Head, heads: Heads, stream: Tensor, context: Tensor, means: Means | None
    ) -> Tensor:
        """The stream before `close` without what one head says, or with its mean output instead.

        Args:
            head: a head that is on.
            heads: those of its layer that are computed.
            stream: the sum of hidden states and of what all heads that are on say, `[rows, hidden]`.
            context: the computed heads' outputs, `[rows, heads * head_size]`.
            means: mean outputs of all heads.
        """
        layer, number = head
        said = context[:, self._columns(heads.numbers.index(number))]
        if means is not None:
            said = said - means[layer][number].to(said)
        weight, _ = self.layers[layer].outward
        return torch.addmm(stream, said, weight[:, self._columns(number)].t(), alpha=-1)

    def _columns(self, number: int) -> slice:
        return slice(number * self.head_size, (number + 1) * self.head_size)


class UnderMask:
    """The heads of each layer under a mask, made when a pass comes to them; one pass uses it at a time."""

    def __init__(self, model: PackedModel, mask: HeadMask, means: Means | None) -> None:
        self._model, self._mask, self._means = model, mask, means
        self._made: dict[int, Heads] = {}

    def __getitem__(self, layer: int) -> Heads:
        if layer not in self._made:
            self._made[layer] = self._model.heads(layer, self._mask.rows[layer], self._means)
        return self._made[layer]


def has_packed_layers(subject: Subject) -> bool:
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
    own = tuple(part(layer, path) for path in (*place.query, *place.key))
    query, *others = [_linear(each, dtype) for each in own]
    (key, _), (value, value_bias) = others
    heads = len(query[0]) // size
    outward = _linear(part(layer, place.output), dtype)
    inward = Product(*(torch.cat(both) for both in zip(query, *others, strict=True)))
    return _Layer(
        heads=heads,
        whole=Heads(tuple(range(heads)), inward, Product(*outward)),
        inward=own,
        query=tuple(size**-0.5 * each for each in query),
        key=key.unflatten(0, (heads, size)),
        value=(value.unflatten(0, (heads, size)).transpose(1, 2).contiguous(), value_bias),
        outward=outward,
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
