"""One text of a person's own, answered under several masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from torch import Tensor

from analysis.attention import Ablation, Means
from analysis.batches import Batch, batches, whole_length
from analysis.errors import DataError, MethodError
from analysis.evaluation import logits
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.text import Split


class Variant(NamedTuple):
    """A mask to answer under, and what to call it."""

    name: str
    mask: HeadMask
    ablation: Ablation = "zero"
    smaller: Subject | None = None
    """Answers in the mask's place: the model without these heads, such as a repaired one."""


@dataclass(frozen=True)
class Tryout:
    """What a model answers to one text under several masks."""

    names: tuple[str, ...]
    """Of the masks."""
    labels: tuple[str, ...]
    probabilities: tuple[tuple[float, ...], ...]
    """For each mask the probability of each label, 0 to 1."""
    tokens: int
    """Tokens that the model read, special ones included."""
    is_cut: bool
    """True where the text is longer than the model reads."""

    def table(self) -> pd.DataFrame:
        """One row a mask and label: `mask`, `label`, `probability`."""
        rows = [
            (name, label, probability)
            for name, row in zip(self.names, self.probabilities, strict=True)
            for label, probability in zip(self.labels, row, strict=True)
        ]
        return pd.DataFrame(rows, columns=["mask", "label", "probability"])

    @property
    def answers(self) -> tuple[str, ...]:
        """The likeliest label under each mask."""
        return tuple(self.labels[row.index(max(row))] for row in self.probabilities)


def tryout(
    subject: Subject, text: str, variants: Sequence[Variant], means: Means | None = None
) -> Tryout:
    """Answer one text under each of the masks.

    Args:
        subject: the model.
        text: the text.
        variants: the masks.
        means: the heads' mean outputs, needed where a variant's ablation is `mean`.

    Raises:
        DataError: the text is empty.
        MethodError: the model does not classify texts, or means are needed and not given.
        MaskError: a mask is of another model.
    """
    if not text.strip():
        raise DataError("the text is empty; write a sentence to see what the model answers")
    if subject.task.name != "sequence-classification":
        raise MethodError(
            f"{subject.name} does not classify texts, so that there is no answer to compare"
        )
    text = text.encode("utf-8", "replace").decode()  # no tokenizer can encode half a surrogate pair
    (batch,) = batches(subject, Split((text,), (0,)))
    rows = [_logits(subject, batch, each, means).float().softmax(-1) for each in variants]
    return Tryout(
        names=tuple(each.name for each in variants),
        labels=tuple(subject.labels),
        probabilities=tuple(tuple(row[0].tolist()) for row in rows),
        tokens=int(batch.real.sum()),
        is_cut=whole_length(subject, text) > int(batch.real.sum()),
    )


def _logits(subject: Subject, batch: Batch, variant: Variant, means: Means | None) -> Tensor:
    if variant.smaller is not None:
        return logits(variant.smaller, batch, HeadMask.full(variant.smaller.anatomy))
    return logits(subject, batch, variant.mask, ablation=variant.ablation, means=means)
