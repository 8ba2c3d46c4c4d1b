"""Every statistic of every head over a split, in one streamed pass.

Attention is reduced to numbers while a layer runs (`passes.shown`); no map outlives its layer, so memory does not
grow with the data set.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from analysis import statistics as stats
from analysis.anatomy import matrix, outputs_of
from analysis.attention import Means, View
from analysis.errors import DataError, ModelError
from analysis.models import Subject
from analysis.passes.shown import Showing, show
from analysis.progress import Step, finish
from analysis.protocol import unchosen
from analysis.statistics import KIND_STATISTICS, STATISTICS
from analysis.text import Split


@dataclass(frozen=True, eq=False)
class Profile:
    """What the heads of a model did over a split."""

    table: pd.DataFrame
    """One row a head: `layer`, `head`, then each statistic and its standard error over sentences,
    `<statistic>_se` (NaN for a single sentence)."""
    means: Means
    """Mean output of each head over all tokens, `[heads, head_size]` a layer: what `mean` ablation puts
    in a head's place."""
    n: int
    """Sentences."""
    tokens: int
    """Tokens, special ones included and padding not."""
    split: str
    """Name of the split."""
    seconds: float
    """How long it took."""
    precision: str = "float32"
    """The numbers that the model computed in, `float32` or `bfloat16`; statistics are float32 in any case."""


def profile(
    subject: Subject, split: Split, *, tokens: int | None = None, precision: str = "float32"
) -> Profile:
    """Measure every statistic of every head over a split.

    Args:
        subject: the model; all heads are on.
        split: the sentences; labels are not used.
        tokens: size of a batch in tokens, at most.
        precision: numbers that the model computes in (see `precision.PRECISIONS`). Only encoders with the packed
            pass (`passes.packed`) have a choice; all others compute in float32. Means to ablate with should be
            float32.

    Raises:
        DataError: there are no sentences.
        ProtocolError: they are test sentences.
        MethodError: an unknown precision.
        ModelError: every head of the model has been removed.
    """
    return finish(profiling(subject, split, tokens=tokens, precision=precision))


def profiling(
    subject: Subject, split: Split, *, tokens: int | None = None, precision: str = "float32"
) -> Iterator[Step[Profile]]:
    """`profile`, reporting after some sentences each time; the last step carries the profile."""
    unchosen(split.name, "statistics of every head")
    if not len(split):
        raise DataError("there are no sentences to profile the heads on")
    if not subject.anatomy.heads_total:
        raise ModelError(f"{subject.name} has no heads left to profile")
    start = time.perf_counter()
    shown = show(subject, split, tokens=tokens, precision=precision)
    collector = _Collector(subject)
    for part in shown.parts:
        collector.see(part)
        yield Step(collector.n, len(split), "sentences")
    found = collector.profile(split, shown.precision, time.perf_counter() - start)
    yield Step(len(split), len(split), "sentences", found)


class _Collector:
    """Running sums over sentences, float64, `[statistics, heads of all layers]`."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        anatomy = subject.anatomy
        self.grams = [
            stats.gram(matrix(projection), count)
            for projection, count in zip(outputs_of(subject.model), anatomy.heads, strict=True)
        ]
        self.n = 0
        self.tokens = 0
        shape = (len(STATISTICS), anatomy.heads_total)
        self.sums = torch.zeros(shape, dtype=torch.float64, device=subject.device)
        self.squares = torch.zeros_like(self.sums)
        self.outputs = [
            torch.zeros(count, anatomy.head_size, dtype=torch.float64, device=subject.device)
            for count in anatomy.heads
        ]

    def see(self, part: Showing) -> None:
        """Run some sentences and add what they show."""
        anatomy = self.subject.anatomy
        columns = [
            torch.zeros(len(STATISTICS), part.sentences, count, device=self.subject.device)
            for count in anatomy.heads
        ]

        def watch(view: View, real: Tensor, kinds: Tensor) -> None:
            values = sentence_statistics(view, real, kinds, self.grams[view.layer])
            # Layers that run at several depths get the mean over them.
            columns[view.layer][:, view.rows] += values / anatomy.depths
            total = torch.einsum("bqhd,bq->hd", view.output, real.to(view.output.dtype))
            self.outputs[view.layer] += total / anatomy.depths

        part.run(watch)
        with torch.inference_mode():
            values = torch.cat(columns, -1).double()  # [statistics, batch, heads of all layers]
            self.sums += values.sum(1)
            self.squares += values.square().sum(1)
        self.n += part.sentences
        self.tokens += part.tokens

    def profile(self, split: Split, precision: str, seconds: float) -> Profile:
        """The table so far."""
        mean = self.sums / self.n
        spread = (self.squares / self.n - mean.square()).clamp(min=0)
        # One sentence says nothing about the spread of sentences: its error is not 0 but unknown.
        error = (spread / (self.n - 1)).sqrt() if self.n > 1 else torch.full_like(mean, torch.nan)
        table = pd.DataFrame(
            [
                {"layer": layer, "head": head}
                for layer, count in enumerate(self.subject.anatomy.heads)
                for head in range(count)
            ]
        )
        for row, statistic in enumerate(STATISTICS):
            table[statistic] = mean[row].cpu().numpy()
            table[f"{statistic}_se"] = error[row].cpu().numpy()
        means = [(total / self.tokens).float() for total in self.outputs]
        return Profile(table, means, self.n, self.tokens, split.name, seconds, precision)


def sentence_statistics(view: View, real: Tensor, kinds: Tensor, gram: Tensor) -> Tensor:
    """Every statistic of one layer for each sentence, `[statistics, batch, heads]`.

    Args:
        view: the layer's attention.
        real: tokens that are not padding, `[batch, tokens]`.
        kinds: kinds of the tokens, `[batch, tokens, kinds]`.
        gram: `statistics.gram` of the layer's output projection.
    """
    weights = view.weights
    if view.allowed is not None:
        weights = weights * real[:, None, :, None]  # rows of padding look at nothing
    keys = keys_of(view, real)
    on_kinds = stats.on_kinds(weights, kinds)
    by_query = {
        "entropy": stats.entropy(weights, keys),
        "sparsity": stats.sparsity(weights, keys),
        "hoyer": stats.hoyer(view.weights, keys),
        "confidence": stats.confidence(weights),
        "distance": stats.distance(weights),
        "self": stats.on_offset(weights, 0),
        "previous": stats.on_offset(weights, -1),
        "next": stats.on_offset(weights, 1),
        **{name: on_kinds[..., column] for column, name in enumerate(KIND_STATISTICS)},
        "output_norm": stats.output_norm(view.output, gram),
    }
    share = real / real.sum(-1, keepdim=True)  # [batch, query], sums to 1 over real queries
    values = {name: (value * share[:, None]).sum(-1) for name, value in by_query.items()}
    values["similarity"] = stats.similarity(weights)
    return torch.stack([values[name] for name in STATISTICS])


def keys_of(view: View, real: Tensor) -> Tensor:
    """How many keys each query may look at, float, broadcastable to `[batch, heads, query]`."""
    if view.allowed is None:
        return torch.full_like(real, view.weights.shape[-1], dtype=torch.float32)[:, None]
    return view.allowed.expand(len(real), -1, *view.weights.shape[-2:]).sum(-1).clamp(min=1).float()
