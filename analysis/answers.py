"""A model's answers as numbers, whatever its task: one for each text, each word or each next token.

A text classifier answers once a text, a tagger once a word (at the word's first piece), a language model once a
token (at the token before it). Answers are numbered through the texts of a split in order, so that two models'
answers on the same texts can be compared one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, pad

from analysis.batches import IGNORED
from analysis.tasks import TASKS, Task

TEXTS = TASKS["sequence-classification"]
GROUPS = 64
"""Groups into which the tokens of a vocabulary are put to keep a language model's answers: token `t` is in
group `t mod 64`. The divergence between two models' groups is a lower bound of that between their tokens."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """The model's answers, in the order of the rows."""

    rows: Tensor
    """Numbers of the answers among those of the split, ascending, `[n]`: of a text classifier the places of the
    texts."""
    logits: Tensor
    """float32 `[n, classes]` on the CPU; of a language model the log-probabilities of `GROUPS` groups of
    tokens."""
    labels: Tensor
    """True labels, `[n]`; of a language model the tokens that follow."""
    task: Task = TEXTS
    names: tuple[str, ...] = ()
    """Names of the labels."""
    read: tuple[Tensor, Tensor, Tensor] | None = None
    """The text, the answer and the loss of each answer, each `[n]`, where they do not follow from the above."""

    @cached_property
    def texts(self) -> Tensor:
        """Place of each answer's text in the split, `[n]`."""
        return self.rows if self.read is None else self.read[0]

    @cached_property
    def answers(self) -> Tensor:
        """Number of the label, or token, that was answered, `[n]`."""
        return self.logits.argmax(-1) if self.read is None else self.read[1]

    @cached_property
    def losses(self) -> Tensor:
        """Cross-entropy of each answer in nats, `[n]`."""
        if self.read is not None:
            return self.read[2]
        return cross_entropy(self.logits, self.labels, reduction="none")

    @cached_property
    def correct(self) -> Tensor:
        """Which answers are right, bool `[n]`."""
        return self.answers == self.labels

    def __len__(self) -> int:
        return len(self.rows)


class Numbering:
    """Which numbers the answers of each batch have."""

    def __init__(self, batches: Iterable[Any]) -> None:
        """Count the answers of each text.

        Args:
            batches: all batches of a split, with `rows` and `labels`.
        """
        batches = list(batches)
        texts = 1 + max((int(batch.rows.max()) for batch in batches), default=-1)
        counts = torch.zeros(texts, dtype=torch.long)
        for batch in batches:
            each = batch.labels
            counts[batch.rows] = (each != IGNORED).sum(-1) if each.dim() > 1 else 1
        self.n = int(counts.sum())
        self._starts = counts.cumsum(0) - counts

    def of(self, batch: Any) -> Tensor:
        """Numbers of a batch's answers, text by text, `[answers]`."""
        starts = self._starts[batch.rows]
        if batch.labels.dim() == 1:
            return starts
        judged = batch.labels != IGNORED
        return (starts[:, None] + judged.cumsum(1) - 1)[judged]


def predictions(
    task: Task, names: tuple[str, ...], logits: Tensor, batch: Any, numbers: Tensor
) -> Predictions:
    """Read the answers of one batch.

    Args:
        task: what the model does.
        names: names of its labels.
        logits: its outputs, `[batch, classes]` or `[batch, tokens, classes]`.
        batch: the batch, with `rows` and `labels`.
        numbers: the answers' numbers; see `Numbering`.
    """
    labels = batch.labels
    if labels.dim() == 1:
        return Predictions(numbers, logits.float().cpu(), labels, task, names)
    judged = labels != IGNORED
    texts = batch.rows[:, None].expand_as(labels)[judged]
    logits, labels = logits[judged.to(logits.device)].float(), labels[judged]
    losses = cross_entropy(logits, labels.to(logits.device), reduction="none").cpu()
    read = (texts, logits.argmax(-1).cpu(), losses)
    if task.name == "causal-lm":
        logits = grouped(logits)
    return Predictions(numbers, logits.cpu(), labels, task, names, read)


def grouped(logits: Tensor) -> Tensor:
    """Log-probabilities of `GROUPS` groups of classes, `[n, GROUPS]`, from logits `[n, classes]`."""
    chances = logits.softmax(-1)
    short = -chances.shape[-1] % GROUPS
    return pad(chances, (0, short)).unflatten(-1, (-1, GROUPS)).sum(-2).clamp(min=1e-30).log()


def joined(parts: Iterable[Predictions]) -> Predictions:
    """Predictions of several batches as one, in order."""
    parts = list(parts)
    order = torch.cat([part.rows for part in parts]).argsort()

    def gathered(tensors: Iterable[Tensor]) -> Tensor:
        return torch.cat(list(tensors))[order]

    reads = [part.read for part in parts if part.read is not None]
    return Predictions(
        gathered(part.rows for part in parts),
        gathered(part.logits for part in parts),
        gathered(part.labels for part in parts),
        parts[0].task,
        parts[0].names,
        None if not reads else tuple(gathered(each) for each in zip(*reads, strict=True)),  # type: ignore[arg-type]
    )


def chosen(given: Predictions, places: Tensor) -> Predictions:
    """The predictions at some places among them."""
    read = None if given.read is None else tuple(each[places] for each in given.read)
    return Predictions(
        given.rows[places],
        given.logits[places],
        given.labels[places],
        given.task,
        given.names,
        read,  # type: ignore[arg-type]
    )


def divergences(logits: Tensor, full: Tensor) -> Tensor:
    """Mean over answers of `divergence_of_each`, `[...]`."""
    return divergence_of_each(logits, full).mean(-1)


def divergence_of_each(logits: Tensor, full: Tensor) -> Tensor:
    """`KL(full model's answer || answer)` of every answer in nats, `[..., n]`, of logits `[..., n, classes]`."""
    wanted = full.log_softmax(-1)
    found = logits.log_softmax(-1)
    return kl_div(found, wanted.expand_as(found), reduction="none", log_target=True).sum(-1)
