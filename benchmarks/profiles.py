"""The statistics pass against the plain forward pass, and against collecting every map."""

from __future__ import annotations

import subprocess
import sys

import torch

from analysis.batches import batches
from analysis.passes.shown import numbers
from analysis.profiling import profile
from analysis.statistics import STATISTICS
from analysis.tokens import kinds_of
from benchmarks.figures import Figure, ratio, spread, timed
from benchmarks.rivals import Naive


def profiles(subject, split, repeats):
    """Ratios of time; the share is profile over plain, so lower is better."""
    collecting = Naive(subject, split, attention="eager")
    kinds = kinds_of(subject.tokenizer, torch.arange(len(subject.tokenizer))).float().numpy()
    size = f"{len(split)} sentences"
    quick = numbers(subject, "auto")
    exact, fast = (profile(subject, split.limited(64), precision=p) for p in ("float32", quick))
    shares, rivals, own, fasts = [], [], [], []
    for _ in range(repeats):
        share, seconds, exact = share_of(subject, split)
        shares.append(share)
        own.append(seconds)
        if quick != "float32":
            seconds, fast = timed(lambda: profile(subject, split, precision=quick))
            fasts.append(seconds)
        rivals.append(timed(lambda: collecting.statistics(kinds))[0])
    detail = f"13 statistics against 12 in NumPy; {size}"
    figures = [
        spread(
            "profile over a plain pass",
            shares,
            "x",
            f"the model's own pass on batches of like length, float32; {size}; 1 is free",
            "<= 1.15",
        ),
        ratio("profile against output_attentions", rivals, own, f"{detail}, float32", ">= 3"),
        _memory(),
    ]
    if fasts:
        name = f"profile in {quick} against output_attentions"
        figures += [ratio(name, rivals, fasts, detail, ">= 3"), *_gaps(exact.table, fast.table)]
    return figures


@torch.inference_mode()
def share_of(subject, split):
    """The profile's time over that of the model's own pass before and after it; its seconds; the profile."""
    ready = batches(subject, split)

    def plain():
        for batch in ready:
            subject.model(**batch.inputs)

    plain()
    before = timed(plain)[0]
    seconds, found = timed(lambda: profile(subject, split))
    return seconds / ((before + timed(plain)[0]) / 2), seconds, found


def _gaps(exact, fast):
    """How far the fast numbers are from the exact ones, over all heads and statistics."""
    gaps, errors = [], []
    for name, statistic in STATISTICS.items():
        gap = (exact[name] - fast[name]).abs()
        errors += list(gap / exact[f"{name}_se"].clip(lower=1e-9))
        if statistic.high <= 1:
            gaps += list(gap)
    return [
        spread("bfloat16 of a statistic", gaps, "", "difference of those between 0 and 1"),
        spread("bfloat16 of a statistic, by its error", errors, "standard errors", "all of them"),
    ]


def _memory():
    """How much more memory a profile takes at its peak than a plain pass, each in a process of its own."""
    peaks = {what: _peak(what) for what in ("plain", "profile")}
    more = peaks["profile"] - peaks["plain"]
    detail = (
        f"{peaks['profile']:.0f} instead of {peaks['plain']:.0f} MB, each in a process of its own"
    )
    return Figure("more memory for a profile", more, more, more, "MB", detail, "<= 100")


def _peak(what):
    run = [sys.executable, "-m", "benchmarks.peak", what]
    return float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
