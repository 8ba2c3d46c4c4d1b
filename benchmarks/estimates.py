"""The first estimate after a click against the exact answer: how far off it is, and how sure it said it was."""

from __future__ import annotations

import numpy as np

from analysis.mask import HeadMask
from analysis.replay import Replay
from benchmarks.figures import Figure, spread

SHARES = (0.125, 0.25, 0.5, 0.75)
DRAWS = 20
"""Random masks of each of these shares, besides every single head."""


def estimates(subject, split):
    """Errors and coverage of first estimates, of each single head and of random masks."""
    replay = Replay(subject, split)
    replay.evaluate()  # as when the page is open
    firsts, finals = zip(*(_ends(replay, mask) for mask in masks(subject)), strict=True)
    figures = []
    for place, measure in enumerate(subject.task.measures):
        pairs = [
            (first.measured[place], final.measured[place])
            for first, final in zip(firsts, finals, strict=True)
        ]
        unit, scale = ("points", 100) if measure.unit == "share" else (measure.unit, 1)
        errors = [scale * abs(first.value - final.value) for first, final in pairs]
        held = np.mean([first.low <= final.value <= first.high for first, final in pairs])
        detail = (
            f"{len(pairs)} masks, {firsts[0].n} of {finals[0].n} sentences; the range is of masks"
        )
        figures += [
            spread(f"error of the first estimate, {measure.told}", errors, unit, detail),
            Figure(
                f"first estimates whose interval holds the exact value, {measure.told}",
                *[100 * float(held)] * 3,
                "%",
                detail,
            ),
        ]
    return figures


def masks(subject):
    """Every head alone, and random masks."""
    full = HeadMask.full(subject.anatomy)
    generator = np.random.default_rng(0)
    drawn = [
        [full.on_heads[place] for place in generator.choice(full.heads_total, size, replace=False)]
        for size in (round(share * full.heads_total) for share in SHARES)
        for _ in range(DRAWS)
    ]
    return [
        HeadMask.off(subject.anatomy, heads)
        for heads in [*([head] for head in full.on_heads), *drawn]
    ]


def _ends(replay, mask):
    known = [step.result for step in replay.evaluating(mask, keep=False) if step.result is not None]
    return known[0], known[-1]
