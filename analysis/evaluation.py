"""How good a model is under a mask: accuracy, loss, and which sentences changed their answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from analysis.answers import TEXTS, Numbering, Predictions, chosen, joined, predictions
from analysis.attention import Ablation, Intervention, Means, check_ablation, gates_of, intervening
from analysis.batches import IGNORED, Batch
from analysis.errors import DataError, MethodError
from analysis.intervals import Change, Interval, paired_change, wilson
from analysis.mask import HeadMask
from analysis.measures import Measured, expected, measured
from analysis.models import Subject
from analysis.progress import Step, finish
from analysis.tasks import ACCURACY, Task


@dataclass(frozen=True)
class Flips:
    """Answers that became right or wrong against the full model, by their numbers.

    The numbers of a text classifier's answers are the places of the sentences in the split.
    """

    fixed: tuple[int, ...]
    """Wrong with all heads, right under the mask."""
    broken: tuple[int, ...]
    """Right with all heads, wrong under the mask."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model under a mask, measured at its task."""

    n: int
    """Answers that were judged: the task's `item`."""
    accuracy: float
    """Share of right answers, 0 to 1."""
    low: float
    """Lower end of the accuracy's 95 % interval: Wilson's for sentences, over whole texts for words and tokens."""
    high: float
    """Upper end of it."""
    loss: float
    """Mean cross-entropy in nats; lower is better."""
    mask: HeadMask
    predictions: Predictions
    seconds: float
    """Time that the predictions took; on a server with that of others who went first meanwhile."""
    baseline: Evaluation | None = None
    """The full model on the same sentences."""
    change: Change | None = None
    """Accuracy against the baseline, in points, with a paired 95 % interval."""
    flips: Flips | None = None

    @property
    def task(self) -> Task:
        """What the model was measured at."""
        return self.predictions.task

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """The task's measures, the first of which tells most, with intervals and changes.

        Of an evaluation that has not come to all sentences of its baseline they are what all of these are expected
        to give (`measures.expected`); `accuracy` and `loss` are of the sentences that were evaluated.
        """
        if self.baseline is None:
            return self._on_these(None)
        there = self.baseline.on(self.predictions)
        found = self._on_these(there)
        if not self.is_partial:
            return found
        before = [measured(each, there) for each in self.task.measures]
        return tuple(map(expected, found, before, self.baseline.measured))

    @property
    def is_partial(self) -> bool:
        """Whether the baseline is of more sentences."""
        return self.baseline is not None and self.baseline.n > self.n

    def on(self, others: Predictions) -> Predictions:
        """The predictions for the sentences that others are about.

        Raises:
            DataError: they are about other sentences.
        """
        mine = self.predictions
        places = torch.searchsorted(mine.rows, others.rows).clamp(max=len(mine.rows) - 1)
        if not (
            torch.equal(mine.rows[places], others.rows)
            and torch.equal(mine.labels[places], others.labels)
        ):
            raise DataError(
                "the baseline was measured on other sentences; evaluate the full model again"
            )
        return chosen(mine, places)

    def _on_these(self, full: Predictions | None) -> tuple[Measured, ...]:
        found = [measured(each, self.predictions, full) for each in self.task.measures]
        if self.task is not TEXTS:
            return tuple(found)
        # Of single answers the exact intervals are known.
        return tuple(
            replace(each, low=self.low, high=self.high, change=self.change)
            if each.measure.name == "accuracy"
            else each
            for each in found
        )

    @property
    def main(self) -> Measured:
        """The task's first measure."""
        return self.measured[0]

    @property
    def heads_on(self) -> int:
        """Heads that were on."""
        return self.mask.heads_on

    @property
    def heads_total(self) -> int:
        """Heads of the model."""
        return self.mask.heads_total


@torch.inference_mode()
def logits(
    subject: Subject,
    batch: Batch,
    mask: HeadMask,
    *,
    ablation: Ablation = "zero",
    means: Means | None = None,
) -> Tensor:
    """The model's outputs `[batch, classes]` with the masked heads off; the model itself does not change.

    Args:
        subject: the model.
        batch: sentences.
        mask: which heads are on.
        ablation: what a head that is off contributes: `zero` or `mean`.
        means: the heads' mean outputs (`Profile.means`), needed for `mean`.

    Raises:
        MaskError: the mask is of another model.
        MethodError: an unknown ablation, or `mean` without means.
    """
    mask.check(subject.anatomy)
    check_ablation(ablation, means)
    intervention = Intervention(
        gates=gates_of(mask, subject.device), means=means if ablation == "mean" else None
    )
    with intervening(intervention):
        return subject.model(**batch.inputs).logits


