"""The statistics pass against the plain forward pass, and against collecting every map."""

from __future__ import annotations

import resource

import torch

from analysis.batches import batches
from analysis.profiling import profile
from analysis.tokens import kinds_of
from benchmarks.figures import ratio, spread, timed
from benchmarks.rivals import Naive


def profiles(subject, split, repeats):
    """Ratios of time; the share is profile over plain, so lower is better."""
    ready = batches(subject, split)
    collecting = Naive(subject, split, attention="eager")

    every = torch.arange(len(subject.tokenizer))
    kinds = kinds_of(subject.tokenizer, every).float().numpy()

    @torch.inference_mode()
    def plain():
        for batch in ready:
            subject.model(**batch.inputs)

    plain()
    profile(subject, split.limited(64))
    shares, rivals, own = [], [], []
    for _ in range(repeats):
        before = timed(plain)[0]
        found = timed(lambda: profile(subject, split))[0]
        after = timed(plain)[0]
        shares.append(found / ((before + after) / 2))
        own.append(found)
        rivals.append(timed(lambda: collecting.statistics(kinds))[0])
    size = f"{len(split)} sentences"
    return [
        spread(
            "profile over a plain pass", shares, "x", f"same batches, {size}; 1 is free", "<= 1.15"
        ),
        ratio(
            "profile against output_attentions",
            rivals,
            own,
            f"13 statistics against 12 in NumPy; {size}",
            ">= 3",
        ),
    ]


def peak():
    """Largest memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
