"""What a head does in ordinary and in unusual sentences: one from each tenth of the data by its entropy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis import statistics as stats
from analysis.attention import Intervention, View, intervening
from analysis.batches import batches
from analysis.errors import DataError, MaskError, ModelError
from analysis.maps import maps
from analysis.mask import Head, HeadMask, name
from analysis.models import Subject
from analysis.profiling import keys_of
from analysis.progress import Step, finish
from analysis.text import Split

DECILES = 10


@dataclass(frozen=True, eq=False)
class Entropies:
    """Entropy of every head in every sentence: how far each head's behaviour varies over the data."""

    heads: tuple[Head, ...]
    values: Tensor
    """`[n, heads]`, float32, 0 to 1: the mean over the sentence's queries; rows in the split's order."""

    def of(self, head: Head) -> Tensor:
        """One head's entropies, `[n]`.

        Raises:
            MaskError: the model has no such head.
        """
        if head not in self.heads:
            raise MaskError(f"there is no head {name(head)} in this model")
        return self.values[:, self.heads.index(head)]


@dataclass(frozen=True, eq=False)
class Example:
    """One sentence and a head's map of it."""

    decile: int
    """1: the head is most focused here, 10: most diffuse."""
    row: int
    """Place in the split."""
    text: str
    entropy: float
    tokens: tuple[str, ...]
    weights: Tensor
    """The head's map, `[query, key]`."""


def entropies(subject: Subject, split: Split, *, tokens: int = 4096) -> Entropies:
    """Measure every head's entropy in every sentence; see `measuring`."""
    return finish(measuring(subject, split, tokens=tokens))


def measuring(subject: Subject, split: Split, *, tokens: int = 4096) -> Iterator[Step[Entropies]]:
    """Every head's entropy in every sentence, in one streamed pass that keeps a number a sentence and head.

    Args:
        subject: the model; all heads are on.
        split: the sentences; labels are not used.
        tokens: size of a batch in tokens.

    Raises:
        DataError: there are no sentences.
        ModelError: every head of the model has been removed.
    """
    if not len(split):
        raise DataError("there are no sentences to measure the heads' entropy in")
    heads = HeadMask.full(subject.anatomy).on_heads
    if not heads:
        raise ModelError(f"{subject.name} has no heads left to look at")
    starts = [
        heads.index((layer, 0)) if count else 0 for layer, count in enumerate(subject.anatomy.heads)
    ]
    values = torch.zeros(len(split), len(heads))
    done = 0
    for batch in batches(subject, split, tokens=tokens):

        def watch(view: View, real: Tensor = batch.real, rows: Tensor = batch.rows) -> None:
            few = real[view.rows]
            by_query = stats.entropy(view.weights, keys_of(view, few))
            share = few / few.sum(-1, keepdim=True)
            mean = (by_query * share[:, None]).sum(-1).cpu()
            columns = starts[view.layer] + torch.arange(mean.shape[1])
            # Layers that run at several depths get the mean over them.
            values[rows[view.rows][:, None], columns] += mean / subject.anatomy.depths

        with torch.inference_mode(), intervening(Intervention(watch=watch, in_parts=True)):
            subject.model(**batch.inputs)
        done += len(batch)
        yield Step(done, len(split), "sentences")
    yield Step(done, done, "sentences", Entropies(heads, values))


def deciles(values: Tensor) -> tuple[tuple[int, int], ...]:
    """The middle sentence of each tenth, as pairs of decile (1 to 10) and row.

    Rows are ordered by value, equal ones by row, so that the choice does not depend on chance. With fewer
    than ten sentences some tenths share one; it stands for the first of them.

    Args:
        values: one number a sentence, `[n]`.
    """
    order = values.sort(stable=True).indices.tolist()
    chosen: dict[int, int] = {}
    for decile in range(DECILES):
        place = int((decile + 0.5) * len(order) / DECILES)
        chosen.setdefault(order[place], decile + 1)
    return tuple((decile, row) for row, decile in chosen.items())


def examples(
    subject: Subject, split: Split, found: Entropies, head: Head
) -> Iterator[Step[tuple[Example, ...]]]:
    """A sentence of each decile of a head's entropy with the head's map of it, one step a sentence.

    Args:
        subject: the model; all heads are on.
        split: the sentences that `found` was measured on.
        found: every head's entropies.
        head: the head.

    Raises:
        MaskError: the model has no such head.
    """
    values = found.of(head)
    chosen = deciles(values)
    shown: list[Example] = []
    for decile, row in chosen:
        text = split.texts[row]
        seen = maps(subject, text)
        weights = seen.weights[head[0]][head[1]].float()
        shown.append(Example(decile, row, text, float(values[row]), seen.tokens, weights))
        yield Step(len(shown), len(chosen), "sentences", tuple(shown))
