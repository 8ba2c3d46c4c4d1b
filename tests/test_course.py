"""A pass never asks the device for a number on its way: a graphics processor would stand still meanwhile."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from analysis.mask import HeadMask
from analysis.passes.course import PackedCourse, TappedCourse, packs_truly
from analysis.passes.packed import PackedModel
from analysis.profiling import profile
from analysis.progress import sharing
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
    split = Selection(*sentences(30))
    mask = HeadMask.full(subject.anatomy)
    course = way(subject, split, torch.float32)
    with Listening() as listening:
        for chunk in course.chunks:
            for _ in course.without_each(chunk, mask, None, mask.on_heads):
                pass
    assert not listening.heard


class Counting:
    """A turn that counts the moments that are left to others."""

    def __init__(self) -> None:
        self.times = 0

    def give_way(self) -> None:
        self.times += 1

    def wait_for(self, event) -> None: ...


@pytest.mark.parametrize(("way", "a_layer"), [(PackedCourse, 2), (TappedCourse, 1)])
def test_others_go_first_within_every_layer_but_the_last(subject, way, a_layer):
    course = way(subject, Selection(*sentences(30)), torch.float32)
    prepared = course.prepare(HeadMask.full(subject.anatomy), None)
    with sharing(turn := Counting()):
        course.run(course.chunks[0], 0, None, prepared)
    assert turn.times >= a_layer * (subject.anatomy.layers - 1)


def test_whether_a_model_is_packed_truly_is_looked_at_without_others(distilbert):
    """Whoever makes a replay may hold a lock that those who go first wait for."""
    with sharing(turn := Counting()):
        assert packs_truly(distilbert, Selection(*sentences(3)))
    assert turn.times == 0


def test_means_of_any_precision_replace_heads(distilbert):
    split = Selection(*sentences(30))
    model, mask = PackedModel(distilbert, torch.float32), HeadMask.off(distilbert.anatomy, [(0, 1)])
    means = profile(distilbert, split).means
    exact, double = (
        model.under(mask, given)[0] for given in (means, [layer.double() for layer in means])
    )
    inward = torch.ones(1, len(exact.numbers) * distilbert.anatomy.head_size)
    assert torch.equal(exact.outward(inward), double.outward(inward))
