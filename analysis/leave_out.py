"""What one head is worth: accuracy and loss without it, with paired intervals."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.errors import MethodError
from analysis.evaluation import Evaluation
from analysis.intervals import Change, Shift, paired_mean


@dataclass(frozen=True)
class Worth:
    """How a model changes when heads are switched off."""

    n: int
    """Sentences."""
    accuracy: Change
    """In points, below 0 where the model is worse without them."""
    loss: Shift
    """In nats, above 0 where the model is worse without them."""
    fixed: int
    """Answers that became right."""
    broken: int
    """Answers that became wrong."""

    @property
    def sentence(self) -> str:
        """What the loss, the finer of the two numbers, allows to say."""
        if self.loss.low > 0:
            return "The task needs this head: without it the loss rises by more than chance."
        if self.loss.high < 0:
            return "The model does better without this head: the loss falls by more than chance."
        return (
            f"On these {self.n:,} sentences nobody can tell whether this head helps or harms: "
            "the interval of the loss includes 0."
        )


def worth(without: Evaluation) -> Worth:
    """What the heads that are off are worth, from an evaluation that has its baseline.

    Raises:
        MethodError: every head is on.
    """
    before = without.baseline
    if before is None or without.change is None or without.flips is None:
        raise MethodError("every head is on: switch one off to learn what it is worth")
    losses = [each.predictions.losses.tolist() for each in (before, without)]
    return Worth(
        without.n,
        without.change,
        paired_mean(*losses),
        len(without.flips.fixed),
        len(without.flips.broken),
    )
