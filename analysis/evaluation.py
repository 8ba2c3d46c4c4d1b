"""How good a model is under a mask: accuracy, loss, and which sentences changed their answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from analysis.attention import Ablation, Intervention, Means, check_ablation, gates_of, intervening
from analysis.batches import Batch
from analysis.errors import DataError, ModelError
from analysis.intervals import Change, paired_change, wilson
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.progress import Step, finish


@dataclass(frozen=True, eq=False)
class Predictions:
    """The model's answers, in the order of the rows."""

    rows: Tensor
    """Places in the split, ascending, `[n]`."""
    logits: Tensor
    """float32 `[n, classes]` on the CPU."""
    labels: Tensor
    """True labels, `[n]`."""

    @cached_property
    def correct(self) -> Tensor:
        """Which answers are right, bool `[n]`."""
        return self.logits.argmax(-1) == self.labels

    @cached_property
    def answers(self) -> Tensor:
        """Number of the label that each sentence got, `[n]`."""
        return self.logits.argmax(-1)


@dataclass(frozen=True)
class Flips:
    """Sentences whose answer became right or wrong against the full model, as places in the split."""

    fixed: tuple[int, ...]
    """Wrong with all heads, right under the mask."""
    broken: tuple[int, ...]
    """Right with all heads, wrong under the mask."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model under a mask, measured on labelled sentences."""

    n: int
    """Sentences."""
    accuracy: float
    """Share of right answers, 0 to 1."""
    low: float
    """Lower end of the accuracy's 95 % Wilson interval."""
    high: float
    """Upper end of it."""
    loss: float
    """Mean cross-entropy in nats; lower is better."""
    mask: HeadMask
    predictions: Predictions
    seconds: float
    """Time that the predictions took."""
    baseline: Evaluation | None = None
    """The full model on the same sentences."""
    change: Change | None = None
    """Accuracy against the baseline, in points, with a paired 95 % interval."""
    flips: Flips | None = None

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
        baseline: the full model's evaluation on the same sentences; when not given and the mask is not full
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
    total = sum(len(batch) for batch in batches)
    passes = 1 if mask.is_full or baseline is not None else 2
    if passes == 2:
        for step in _passing(subject, batches, full, "zero", None):
            baseline = step.result
            yield Step(step.done, passes * total, "sentences")
    done = (passes - 1) * total
    for step in _passing(subject, batches, mask, ablation, means):
        assert step.result is not None
        result = step.result if mask.is_full else compared(step.result, baseline)
        yield Step(done + step.done, passes * total, "sentences", result)


def compared(evaluation: Evaluation, baseline: Evaluation | None) -> Evaluation:
    """The evaluation with its change and flips against a baseline that covers at least its sentences.

    Raises:
        DataError: the baseline was measured on other sentences.
    """
    if baseline is None:
        return evaluation
    mine, theirs = evaluation.predictions, baseline.predictions
    places = torch.searchsorted(theirs.rows, mine.rows).clamp(max=len(theirs.rows) - 1)
    if not (
        torch.equal(theirs.rows[places], mine.rows)
        and torch.equal(theirs.labels[places], mine.labels)
    ):
        raise DataError(
            "the baseline was measured on other sentences; evaluate the full model again"
        )
    before = theirs.correct[places]
    flips = Flips(
        fixed=tuple(mine.rows[~before & mine.correct].tolist()),
        broken=tuple(mine.rows[before & ~mine.correct].tolist()),
    )
    change = paired_change(len(flips.fixed), len(flips.broken), evaluation.n)
    return replace(evaluation, baseline=baseline, change=change, flips=flips)


def judged(mask: HeadMask, predictions: Predictions, seconds: float) -> Evaluation:
    """Accuracy and loss of predictions that were made under a mask."""
    n = len(predictions.labels)
    correct = int(predictions.correct.sum())
    interval = wilson(correct, n)
    loss = torch.nn.functional.cross_entropy(predictions.logits, predictions.labels)
    return Evaluation(
        n=n,
        accuracy=correct / n,
        low=interval.low,
        high=interval.high,
        loss=float(loss),
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
    _check(subject, batches)
    total = sum(len(batch) for batch in batches)
    rows: list[Tensor] = []
    outputs: list[Tensor] = []
    labels: list[Tensor] = []
    seconds = 0.0
    for batch in batches:
        start = time.perf_counter()
        outputs.append(logits(subject, batch, mask, ablation=ablation, means=means).float().cpu())
        seconds += time.perf_counter() - start  # not what the caller does between two steps
        rows.append(batch.rows)
        labels.append(batch.labels)
        predictions = _ordered(torch.cat(rows), torch.cat(outputs), torch.cat(labels))
        evaluation = judged(mask, predictions, seconds)
        yield Step(evaluation.n, total, "sentences", evaluation)


def _ordered(rows: Tensor, outputs: Tensor, labels: Tensor) -> Predictions:
    order = rows.argsort()
    return Predictions(rows[order], outputs[order], labels[order])


def _check(subject: Subject, batches: Sequence[Batch]) -> None:
    if not batches:
        raise DataError("there are no sentences to evaluate on")
    if not subject.labels:
        raise ModelError(
            f"{subject.name} ({type(subject.model).__name__}) has no classification head; "
            "give a model that was fine-tuned to classify texts"
        )
    present = torch.cat([batch.labels for batch in batches])
    strange = present[(present < 0) | (present >= len(subject.labels))]
    if len(strange):
        raise DataError(
            f"the data has label number {int(strange[0])}, the model's labels are {', '.join(subject.labels)}"
        )
