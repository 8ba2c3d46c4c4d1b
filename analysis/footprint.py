"""How much memory one batch takes: weights, and the most that its tensors hold at once."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from analysis.models import Subject
from analysis.quantised import weights
from analysis.selftest import probe


@dataclass(frozen=True)
class Footprint:
    """Memory of a model while it answers one batch, in bytes."""

    weights: int
    activations: int
    """The most that tensors made on the way held at once; what kernels take inside themselves is not seen."""

    @property
    def peak(self) -> int:
        """Both together."""
        return self.weights + self.activations


def footprint(subject: Subject, *, batch: int, length: int) -> Footprint:
    """Run one batch and watch how much memory its tensors hold.

    Args:
        subject: the model.
        batch: texts of the batch.
        length: tokens of each text.
    """
    inputs = probe(subject.model, batch, length)
    all_weights = weights(subject.model)
    kept = {weight.untyped_storage().data_ptr() for weight in all_weights}
    with torch.inference_mode(), _Watching(kept) as watching:
        subject.model(**inputs)
    return Footprint(sum(each.numel() * each.element_size() for each in all_weights), watching.peak)


class _Watching(TorchDispatchMode):
    """Counts the bytes of living storages that operations made."""

    def __init__(self, kept: set[int]) -> None:
        super().__init__()
        self.kept = kept
        self.now = 0
        self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, given: Any = (), named: Any = None
    ) -> Any:
        result = function(*given, **(named or {}))
        for tensor in _tensors(result):
            storage = tensor.untyped_storage()
            mark = id(storage)
            if mark in self.known or storage.data_ptr() in self.kept:
                continue
            size = storage.nbytes()
            self.known.add(mark)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, mark, size)
        return result

    def _gone(self, mark: int, size: int) -> None:
        self.known.discard(mark)
        self.now -= size


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