def evaluate(
    subject: Subject,
    batches: Sequence[Batch],
    mask: HeadMask | None = None,
    *,
    ablation: Ablation = "zero",
    means: Means | None = None,
    baseline: Evaluation | None = None,
) -> Evaluation:
    """Accuracy, loss and flips of a model under a mask.

    Args:
        subject: the model.
        batches: labelled sentences (see `batches.batches`).
        mask: which heads are on; all when not given.
        ablation: what a head that is off contributes.
        means: the heads' mean outputs, for `mean` ablation.
        baseline: the full model's evaluation on the same sentences, or on more, of which `measured` then tells what
            they are expected to give; when not given and the mask is not full
            it is evaluated too.

    Raises:
        DataError: there are no sentences, a label that the model does not have, or a baseline that was
            measured on other sentences.
        MaskError: the mask is of another model.
        MethodError: an unknown ablation, or `mean` without means.
    """
    return finish(
        evaluating(subject, batches, mask, ablation=ablation, means=means, baseline=baseline)
    )


def evaluating(
    subject: Subject,
    batches: Sequence[Batch],
    mask: HeadMask | None = None,
    *,
    ablation: Ablation = "zero",
    means: Means | None = None,
    baseline: Evaluation | None = None,
) -> Iterator[Step[Evaluation]]:
    """`evaluate`, with what is known so far after each batch; the last step is the whole answer."""
    full = HeadMask.full(subject.anatomy)
    mask = mask or full
    passes = 1 if mask.is_full or baseline is not None else 2
    if passes == 2:
        for step in _passing(subject, batches, full, "zero", None):
            baseline = step.result
            yield Step(step.done, passes * step.total, step.unit)
    for step in _passing(subject, batches, mask, ablation, means):
        assert step.result is not None
        done = (passes - 1) * step.total
        result = step.result if mask.is_full else compared(step.result, baseline)
        yield Step(done + step.done, passes * step.total, step.unit, result)


def compared(evaluation: Evaluation, baseline: Evaluation | None) -> Evaluation:
    """The evaluation with its change and flips against a baseline that covers at least its sentences.

    Raises:
        DataError: the baseline was measured on other sentences.
    """
    if baseline is None:
        return evaluation
    mine = evaluation.predictions
    theirs = baseline.on(mine)
    before = theirs.correct
    flips = Flips(
        fixed=tuple(mine.rows[~before & mine.correct].tolist()),
        broken=tuple(mine.rows[before & ~mine.correct].tolist()),
    )
    change = paired_change(len(flips.fixed), len(flips.broken), evaluation.n)
    if mine.task is not TEXTS:
        change = measured(ACCURACY, mine, theirs).change or change
    return replace(evaluation, baseline=baseline, change=change, flips=flips)


def judged(mask: HeadMask, predictions: Predictions, seconds: float) -> Evaluation:
    """Accuracy and loss of predictions that were made under a mask."""
    n = len(predictions)
    correct = int(predictions.correct.sum())
    if predictions.task is TEXTS:
        interval = wilson(correct, n)
    else:
        found = measured(ACCURACY, predictions)
        interval = Interval(found.low, found.high)
    return Evaluation(
        n=n,
        accuracy=correct / n,
        low=interval.low,
        high=interval.high,
        loss=float(predictions.losses.mean()),
        mask=mask,
        predictions=predictions,
        seconds=seconds,
    )


def _passing(
    subject: Subject,
    batches: Sequence[Batch],
    mask: HeadMask,
    ablation: Ablation,
    means: Means | None,
) -> Iterator[Step[Evaluation]]:
    check_judged(subject, batches)
    numbering = Numbering(batches)
    parts: list[Predictions] = []
    seconds = 0.0
    for batch in batches:
        start = time.perf_counter()
        given = logits(subject, batch, mask, ablation=ablation, means=means)
        numbers = numbering.of(batch)
        parts.append(predictions(subject.task, subject.labels, given, batch, numbers))
        seconds += time.perf_counter() - start  # not what the caller does between two steps
        if not len(parts[-1]):
            continue  # texts of one token, after which nothing comes
        evaluation = judged(mask, joined(parts), seconds)
        yield Step(evaluation.n, numbering.n, subject.task.item, evaluation)


def check_judged(subject: Subject, batches: Sequence[Any]) -> None:
    """Refuse what cannot be judged.

    Args:
        subject: the model.
        batches: anything with `labels`, as `batches.batches` makes them.

    Raises:
        DataError: there is nothing to judge, or a label that the model does not have.
        MethodError: a task whose models give no answers to texts.
    """
    task = subject.task
    if not task.is_judged:
        raise MethodError(
            f"{subject.name} ({type(subject.model).__name__}) cannot be judged on texts; give a model that "
            "classifies texts or words, or a causal language model. Its smaller form is still compared with "
            "the masked one"
        )
    if not any(len(batch.labels) for batch in batches):
        raise DataError(f"there are no {task.item} to evaluate on")
    present = torch.cat([batch.labels.flatten() for batch in batches])
    present = present[present != IGNORED]
    if not len(present):
        raise DataError(
            f"there are no {task.item} to judge"
            + (": the words have no tags" if task.name == "token-classification" else "")
        )
    strange = present[(present < 0) | (present >= len(subject.labels))]
    if task.name != "causal-lm" and len(strange):
        raise DataError(
            f"the data has label number {int(strange[0])}, the model's labels are {', '.join(subject.labels)}"
        )
