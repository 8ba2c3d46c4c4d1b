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
OPEN = 3
"""Sentences in n that may be otherwise though none of n was: the rule of three (Hanley and Lippman-Hand 1983)."""
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


def paired_change(fixed: int, broken: int, n: int) -> Change:
    """Change of accuracy with its 95 % interval from a paired bootstrap over sentences.

    Args:
        fixed: sentences wrong before and right now.
        broken: sentences right before and wrong now.
        n: all sentences.

    Drawing n sentences with replacement, each of which counts +1, -1 or 0, is drawing the three counts
    from a multinomial; so 10,000 resamples take about a millisecond. The seed is fixed: the same counts give
    the same interval. With next to no flips, or with flips alone, the resamples cannot differ; so the
    interval reaches at least as far as n sentences leave open: the rule of three, 3 / n to either side.
    """
    shares = np.array([fixed, broken, n - fixed - broken]) / n
    counts = np.random.default_rng(SEED).multinomial(n, shares, size=RESAMPLES)
    points = 100 * (counts[:, 0] - counts[:, 1]) / n
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(points, [tail, 100 - tail]).tolist()
    change, open_to = 100 * (fixed - broken) / n, 100 * OPEN / n
    return Change(
        change, max(min(low, change - open_to), -100.0), min(max(high, change + open_to), 100.0)
    )


def paired_mean(before: Sequence[float], after: Sequence[float]) -> Shift:
    """Mean change of a number over the same sentences with its 95 % interval.

    Student's t interval of the differences, by statsmodels; with a single sentence it is unbounded.
    """
    differences = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    if len(differences) < 2:
        return Shift(float(differences.mean()), -math.inf, math.inf)
    low, high = DescrStatsW(differences).tconfint_mean(alpha=1 - CONFIDENCE)
    return Shift(float(differences.mean()), float(low), float(high))
