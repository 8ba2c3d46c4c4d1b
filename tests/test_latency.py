"""How timing is done; how long things take is for the benchmarks."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch

from analysis import latency
from analysis.errors import MaskError, MethodError
from analysis.export.onnx_export import write_onnx
from analysis.latency import TIMER, WARM_UP, Runner, time_models, timing
from analysis.mask import HeadMask
from analysis.surgery import prune

OFF = [(0, 0), (1, 1)]


@pytest.fixture
def runners(distilbert):
    mask = HeadMask.off(distilbert.anatomy, OFF)
    return {
        "full": Runner(distilbert),
        "masked": Runner(distilbert, mask),
        "removed": Runner(prune(distilbert, mask)),
    }


@pytest.fixture
def clock(monkeypatch, runners):
    """Replaces the timed call by numbers that are known, and notes who was called."""
    calls: list[str] = []
    speeds = {"full": 10.0, "masked": 10.0, "removed": 5.0}
    names = {id(runner): name for name, runner in runners.items()}

    def once(runner, inputs):
        name = names[id(runner)]
        calls.append(name)
        return speeds[name] * (1 + len(calls) // 3)  # a machine that gets slower and slower

    monkeypatch.setattr(latency, "_once", once)
    return calls


def test_real_models_are_timed(runners):
    found = time_models(runners, batch=2, length=8, rounds=4)
    assert list(found.timings) == list(found.ratios) == list(runners)
    for timing_ in found.timings.values():
        assert 0 < timing_.low_quartile <= timing_.median <= timing_.high_quartile
    for name, (low, high) in found.ratio_intervals.items():
        assert 0 < low <= found.ratios[name] <= high
    assert (found.batch, found.length, found.rounds) == (2, 8, 4)
    assert found.threads >= 1


def test_the_first_is_compared_with_itself(runners):
    found = time_models(runners, batch=1, length=4, rounds=3)
    assert found.ratios["full"] == 1
    assert found.ratio_intervals["full"] == (1, 1)


def test_models_take_turns_and_begin_by_turns(runners, clock):
    time_models(runners, batch=1, length=4, rounds=3)
    names = list(runners)
    assert clock[: WARM_UP * 3] == names * WARM_UP
    rounds = np.array(clock[WARM_UP * 3 :]).reshape(3, 3)
    assert [sorted(turn) for turn in rounds.tolist()] == [sorted(names)] * 3
    assert rounds[:, 0].tolist() == names


def test_a_machine_that_slows_down_does_not_change_the_ratio_much(runners, clock):
    found = time_models(runners, batch=1, length=4, rounds=30)
    assert found.ratios["removed"] == pytest.approx(2, rel=0.1)
    assert found.ratios["masked"] == pytest.approx(1, rel=0.1)


def test_every_round_is_reported(runners, clock):
    steps = list(timing(runners, batch=1, length=4, rounds=5))
    assert [(step.done, step.total, step.unit) for step in steps] == [
        (turn, 5, "rounds") for turn in range(1, 6)
    ]
    assert [step.result.rounds for step in steps] == [1, 2, 3, 4, 5]


def test_a_timing_that_nobody_finishes_keeps_no_lock(runners, clock):
    steps = timing(runners, batch=1, length=4, rounds=5)
    next(steps)
    free = []

    def other() -> None:
        free.append(TIMER.acquire(timeout=1))
        if free[0]:
            TIMER.release()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert free == [True]
    steps.close()


def test_two_timings_never_run_at_once(runners, monkeypatch):
    inside, together = [], []

    def once(runner, inputs):
        inside.append(threading.get_ident())
        time.sleep(0.0005)
        together.append(len(set(inside)))
        inside.pop()
        return 1.0

    monkeypatch.setattr(latency, "_once", once)
    threads = [
        threading.Thread(target=time_models, args=(runners,), kwargs={"rounds": 8, "length": 8})
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(together) == {1}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"length": 0}, "1 to 64 tokens, not 0"),
        ({"length": 65}, "1 to 64 tokens, not 65"),
        ({"length": 8, "batch": 0}, "1 or more"),
        ({"length": 8, "rounds": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_timed_is_refused(runners, options, says):
    with pytest.raises(MethodError, match=says):
        time_models(runners, **options)


def test_nothing_to_time_is_refused():
    with pytest.raises(MethodError, match="no model to time"):
        time_models({})


def test_a_mask_of_another_model_is_refused(distilbert):
    with pytest.raises(MaskError):
        time_models({"masked": Runner(distilbert, HeadMask(((True,),) * 3))}, length=8)


def test_threads_are_set_for_the_timing_and_given_back(runners):
    before = torch.get_num_threads()
    found = time_models(runners, batch=1, length=4, rounds=2, threads=1)
    assert found.threads == 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_dtype_is_that_of_the_timing_alone(runners, dtype):
    found = time_models(runners, batch=2, length=8, rounds=2, dtype=dtype)
    assert found.dtype == dtype
    assert {weight.dtype for weight in runners["full"].subject.model.parameters()} == {
        torch.float32
    }


def test_options_that_cannot_be(runners):
    with pytest.raises(MethodError, match="threads must be 1 to"):
        time_models(runners, length=8, threads=0)
    with pytest.raises(MethodError, match="unknown dtype 'int8'"):
        time_models(runners, length=8, dtype="int8")


@pytest.mark.slow
def test_an_onnx_file_is_timed_beside_the_model(runners, tmp_path):
    subject = runners["removed"].subject
    write_onnx(subject.model, subject, tmp_path / "model.onnx")
    both = {"full": runners["full"], "onnx": Runner(subject, onnx=tmp_path / "model.onnx")}
    found = time_models(both, batch=3, length=9, rounds=2)
    assert found.timings["onnx"].median > 0
