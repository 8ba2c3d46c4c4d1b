"""How sure a number is: intervals for a share and for the change of a share on the same sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

CONFIDENCE = 0.95
Z = float(norm.ppf(0.5 + CONFIDENCE / 2))
"""Standard errors to either side that hold the true value in 95 of 100 samples."""
OPEN = -math.log(0.5 - CONFIDENCE / 2)
"""Sentences in n, 3.7, that may be otherwise though none of n was: the rule of three of Hanley and Lippman-Hand (1983)
for one end of a two-sided interval."""
RESAMPLES = 10_000
SEED = 20221122


@dataclass(frozen=True)
class Interval:
    """A range that holds the true value in 95 of 100 samples."""

    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """Change of accuracy against the full model on the same sentences, in points (100ths)."""

    points: float
    low: float
    high: float


@dataclass(frozen=True)
class Shift:
    """Mean change of a number over the same sentences, in the number's own unit."""

    mean: float
    low: float
    high: float


def wilson(correct: int, n: int) -> Interval:
    """Wilson's 95 % interval of the share `correct / n`, both 0 to 1.

    Source: Wilson 1927, by statsmodels.
    """
    low, high = proportion_confint(correct, n, alpha=1 - CONFIDENCE, method="wilson")
    return Interval(float(low), float(high))


def paired_change(fixed: int, broken: int, n: int, confidence: float = CONFIDENCE) -> Change:
    """Change of accuracy with its interval from a paired bootstrap over sentences, no shorter than the exact one.

    Args:
        fixed: sentences wrong before and right now.
        broken: sentences right before and wrong now.
        n: all sentences.
        confidence: share of samples whose interval holds the true value, 0 to 1.

    Drawing n sentences with replacement, each of which counts +1, -1 or 0, is drawing the three counts
    from a multinomial; so 10,000 resamples take about a millisecond. The seed is fixed: the same counts give
    the same interval. Where few answers flip, a bootstrap's interval is too short, and claims of a small loss come
    too often. So either end reaches at least as far as the exact limits of the two shares allow (Clopper and Pearson
    1934), put together as the limits of a difference (the square-and-add method of Newcombe 1998).
    """
    shares = np.array([fixed, broken, n - fixed - broken]) / n
    counts = np.random.default_rng(SEED).multinomial(n, shares, size=RESAMPLES)
    tail = (1 - confidence) / 2
    low, high = np.percentile((counts[:, 0] - counts[:, 1]) / n, [100 * tail, 100 - 100 * tail])
    change = (fixed - broken) / n
    below, above = _exact_limits(fixed, broken, n, confidence)
    return Change(
        100 * change,
        100 * max(min(float(low), change - below), -1.0),
        100 * min(max(float(high), change + above), 1.0),
    )


def _exact_limits(fixed: int, broken: int, n: int, confidence: float) -> tuple[float, float]:
    """How far the difference of two shares of n may lie below and above the one that was seen."""
    (least_up, most_up), (least_down, most_down) = (
        proportion_confint(count, n, alpha=1 - confidence, method="beta")
        for count in (fixed, broken)
    )
    up, down = fixed / n, broken / n
    return math.hypot(most_down - down, up - least_up), math.hypot(most_up - up, down - least_down)


def paired_mean(before: Sequence[float], after: Sequence[float]) -> Shift:
    """Mean change of a number over the same sentences with its 95 % interval.

    Student's t interval of the differences, by statsmodels; with a single sentence it is unbounded.
    """
    differences = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    if len(differences) < 2:
        return Shift(float(differences.mean()), -math.inf, math.inf)
    low, high = DescrStatsW(differences).tconfint_mean(alpha=1 - CONFIDENCE)
    return Shift(float(differences.mean()), float(low), float(high))
