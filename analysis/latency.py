"""How long a batch takes: models timed in turns, under one lock, with their spread."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from analysis.attention import Intervention, gates_of, intervening
from analysis.errors import MethodError, unknown
from analysis.mask import HeadMask
from analysis.models import Subject, structural_copy
from analysis.precision import DTYPES
from analysis.progress import Step
from analysis.quantised import quantised
from analysis.selftest import probe

TIMER = threading.RLock()
"""Held by whoever times anything: two timings at once would measure each other."""

WARM_UP = 3
"""Untimed rounds before the first timed one."""

MOST_THREADS = 256


def computer(subject: Subject) -> str:
    """What a latency belongs to: this computer, the model's device, and the threads it may use."""
    return f"{platform.node()}, {subject.device.type}, {torch.get_num_threads()} threads"


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
    dtype: str = "float32"
    """What PyTorch computed in."""
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Runner:
    """A model to time, with a mask if its masked form is meant, or its ONNX file."""

    subject: Subject
    mask: HeadMask | None = None
    onnx: Path | None = None
    """Time this file in onnxruntime, in float32 on the CPU, instead of the model in PyTorch."""


def time_models(
    runners: Mapping[str, Runner],
    *,
    batch: int = 8,
    length: int = 128,
    rounds: int = 15,
    threads: int | None = None,
    dtype: str = "float32",
) -> Latency:
    """Time some models; see `timing`. Nobody goes first between two rounds: what is timed stays warm."""
    found: Latency | None = None
    for step in timing(
        runners, batch=batch, length=length, rounds=rounds, threads=threads, dtype=dtype
    ):
        found = step.result
    assert found is not None, "timing takes a round or more"
    return found


def timing(
    runners: Mapping[str, Runner],
    *,
    batch: int = 8,
    length: int = 128,
    rounds: int = 15,
    threads: int | None = None,
    dtype: str = "float32",
) -> Iterator[Step[Latency]]:
    """Time models in turns, one round after the other, and report after each round.

    Every round runs each model once, beginning with another one each time, so that whatever else slows
    the machine slows them alike; the ratio is taken within a round.

    Args:
        runners: name to model; the first is the one that the others are compared with.
        batch: texts of the batch.
        length: tokens of each text, no padding.
        rounds: how often each model is timed.
        threads: of the processor, for PyTorch and onnxruntime; as PyTorch has them when not given.
        dtype: what PyTorch computes in, a name from `DTYPES`.

    Raises:
        MethodError: nothing to time, batch, length, rounds or threads out of range, an unknown dtype or one that
            quantised weights cannot compute in, or onnxruntime missing.
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
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise MethodError(f"threads must be 1 to {MOST_THREADS}, not {threads}")
    if dtype not in DTYPES:
        raise MethodError(unknown("dtype", dtype, DTYPES))
    _check_numbers(runners.values(), dtype)
    inputs = probe(first.model, batch, length)
    names = list(runners)
    calls = {
        name: _call(runner, inputs, DTYPES[dtype], threads) for name, runner in runners.items()
    }
    with TIMER, _threads(threads):
        for _ in range(WARM_UP):
            for name in names:
                _once(runners[name], calls[name])
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        with (
            TIMER,
            _threads(threads),
        ):  # for a round, not for all: whoever stops iterating must not keep the lock
            for place in range(len(names)):
                name = names[(place + turn) % len(names)]
                times[name].append(_once(runners[name], calls[name]))
        found = replace(
            _latency(times, batch, length),
            dtype=dtype,
            device=first.device.type,
            threads=threads or torch.get_num_threads(),
        )
        yield Step(turn + 1, rounds, "rounds", found)


def _check_numbers(runners: Iterable[Runner], dtype: str) -> None:
    for runner in runners:
        packed = quantised(runner.subject.model) if runner.onnx is None else ""
        if packed and dtype != "float32":
            raise MethodError(
                f"{runner.subject.name} cannot be timed in {dtype}, because its weights {packed}; choose float32"
            )


def _once(runner: Runner, call: Callable[[], object]) -> float:
    """Milliseconds that one call of a runner takes."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def _call(
    runner: Runner, inputs: Mapping[str, Tensor], dtype: torch.dtype, threads: int | None
) -> Callable[[], object]:
    """The model as a call without arguments that ends when its answer is there."""
    if runner.onnx is not None:
        return _session(runner.onnx, inputs, threads)
    model = runner.subject.model
    if dtype != torch.float32:
        model = structural_copy(model).to(dtype)
    device = runner.subject.device
    given = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in inputs.items()
    }
    gates = gates_of(runner.mask, device) if runner.mask is not None else None

    @torch.inference_mode()
    def call() -> None:
        with intervening(Intervention(gates=gates)) if gates is not None else nullcontext():
            model(**given)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return call


def _session(path: Path, inputs: Mapping[str, Tensor], threads: int | None) -> Callable[[], object]:
    try:
        import onnxruntime
    except ImportError as error:
        raise MethodError(
            "timing ONNX needs the package onnxruntime; pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = {each.name for each in session.get_inputs()}
    given = {name: tensor.cpu().numpy() for name, tensor in inputs.items() if name in wanted}
    return lambda: session.run(None, given)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many threads for PyTorch, for a moment; the number belongs to the whole process."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
        ratio_intervals={name: ratio_interval(pair) for name, pair in pairs.items()},
        batch=batch,
        length=length,
        threads=torch.get_num_threads(),
        rounds=len(reference),
    )


def ratio_interval(pairs: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the median of a ratio over rounds."""
    generator = np.random.default_rng(0)
    drawn = generator.choice(pairs, size=(2000, len(pairs)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(low), float(high)
