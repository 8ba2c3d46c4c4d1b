"""Measuring plans: accuracy on one split, and what really removing their heads saves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analysis.attention import Means
from analysis.cost import cost
from analysis.errors import MaskError, ModelError
from analysis.evaluation import Evaluation, compared
from analysis.latency import Runner, computer, timing
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.plan import Ablation, Repair
from analysis.progress import Step
from analysis.protocol import unfitted, unseen
from analysis.removal import BATCH, LENGTH
from analysis.replay import Replay
from analysis.store import Occasion, Saving
from analysis.surgery import check_removable, prune
from analysis.text import LabelledText

if TYPE_CHECKING:
    from analysis.repair import Repaired

ROUNDS = 12
"""Timed rounds of a latency comparison."""
PARTS = 100
"""Steps in which each piece of a chain is counted."""


@dataclass(frozen=True)
class Treatment:
    """A mask and what is done about the heads that are off."""

    mask: HeadMask
    ablation: Ablation = "zero"
    repair: Repair = "none"

    @property
    def is_repaired(self) -> bool:
        """Whether a smaller, repaired model answers, instead of the full one with heads switched off."""
        return self.repair != "none" and not self.mask.is_full


def appraising(
    replay: Replay,
    data: LabelledText,
    treatment: Treatment,
    means: Means | None = None,
    *,
    mended: Subject | None = None,
) -> Iterator[Step[Evaluation]]:
    """Evaluate a plan against the full model on the replay's sentences.

    Without a repair heads are switched off; with one they are really removed, what is left is repaired on the
    calibration split, and the smaller model answers.

    Args:
        replay: of the full model on the sentences.
        data: for the repair: its calibration and selection splits.
        treatment: what is evaluated.
        means: the heads' mean outputs, for `mean` ablation without repair.
        mended: the smaller, repaired model, where it has been made already.

    Raises:
        MaskError: the mask is of another model, or its heads cannot be removed.
        MethodError: `mean` ablation without means, or a repair without a calibration split.
        ProtocolError: the repair would see sentences of the test split, or be judged on those that it is made of.
    """
    if not treatment.is_repaired:
        yield from replay.evaluating(treatment.mask, ablation=treatment.ablation, means=means)
        return
    unfitted(replay.split.name, "a repair")
    if mended is None:
        for step in mending(replay.subject, data, treatment):
            mended = step.result.subject if step.result else None
            yield Step(step.done, 2 * step.total, step.unit)
    assert mended is not None
    full = replay.evaluate()
    smaller = Replay(mended, replay.split, precision=replay.precision, memory=0)
    for found in smaller.evaluating():
        answer = None
        if found.result is not None:
            answer = compared(replace(found.result, mask=treatment.mask), full)
        yield Step(found.total + found.done, 2 * found.total, found.unit, answer)


def mending(subject: Subject, data: LabelledText, treatment: Treatment) -> Iterator[Step[Repaired]]:
    """Remove a plan's heads and repair what is left, on the data's calibration and selection splits.

    Raises:
        MaskError: the mask is of another model, or its heads cannot be removed.
        MethodError: a repair without a calibration split.
        ProtocolError: test sentences are among those of these splits.
    """
    from analysis.repair import repairing

    unseen(data)
    calibration: Any = data.splits.get("calibration")
    selection: Any = data.splits.get("selection")
    yield from repairing(
        subject, treatment.mask, calibration, treatment.repair, selection=selection
    )


def occasion(subject: Subject, mask: HeadMask) -> Occasion:
    """On what a mask's saving is measured: this computer, one sentence of 128 tokens or the model's most."""
    place, length = computer(subject), min(LENGTH, subject.max_length)
    return Occasion(subject.fingerprint, mask, place, BATCH, length)


def is_removable(subject: Subject, mask: HeadMask) -> bool:
    """Whether the heads that are off can be cut out."""
    try:
        check_removable(subject, mask)
    except (MaskError, ModelError):
        return False
    return True


def saving(subject: Subject, mask: HeadMask) -> Iterator[Step[Saving]]:
    """Remove the heads, count weights and operations, and time the smaller model against the full one.

    Of the full model weights and operations are counted.

    Raises:
        MaskError: the heads cannot be removed.
        ModelError: heads of this family cannot be removed.
    """
    smaller, on = prune(subject, mask), occasion(subject, mask)
    counted = cost(smaller, batch=on.batch, length=on.length)
    if mask.is_full:
        yield Step(1, 1, "rounds", Saving(counted.parameters, counted.flops))
        return
    runners = {"full": Runner(subject), "smaller": Runner(smaller)}
    for step in timing(runners, batch=on.batch, length=on.length, rounds=ROUNDS):
        assert step.result is not None
        low, high = step.result.ratio_intervals["smaller"]
        ratio = step.result.ratios["smaller"]
        known = Saving(counted.parameters, counted.flops, ratio, low, high)
        yield Step(step.done, step.total, step.unit, known)


def one_after_another(
    pieces: Sequence[tuple[Callable[[], Iterator[Step[Any]]], Callable[[Any], None]]],
) -> Iterator[Step[int]]:
    """Do pieces of work in turn and hand each result on as soon as it is whole.

    Args:
        pieces: what makes a piece's steps, and what takes its result. What was taken stays when the rest is
            cancelled.
    """
    total = PARTS * len(pieces)
    yield Step(0, total, "steps", 0)
    for number, (work, take) in enumerate(pieces):
        last: Step[Any] | None = None
        for last in work():
            yield Step(int(PARTS * (number + last.share)), total, "steps", number)
        if last is not None and last.result is not None:
            take(last.result)
        yield Step(PARTS * (number + 1), total, "steps", number + 1)
