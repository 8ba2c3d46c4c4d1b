"""What a sweep says of really removing the heads of a mask: time, operations and weights against the full model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from analysis.cost import Cost, cost
from analysis.errors import MaskError, ModelError
from analysis.latency import Runner, time_models
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.surgery import prune

BATCH, LENGTH = 1, 128
"""Sentences and tokens of the batch that is timed and counted, unless the model reads less."""
ROUNDS = 5
"""Rounds of a timing inside a sweep; fewer than a single comparison takes, since there are many."""


@dataclass(frozen=True)
class Removal:
    """A model without some heads against the full one; NaN where these heads cannot be removed or were not timed."""

    latency_ratio: float = math.nan
    """How many times faster, median over rounds."""
    latency_low: float = math.nan
    latency_high: float = math.nan
    flops_ratio: float = math.nan
    """Share of the full model's operations that remain, 0 to 1."""
    parameters_ratio: float = math.nan
    """Share of its weights that remain, 0 to 1."""

    @property
    def columns(self) -> dict[str, float]:
        """As columns of a table."""
        return dict(vars(self))


@lru_cache(maxsize=4)
def _cost(subject: Subject, length: int) -> Cost:
    return cost(subject, batch=BATCH, length=length)


def removal_of(subject: Subject, mask: HeadMask, *, timed: bool) -> Removal:
    """Remove the heads and compare costs, and time it if asked to."""
    try:
        smaller = prune(subject, mask)
    except (MaskError, ModelError):
        return Removal()
    length = min(LENGTH, subject.max_length)
    full, pruned = _cost(subject, length), cost(smaller, batch=BATCH, length=length)
    low = high = ratio = math.nan
    if timed:
        runners = {"full": Runner(subject), "removed": Runner(smaller)}
        latency = time_models(runners, batch=BATCH, length=length, rounds=ROUNDS)
        ratio = latency.ratios["removed"]
        low, high = latency.ratio_intervals["removed"]
    return Removal(
        latency_ratio=ratio,
        latency_low=low,
        latency_high=high,
        flops_ratio=pruned.flops / full.flops,
        parameters_ratio=pruned.parameters / full.parameters,
    )
