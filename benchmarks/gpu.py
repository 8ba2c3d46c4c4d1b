"""The same passes on a graphics processor: a full pass, a click, every head at once."""

from __future__ import annotations

import statistics

import torch

from analysis.mask import HeadMask
from analysis.progress import finish
from analysis.replay import Replay
from benchmarks.figures import ratio, spread, timed
from benchmarks.rivals import Naive

SENTENCES = 872
"""As many as SST-2's validation split has."""


def gpu(subject, data, repeats):
    """Nothing without a GPU; else seconds and ratios against the naive pass on the same GPU."""
    if subject.device.type != "cuda":
        return []
    split = data.split("selection").limited(SENTENCES)
    naive = Naive(subject, split)
    replay = Replay(subject, split)
    _done(replay.evaluate)
    _done(lambda: finish(replay.without_each()))
    _done(naive.logits)
    heads = HeadMask.full(subject.anatomy).on_heads
    rival, full, click, every = [], [], [], []
    for _ in range(repeats):
        rival.append(_done(naive.logits))
        fresh = Replay(subject, split)
        full.append(_done(fresh.evaluate))
        masks = [HeadMask.off(subject.anatomy, [head]) for head in heads]
        click.append(
            statistics.median(
                _done(lambda fresh=fresh, m=m: fresh.evaluate(m, keep=False)) for m in masks
            )
        )
        every.append(_done(lambda: finish(replay.without_each())))
    size = f"{len(split)} sentences, {replay.precision}, {torch.cuda.get_device_name()}"
    return [
        spread("GPU: naive pass", rival, "s", "file order, batches of 32, float32"),
        spread("GPU: full pass", full, "s", size),
        spread("GPU: click, median of all heads", click, "s", size),
        spread("GPU: leave-one-out of every head", every, "s", size),
        ratio("GPU: full pass", rival, full, "against the naive pass"),
        ratio("GPU: click", rival, click, "against the naive pass"),
        ratio(
            "GPU: leave-one-out",
            [len(heads) * s for s in rival],
            every,
            "against a naive pass a head",
        ),
    ]


def _done(work):
    torch.cuda.synchronize()

    def through():
        found = work()
        torch.cuda.synchronize()
        return found

    return timed(through)[0]
