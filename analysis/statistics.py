"""Numbers read off attention: what each means, and how it is computed from one tensor.

Unless it says otherwise, a function here takes attention `weights` of shape `[batch, heads, query, key]` whose rows sum
to 1 over the allowed keys and are 0 elsewhere, and gives one number a query: `[batch, heads, query]`. `profiling`
averages them over the real queries of a sentence, then over sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SPARSE = 0.1
"""A key counts as ignored when it gets less than this part of its even share 1/n."""


@dataclass(frozen=True)
class Statistic:
    """A number for each head."""

    name: str
    title: str
    unit: str
    low: float
    """Lowest possible value."""
    high: float
    """Highest possible value; infinity when there is none."""
    meaning: str
    """One sentence for a person: what a high and a low value say."""


STATISTICS: dict[str, Statistic] = {
    statistic.name: statistic
    for statistic in (
        Statistic(
            "entropy",
            "Entropy",
            "share of the maximum",
            0,
            1,
            "How evenly a head spreads its attention: 1 looks at every token alike, 0 at a single one.",
        ),
        Statistic(
            "sparsity",
            "Sparsity",
            "share of keys",
            0,
            1,
            "Share of tokens that get less than a tenth of an even share: near 1 the head ignores almost all of them.",
        ),
        Statistic(
            "hoyer",
            "Hoyer sparsity",
            "0 to 1",
            0,
            1,
            "Concentration of attention by its norms: 0 for even attention, 1 for a single token.",
        ),
        Statistic(
            "confidence",
            "Confidence",
            "attention weight",
            0,
            1,
            "The largest weight a query gives to any one token, on average: high means the head makes up its mind.",
        ),
        Statistic(
            "distance",
            "Attention distance",
            "tokens",
            0,
            float("inf"),
            "How far away, on average, the tokens are that a head looks at.",
        ),
        Statistic(
            "self",
            "On itself",
            "share of attention",
            0,
            1,
            "Attention that a token gives to itself.",
        ),
        Statistic(
            "previous",
            "On the previous token",
            "share of attention",
            0,
            1,
            "Attention on the token just before; near 1 is a previous-token head.",
        ),
        Statistic(
            "next",
            "On the next token",
            "share of attention",
            0,
            1,
            "Attention on the token just after; near 1 is a next-token head.",
        ),
        Statistic(
            "cls",
            "On [CLS]",
            "share of attention",
            0,
            1,
            "Attention on the classification token at the start.",
        ),
        Statistic(
            "sep",
            "On [SEP]",
            "share of attention",
            0,
            1,
            "Attention on the separator at the end; heads with nothing to do often park there.",
        ),
        Statistic(
            "punctuation",
            "On punctuation",
            "share of attention",
            0,
            1,
            "Attention on commas, full stops and other signs.",
        ),
        Statistic(
            "output_norm",
            "Output norm",
            "length of a vector",
            0,
            float("inf"),
            "Length of what the head adds to each token, after the output projection: near 0 it says next to nothing.",
        ),
        Statistic(
            "similarity",
            "Similarity to the nearest head",
            "cosine",
            0,
            1,
            "How alike its maps and those of the most similar head of its layer are: near 1 both do the same.",
        ),
    )
}

KIND_STATISTICS = ("cls", "sep", "punctuation")
"""Statistics that come from the kinds of the keys, in the order of `tokens.KINDS`."""


def entropy(weights: Tensor, keys: Tensor) -> Tensor:
    """Shannon entropy over log n: `-sum_j p_j log p_j / log n`, 0 to 1; `keys` is n for each query.

    A query with one key has entropy 0.
    """
    # 0 * log(0) would be NaN; the smallest number's logarithm is finite, and 0 times it is 0.
    tiny = torch.finfo(weights.dtype).tiny
    nats = -(weights * weights.clamp(min=tiny).log_()).sum(-1)
    return nats / keys.clamp(min=2).log()


def sparsity(weights: Tensor, keys: Tensor) -> Tensor:
    """Share of the n allowed keys with a weight below `SPARSE / n`, 0 to 1."""
    threshold = (SPARSE / keys)[..., None]
    # Compared into floats: summing those is several times faster than summing booleans.
    kept = torch.ge(weights, threshold, out=torch.empty_like(weights)).sum(-1)
    return 1 - kept / keys


def hoyer(weights: Tensor, keys: Tensor) -> Tensor:
    """Hoyer's sparsity `(sqrt(n) - |p|_1 / |p|_2) / (sqrt(n) - 1)`, 0 to 1 (Hoyer 2004, section 3.1).

    A query with one key counts as 1.
    """
    root = keys.sqrt()
    ratio = 1 / torch.linalg.vector_norm(weights, dim=-1)
    return torch.where(keys > 1, (root - ratio) / (root - 1).clamp(min=1e-9), 1.0)


def confidence(weights: Tensor) -> Tensor:
    """Largest weight of each query, 1/n to 1 (Voita et al. 2019, section 4)."""
    return weights.amax(-1)


def distance(weights: Tensor) -> Tensor:
    """Mean distance `sum_j p_ij |i - j|` between a query and the keys it looks at, in tokens."""
    return torch.einsum("bhqk,qk->bhq", weights, _offsets(weights).abs().to(weights.dtype))


def on_offset(weights: Tensor, offset: int) -> Tensor:
    """Weight on the key `offset` places after the query (0 itself, -1 the one before), 0 to 1.

    It is 0 where there is no such key.
    """
    shape = (*weights.shape[:-1],)
    diagonal = weights.diagonal(offset, -2, -1)
    found = weights.new_zeros(shape)
    start = max(-offset, 0)
    found[..., start : start + diagonal.shape[-1]] = diagonal
    return found


def on_kinds(weights: Tensor, kinds: Tensor) -> Tensor:
    """Weight on the keys of each kind, `[batch, heads, query, kinds]`; `kinds` is `[batch, key, kinds]`."""
    return weights @ kinds.to(weights.dtype)[:, None]


def gram(projection: Tensor, heads: int) -> Tensor:
    """`W_O,h' W_O,h` of every head, `[heads, head_size, head_size]`, for `output_norm`.

    Args:
        projection: weights of the output projection, `[hidden, heads * head_size]`.
        heads: number of heads.
    """
    columns = projection.unflatten(1, (heads, projection.shape[1] // max(heads, 1)))
    columns = columns.permute(1, 2, 0)
    return columns @ columns.transpose(1, 2)


def output_norm(output: Tensor, gram: Tensor) -> Tensor:
    """Length of each head's contribution `W_O,h o_h` to the residual stream, `[batch, heads, query]`.

    Args:
        output: heads' outputs before the projection, `[batch, query, heads, head_size]`.
        gram: `gram` of the output projection.
    """
    # |W o|^2 = o' (W'W) o: a head_size x head_size matrix a head instead of the whole projection.
    by_head = output.permute(2, 0, 1, 3).flatten(1, 2)
    squared = ((by_head @ gram) * by_head).sum(-1).clamp(min=0)
    return squared.sqrt().unflatten(1, output.shape[:2]).transpose(0, 1)


def similarity(weights: Tensor) -> Tensor:
    """Cosine between each head's map and that of the most similar other head of the layer.

    `[batch, heads]`, one number a sentence, 0 to 1. Rows of padding must be 0 already. A layer with a single
    head has no other and gets 0.
    """
    maps = weights.flatten(2)
    products = maps @ maps.transpose(1, 2)
    lengths = products.diagonal(dim1=1, dim2=2).clamp(min=1e-12).sqrt()
    cosines = products / lengths[:, None] / lengths[..., None]
    cosines.diagonal(dim1=1, dim2=2).zero_()
    return cosines.amax(-1).clamp(0, 1)


def _offsets(weights: Tensor) -> Tensor:
    queries, keys = weights.shape[-2:]
    device = weights.device
    return torch.arange(keys, device=device)[None] - torch.arange(queries, device=device)[:, None]
