"""A click: one head more or less, exactly, against a full naive pass on the same sentences."""

from __future__ import annotations

import statistics
import time

import torch

from analysis import forecast
from analysis.gradients import gate_gradients
from analysis.mask import HeadMask
from analysis.progress import finish
from analysis.replay import Replay
from benchmarks.figures import Figure, ratio, spread, timed
from benchmarks.rivals import Naive


def clicks(subject, split, repeats, precision="auto"):
    """Ratios over all single-head masks, each repeat beside a naive pass of its own."""
    naive = Naive(subject, split)
    replay = Replay(subject, split, precision=precision)
    replay.evaluate()  # as when the page is open: the full model has been evaluated
    heads = HeadMask.full(subject.anatomy).on_heads
    rivals, layers, firsts, full = [], [], [], []
    for _ in range(repeats):
        rivals.append(timed(naive.logits)[0])
        fresh = Replay(subject, split, precision=precision)
        full.append(timed(fresh.evaluate)[0])
        times = {}
        for head in heads:
            first, seconds = _click(fresh, HeadMask.off(subject.anatomy, [head]))
            times.setdefault(head[0], []).append(seconds)
            firsts.append(1000 * first)
        layers.append({layer: statistics.median(found) for layer, found in times.items()})
        layers[-1]["all"] = statistics.median(
            second for found in times.values() for second in found
        )
    last = max(layer for layer in layers[0] if layer != "all")
    size = f"{len(split)} sentences, {replay.precision}"
    return [
        ratio("full pass", rivals, full, f"nothing remembered; {size}"),
        ratio("click in the last layer", rivals, [row[last] for row in layers], size, ">= 60"),
        ratio("click, median of all heads", rivals, [row["all"] for row in layers], size, ">= 15"),
        ratio("click in the first layer (worst)", rivals, [row[0] for row in layers], size, ">= 7"),
        spread(
            "first estimate after a click",
            firsts,
            "ms",
            "until the first report with an interval",
            "<= 300",
        ),
    ]


def agreement(subject, split):
    """How far the fast answers are from the naive ones, sentence by sentence."""
    naive = Naive(subject, split)
    mask = [(0, 3), (2, 7), (5, 1)]
    wanted = naive.logits(mask)
    figures = []
    for precision in ("float32", "bfloat16"):
        replay = Replay(subject, split, precision=precision)
        found = replay.evaluate(HeadMask.off(subject.anatomy, mask)).predictions.logits
        gap = float((found - wanted).abs().max())
        other = int((found.argmax(-1) != wanted.argmax(-1)).sum())
        detail = f"largest difference of logits; {other} of {len(split)} answers differ"
        figures.append(
            Figure(f"{precision} against the naive pass", gap, gap, gap, "logits", detail)
        )
    return figures


def forecasts(subject, split, repeats):
    """Time of a forecast, and how far it is off."""
    replay = Replay(subject, split)
    logits = replay.evaluate().predictions.logits
    neighbours = finish(replay.without_each())
    found = finish(forecast.measuring(forecast.from_neighbours(neighbours, logits), replay))
    mask = HeadMask.off(subject.anatomy, [(0, 0), (1, 1)])
    one = [1000 * timed(lambda: found.of(mask))[0] for _ in range(repeats * 10)]
    each = [1000 * timed(lambda: found.of_each_click(mask))[0] for _ in range(repeats * 10)]
    total = subject.anatomy.heads_total
    errors = [
        Figure(
            f"forecast error, {count} heads off",
            error,
            error,
            error,
            "points",
            "root mean square on random masks",
        )
        for count, error in ((n, found.error(n)) for n in (1, total // 20, total // 5, total // 2))
    ]
    return [
        spread("forecast of a mask", one, "ms", f"{len(split)} sentences", "<= 5"),
        spread("forecast of every click", each, "ms", f"{total} heads at once"),
        *errors,
    ]


def searches(subject, split, repeats, precision="auto"):
    """Every head at once: leave-one-out, greedy elimination, gradients."""
    naive = Naive(subject, split)
    heads = subject.anatomy.heads_total
    replay = Replay(subject, split, precision=precision)
    replay.evaluate()
    rival, own, greedy_rival, greedy, gradient = [], [], [], [], []
    for _ in range(repeats):
        seconds = timed(naive.logits)[0]
        rival.append(heads * seconds)
        own.append(timed(lambda: finish(replay.without_each()))[0])
        rounds = (0, heads // 4, heads // 2 - 1)
        spent = {
            off: timed(lambda off=off: finish(replay.without_each(_first(subject, off))))[0]
            for off in rounds
        }
        # A round tries every head that is left; rounds between the timed ones are read off a straight line.
        every = torch.arange(heads // 2).double().numpy()
        greedy.append(float(sum(_line(spent, every))))
        greedy_rival.append(seconds * sum(heads - off for off in range(heads // 2)))
        gradient.append(timed(lambda: gate_gradients(subject, split))[0] / seconds)
    detail = f"{len(split)} sentences, {replay.precision}; rival: {heads} times one naive pass"
    return [
        ratio("leave-one-out of every head", rival, own, detail, ">= 20"),
        ratio(
            "greedy elimination to 50 %", greedy_rival, greedy, "from three timed rounds", ">= 15"
        ),
        spread("gradients of all heads", gradient, "naive passes", "one backward pass, float32"),
    ]


def _line(spent, every):
    import numpy as np

    return np.interp(every, list(spent), list(spent.values()))


def _first(subject, off):
    full = HeadMask.full(subject.anatomy)
    return full.switched(full.on_heads[::2][:off], on=False)


def _click(replay, mask):
    start = time.perf_counter()
    first = None
    for step in replay.evaluating(mask, keep=False):
        if first is None and step.result is not None:
            first = time.perf_counter() - start
    return first, time.perf_counter() - start
