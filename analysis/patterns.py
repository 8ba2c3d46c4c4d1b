"""Each head's mean attention pattern over a split, on a grid that sentences of any length share.

A sentence of `n` tokens is laid along the unit interval, token `i` over `[i/n, (i+1)/n)`, special tokens
included and padding not. The interval is cut into equal bins, and a head's map is resampled to bins by
overlap, so that no attention is lost or made:

* a query bin holds the mean of the rows of the tokens under it, weighted by how much of the bin each covers;
* a key bin receives of each token's attention the part of that token that lies under it.

Rows of a pattern therefore sum to 1, as those of a map do. The first and the last bin hold the tokens at
the two ends, which is where [CLS] and [SEP] stand. Tokens are told apart in sentences no longer than the
bins; in longer ones neighbours share a bin, so how much goes to exactly the previous token is read off the
statistic `previous`, not off a pattern. A pattern is the mean over sentences, each counted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.attention import Intervention, View, intervening
from analysis.batches import batches
from analysis.errors import DataError, ModelError
from analysis.models import Subject
from analysis.progress import Step, finish
from analysis.text import Split

BINS = 24
"""Bins of a side: about the tokens of a sentence of the usual length, and enough for a small picture."""


@dataclass(frozen=True, eq=False)
class Patterns:
    """Where the heads of a model look on average over a split."""

    weights: tuple[Tensor, ...]
    """A layer each: `[heads, query bin, key bin]`, float32; rows sum to 1."""
    n: int
    """Sentences."""
    split: str
    """Name of the split."""


def patterns(subject: Subject, split: Split, *, bins: int = BINS, tokens: int = 4096) -> Patterns:
    """The mean attention pattern of every head over a split.

    Memory does not grow with the number of sentences: each layer's maps are added up and dropped.

    Args:
        subject: the model; all heads are on.
        split: the sentences; labels are not used.
        bins: bins of a pattern's side, 1 or more.
        tokens: size of a batch in tokens.

    Raises:
        DataError: there are no sentences.
        ModelError: every head of the model has been removed.
    """
    return finish(averaging(subject, split, bins=bins, tokens=tokens))


def averaging(
    subject: Subject, split: Split, *, bins: int = BINS, tokens: int = 4096
) -> Iterator[Step[Patterns]]:
    """`patterns`, reporting after each batch; the last step carries them."""
    if not len(split):
        raise DataError("there are no sentences to average the attention patterns over")
    if not subject.anatomy.heads_total:
        raise ModelError(f"{subject.name} has no heads left to draw")
    anatomy = subject.anatomy
    sums = [
        torch.zeros(count, bins, bins, dtype=torch.float64, device=subject.device)
        for count in anatomy.heads
    ]
    done = 0
    for batch in batches(subject, split, tokens=tokens):
        queries, keys = overlap(batch.real, bins)

        def watch(view: View, queries: Tensor = queries, keys: Tensor = keys) -> None:
            found = resampled(view.weights, queries[view.rows], keys[view.rows])
            # Layers that run at several depths get the mean over them.
            sums[view.layer] += found.sum(0, dtype=torch.float64) / anatomy.depths

        with torch.inference_mode(), intervening(Intervention(watch=watch, in_parts=True)):
            subject.model(**batch.inputs)
        done += len(batch)
        yield Step(done, len(split), "sentences")
    means = tuple((total / done).float().cpu() for total in sums)
    yield Step(done, done, "sentences", Patterns(means, done, split.name))


def overlap(real: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """How far each bin and each token of a sentence cover each other.

    Args:
        real: which tokens are not padding, bool `[batch, tokens]`.
        bins: bins of the unit interval.

    Returns:
        The share of each bin that a token covers, and the share of each token that lies in a bin, both
        `[batch, bins, tokens]`: the first sums to 1 over tokens, the second over bins, but for padding,
        which has 0 in both.
    """
    counts = real.sum(-1)[:, None, None]
    starts = (real.cumsum(-1) - 1)[:, None] / counts
    edges = torch.arange(bins, device=real.device)[:, None] / bins
    shared = (
        torch.minimum(starts + 1 / counts, edges + 1 / bins) - torch.maximum(starts, edges)
    ).clamp(min=0) * real[:, None]
    return shared * bins, shared * counts


def resampled(weights: Tensor, queries: Tensor, keys: Tensor) -> Tensor:
    """Maps `[batch, heads, query, key]` on the grid of bins, `[batch, heads, query bin, key bin]`.

    Args:
        weights: attention; rows sum to 1.
        queries: the first of what `overlap` returns.
        keys: the second.
    """
    return queries[:, None].to(weights.dtype) @ weights @ keys[:, None].to(weights.dtype).mT
