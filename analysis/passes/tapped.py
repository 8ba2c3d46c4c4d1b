"""The general way of beginning a pass in the middle: the model's own code, with a tap before every layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from analysis.anatomy import part, sites_of
from analysis.attention import Intervention, Means, gates_of, intervening
from analysis.batches import Batch, batches
from analysis.mask import Head, HeadMask
from analysis.models import Subject
from analysis.passes.memory import State
from analysis.passes.products import quick_copy
from analysis.progress import breathe
from analysis.text import Split


@dataclass
class _Flow:
    """One pass through the taps: where it begins, with what, and what it saw on its way."""

    start: int
    given: Tensor | None
    states: dict[int, State] = field(default_factory=dict)


_flow: ContextVar[_Flow] = ContextVar("headcount_flow")


class _Tap(nn.Module):
    """Stands before a layer: skips it, or hands it the state that it would have got, and notes that state."""

    def __init__(self, layer: nn.Module, number: int) -> None:
        super().__init__()
        self.layer = layer
        self.number = number
        self.gives_tuple = False

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("layer"), name)

    def forward(self, hidden: Tensor, *others: Any, **options: Any) -> Any:
        breathe()
        flow = _flow.get()
        if self.number < flow.start:
            return (hidden,) if self.gives_tuple else hidden
        if self.number == flow.start and flow.given is not None:
            hidden = flow.given
        elif self.number > flow.start:
            flow.states[self.number] = (hidden,)
        found = self.layer(hidden, *others, **options)
        self.gives_tuple = isinstance(found, tuple)
        return found


def _tap(model: Any) -> bool:
    """Put taps before the layers; False where a pass cannot begin in the middle.

    It cannot where there are two stacks, or where one set of weights runs at several depths.
    """
    sites = sites_of(model)
    if len({site.place.layers for site in sites}) > 1 or "*" in sites[0].place.layers:
        return False
    layers = part(getattr(model, "base_model", model), sites[0].place.layers)
    for number, layer in enumerate(list(layers)):
        layers[number] = _Tap(layer, number)
    return True


class TappedCourse:
    """The general way: the model's own code, with a tap before every layer where a pass may begin."""

    def __init__(self, subject: Subject, split: Split, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.subject = subject
        self.model = quick_copy(subject.model, dtype)
        self.resumes = _tap(self.model)
        self.chunks: Sequence[Batch] = batches(subject, split)

    def prepare(self, mask: HeadMask, means: Means | None) -> Intervention:
        """The intervention that applies the mask."""
        return Intervention(gates=gates_of(mask, self.subject.device), means=means)

    @torch.inference_mode()
    def run(
        self, chunk: Batch, layer: int, state: State | None, prepared: Intervention
    ) -> tuple[dict[int, State], Tensor]:
        """See `Course.run`; a state is the hidden states that enter the layer."""
        flow = _Flow(layer, state[0] if state is not None else None)
        token = _flow.set(flow)
        try:
            with intervening(prepared):
                logits = self.model(**chunk.inputs).logits.float()
        finally:
            _flow.reset(token)
        return (flow.states if self.resumes else {}), logits

    def without_each(
        self, chunk: Batch, mask: HeadMask, means: Means | None, heads: Sequence[Head]
    ) -> Iterator[Mapping[Head, Tensor]]:
        """See `Course.without_each`."""
        states, _ = self.run(chunk, 0, None, self.prepare(mask, means))
        for head in heads:
            prepared = self.prepare(mask.switched([head], on=False), means)
            layer = head[0] if head[0] in states else 0
            yield {head: self.run(chunk, layer, states.get(layer), prepared)[1]}
