"""What paired answers allow one to say: McNemar's test, Holm's correction, non-inferiority, sample size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar as _mcnemar

from analysis.errors import MethodError
from analysis.intervals import CONFIDENCE, Change, paired_change

MARGIN = 1.0
"""Points of accuracy whose loss is called negligible unless another margin is stated."""
POWER = 0.8
"""Chance with which a sample of the needed size decides."""


@dataclass(frozen=True)
class Verdict:
    """Whether a loss of accuracy is negligible."""

    decided: str
    """`negligible`: the whole interval lies above the margin's loss; `not negligible`: below it; `undecided`."""
    change: Change
    margin: float
    """Points that may be lost."""
    n: int
    """Sentences that it rests on."""
    needed: int | None
    """Sentences that would decide with a chance of 80 %, if undecided; None when none would."""

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        told = (
            f"{self.change.points:+.2f} points ({self.change.low:+.2f} to {self.change.high:+.2f})"
        )
        if self.decided == "negligible":
            return f"Non-inferior at {self.margin:g} points: {told} on {self.n:,} sentences."
        if self.decided == "not negligible":
            return f"Inferior: {told} on {self.n:,} sentences, a loss of more than {self.margin:g}."
        more = (
            "no number of sentences would show it, if the loss is what it seems"
            if self.needed is None
            else f"about {self.needed:,} sentences would be needed"
        )
        return f"Undecided at {self.margin:g} points: {told} on {self.n:,} sentences; {more}."


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p of McNemar's test, by statsmodels (McNemar 1947).

    Args:
        fixed: sentences that only the second model gets right.
        broken: sentences that only the first model gets right.
    """
    return float(_mcnemar([[0, fixed], [broken, 0]], exact=True).pvalue)


def holm(pvalues: Sequence[float]) -> list[float]:
    """P-values corrected for their number by Holm 1979; NaN stays NaN and does not count.

    The k-th smallest of m is multiplied by m - k + 1, is at least the corrected one before it, and at most 1.
    """
    # statsmodels' multipletests gives the same, but collects the garbage of the whole process with each call: a
    # quarter of a second and more in which nobody else is answered.
    values = np.asarray(pvalues, dtype=float)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]  # NaN come last
    factors = np.arange(len(order), 0, -1)
    values[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return values.tolist()


def non_inferiority(fixed: int, broken: int, n: int, margin: float = MARGIN) -> Verdict:
    """Whether accuracy fell by less than a margin: the only sense in which a loss is called negligible.

    The lower end of the 95 % paired interval of the change must lie above `-margin` (as in Piaggio et al.
    2012; one-sided at 2.5 %).

    Raises:
        MethodError: a margin that is not above 0, or no sentences.
    """
    if not margin > 0:
        raise MethodError(f"the margin must be above 0 points, not {margin}")
    if n < 1 or fixed + broken > n:
        raise MethodError(f"{fixed} and {broken} changed answers do not fit {n} sentences")
    change = paired_change(fixed, broken, n)
    if change.low > -margin:
        return Verdict("negligible", change, margin, n, None)
    if change.high < -margin:
        return Verdict("not negligible", change, margin, n, None)
    return Verdict("undecided", change, margin, n, needed(fixed, broken, n, margin))


def needed(fixed: int, broken: int, n: int, margin: float = MARGIN) -> int | None:
    """Sentences with which a loss as observed would be shown to be below the margin.

    `((z_0.975 + z_0.8) s / (margin + d))^2`, where d is the observed change, or 0 if it is a gain, and s the
    standard deviation of one sentence's change, in points; with no changed answers at all one change is
    assumed. At least so many that what n sentences without a changed answer leave open (`fewest`) fits into that
    room, and more than the n that did not decide. None where the observed loss itself reaches the margin.
    """
    shares = max(fixed + broken, 1) / n
    observed = min((fixed - broken) / n, 0.0)
    room = margin / 100 + observed
    if room <= 0:
        return None
    spread = math.sqrt(max(shares - observed**2, 0.0))
    quantiles = norm.ppf(0.5 + CONFIDENCE / 2) + norm.ppf(POWER)
    by_spread = math.ceil((quantiles * spread / room) ** 2)
    return max(by_spread, fewest(100 * room), n + 1)


def detectable(changed: int, n: int) -> float:
    """The smallest change of accuracy, in points, that n sentences show four times in five.

    `(z_0.975 + z_0.8) s`, where s is the standard error of a change while a share `changed / n` of the answers
    differ and as many become right as wrong; at least one changed answer is assumed.

    Args:
        changed: answers that became right or wrong.
        n: all sentences, at least 1.
    """
    quantiles = norm.ppf(0.5 + CONFIDENCE / 2) + norm.ppf(POWER)
    return float(100 * quantiles * math.sqrt(max(changed, 1)) / n)


def fewest(margin: float = MARGIN) -> int:
    """Sentences below which no loss can be shown to be below a margin, even if not one answer changes.

    The exact upper limit of a share of which none of n was seen, `1 - 0.025^(1/n)`, lies below the margin from there.
    """
    if margin >= 100:
        return 1
    return math.floor(math.log(0.5 - CONFIDENCE / 2) / math.log1p(-margin / 100)) + 1


def percentile(value: float, others: Sequence[float]) -> float:
    """Share of `others` below the value, 0 to 100, equal ones counting half; NaN without others."""
    drawn = np.asarray(others, dtype=float)
    if not len(drawn):
        return math.nan
    return float(100 * ((drawn < value).mean() + (drawn == value).mean() / 2))
