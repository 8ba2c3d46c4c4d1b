"""Numbers as people read them: shares, points, and what an evaluation says, without claiming too much."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation
    from analysis.measures import Measured


def percent(share: float) -> str:
    """A share of 0 to 1 as `84.2 %`."""
    return f"{100 * share:.1f} %"


def points(value: float) -> str:
    """A change in points with its sign, `−0.4`."""
    return f"{value:+.1f}".replace("-", "−")


def interval(measured: Measured) -> str:
    """The 95 % interval of a measure; empty of a single text, which says nothing about others."""
    return measured.interval if math.isfinite(measured.high - measured.low) else " "


def amount(measured: Measured, value: float) -> str:
    """A change with its sign: points for shares, `−0.4`; else in the measure's unit."""
    if measured.measure.unit == "share":
        return points(value)
    return (f"{value:+.2f}" if not measured.measure.unit else f"{value:+.3f}").replace("-", "−")


def quality(evaluation: Evaluation) -> str:
    """The full model's main number, in a sentence."""
    if evaluation.task.reads == "labelled texts":
        return f"The full model is right on {percent(evaluation.accuracy)} of {evaluation.n:,} sentences."
    main = evaluation.main
    return (
        f"The full model's {main.title} on {evaluation.n:,} {evaluation.task.item} is {main.told}."
    )


def standing(evaluation: Evaluation) -> str:
    """How good a model is against the full one, in a sentence that does not claim too much."""
    main = evaluation.main
    change = main.change
    if change is None:
        return quality(evaluation)
    is_share = main.measure.unit == "share"
    unit = "points" if is_share else f"of {main.title}"
    if main.is_worse is not None:
        ends = sorted((abs(change.low), abs(change.high)))
        by, low, high = (
            f"{value:.1f}" if is_share else f"{value:.2f}" for value in (abs(change.points), *ends)
        )
        said = f"{'worse' if main.is_worse else 'better'} than with all heads by {by} {unit} ({low} to {high})"
    else:
        by, low, high = (amount(main, value) for value in (change.points, change.low, change.high))
        said = (
            f"not distinguishable from the full model on these {evaluation.n:,} {evaluation.task.item}: "
            f"{by} {unit} ({low} to {high})"
        )
    return f"With {evaluation.heads_on} of {evaluation.heads_total} heads the model is {said}."


def verdict(evaluation: Evaluation) -> str:
    """How good a model is against the full one, and how many answers changed, in two sentences."""
    flips = evaluation.flips
    if flips is None:
        return standing(evaluation)
    return f"{standing(evaluation)} {len(flips.broken)} answers became wrong, {len(flips.fixed)} became right."
