"""How long a batch takes: models timed in turns, under one lock, with their spread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from analysis.attention import Intervention, gates_of, intervening
from analysis.errors import MethodError
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.progress import Step, finish

TIMER = threading.RLock()
"""Held by whoever times anything: two timings at once would measure each other."""

WARM_UP = 3
"""Untimed rounds before the first timed one."""


@dataclass(frozen=True)
class Timing:
    """Time of one model for one batch, in milliseconds, over all rounds."""

    median: float
    low_quartile: float
    high_quartile: float


@dataclass(frozen=True)
class Latency:
    """Models timed against the first of them on the same batch."""

    timings: dict[str, Timing]
    ratios: dict[str, float]
    """How many times faster than the first: median over rounds of the first's time over the model's."""
    ratio_intervals: dict[str, tuple[float, float]]
    """95 % bootstrap interval of the ratio."""
    batch: int
    length: int
    threads: int
    rounds: int


@dataclass(frozen=True, eq=False)
class Runner:
    """A model to time, with a mask if its masked form is meant."""

    subject: Subject
    mask: HeadMask | None = None


def time_models(
    runners: Mapping[str, Runner], *, batch: int = 8, length: int = 128, rounds: int = 15
) -> Latency:
    """Time some models; see `timing`."""
    return finish(timing(runners, batch=batch, length=length, rounds=rounds))


def timing(
    runners: Mapping[str, Runner], *, batch: int = 8, length: int = 128, rounds: int = 15
) -> Iterator[Step[Latency]]:
    """Time models in turns, one round after the other, and report after each round.

    Every round runs each model once, beginning with another one each time, so that whatever else slows
    the machine slows them alike; the ratio is taken within a round.

    Args:
        runners: name to model; the first is the one that the others are compared with.
        batch: texts of the batch.
        length: tokens of each text, no padding.
        rounds: how often each model is timed.

    Raises:
        MethodError: nothing to time, or batch, length or rounds out of range.
        MaskError: a mask is of another model than its runner.
    """
    if not runners:
        raise MethodError("there is no model to time")
    for runner in runners.values():
        if runner.mask is not None:
            runner.mask.check(runner.subject.anatomy)
    first = next(iter(runners.values())).subject
    if not 1 <= length <= first.max_length:
        raise MethodError(f"the length must be 1 to {first.max_length} tokens, not {length}")
    if batch < 1 or rounds < 1:
        raise MethodError("batch and rounds must be 1 or more")
    inputs = _inputs(first, batch, length)
    names = list(runners)
    with TIMER:
        for _ in range(WARM_UP):
            for name in names:
                _once(runners[name], inputs)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        with TIMER:  # for a round, not for all: whoever stops iterating must not keep the lock
            for place in range(len(names)):
                name = names[(place + turn) % len(names)]
                times[name].append(_once(runners[name], inputs))
        yield Step(turn + 1, rounds, "rounds", _latency(times, batch, length))


@torch.inference_mode()
def _once(runner: Runner, inputs: dict[str, torch.Tensor]) -> float:
    subject = runner.subject
    call = (
        intervening(Intervention(gates=gates_of(runner.mask, subject.device)))
        if runner.mask is not None
        else nullcontext()
    )
    with call:
        start = time.perf_counter()
        subject.model(**inputs)
        if subject.device.type == "cuda":
            torch.cuda.synchronize(subject.device)
        return 1000 * (time.perf_counter() - start)


def _inputs(subject: Subject, batch: int, length: int) -> dict[str, torch.Tensor]:
    # Any real tokens do: the time of a dense model does not depend on which.
    generator = torch.Generator().manual_seed(0)
    vocabulary = int(subject.model.config.vocab_size)
    ids = torch.randint(vocabulary, (batch, length), generator=generator).to(subject.device)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _latency(times: dict[str, list[float]], batch: int, length: int) -> Latency:
    rows = {name: np.array(values) for name, values in times.items()}
    reference = next(iter(rows.values()))
    pairs = {name: reference / row for name, row in rows.items()}
    return Latency(
        timings={
            name: Timing(*(float(q) for q in np.percentile(row, [50, 25, 75])))
            for name, row in rows.items()
        },
        ratios={name: float(np.median(pair)) for name, pair in pairs.items()},
        ratio_intervals={name: _interval(pair) for name, pair in pairs.items()},
        batch=batch,
        length=length,
        threads=torch.get_num_threads(),
        rounds=len(reference),
    )


def _interval(pairs: np.ndarray) -> tuple[float, float]:
    generator = np.random.default_rng(0)
    drawn = generator.choice(pairs, size=(2000, len(pairs)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(low), float(high)
