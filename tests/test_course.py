"""A pass never asks the device for a number on its way: a graphics processor would stand still meanwhile."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from analysis.mask import HeadMask
from analysis.passes.course import PackedCourse, TappedCourse, may_pack
from analysis.profiling import profile
from analysis.text import Selection
from tests.tiny import sentences

ASKING = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "lift_fresh")
"""Operators that wait for a graphics processor, or for a copy to it."""


class Listening(TorchDispatchMode):
    """Notes every operator that makes the caller wait for the device."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        picks = args[1] if name in ("index", "index_put", "index_put_") else ()
        if name in ASKING or any(pick is not None and pick.dtype is torch.bool for pick in picks):
            self.heard.append(name)
        return func(*args, **(kwargs or {}))


def test_listening_hears_what_waits():
    with Listening() as listening:
        numbers = torch.arange(4)
        numbers.sum().item()
        numbers[numbers > 2]
        numbers.nonzero()
        torch.tensor([1.0])
    assert listening.heard == ["_local_scalar_dense", "index", "nonzero", "lift_fresh"]


@pytest.mark.parametrize("heads", [[], [(0, 1)], [(0, 1), (0, 2), (1, 0)], [(2, 1)]])
@pytest.mark.parametrize("ablation", ["zero", "mean"])
@pytest.mark.parametrize("way", [PackedCourse, TappedCourse])
def test_a_pass_does_not_wait(subject, way, heads, ablation):
    if way is PackedCourse and not may_pack(subject):
        pytest.skip("a family without the packed pass")
    split = Selection(*sentences(30))
    means = profile(subject, split).means if ablation == "mean" else None
    mask = HeadMask.off(subject.anatomy, heads)
    course = way(subject, split, torch.float32)
    with Listening() as listening:
        prepared = course.prepare(mask, means)
        for chunk in course.chunks:
            course.run(chunk, 0, None, prepared)
    assert not listening.heard


@pytest.mark.parametrize("way", [PackedCourse, TappedCourse])
def test_leave_one_out_does_not_wait(subject, way):
    if way is PackedCourse and not may_pack(subject):
        pytest.skip("a family without the packed pass")
    split = Selection(*sentences(30))
    mask = HeadMask.full(subject.anatomy)
    course = way(subject, split, torch.float32)
    with Listening() as listening:
        for chunk in course.chunks:
            for _ in course.without_each(chunk, mask, None, mask.on_heads):
                pass
    assert not listening.heard
