"""Two ways of running a subject's layers so that a pass can begin in the middle.

A course cuts a split into chunks and runs one chunk from a given layer upwards. `replay` decides where to
begin and what to keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from analysis.anatomy import part, sites_of
from analysis.attention import Intervention, Means, gates_of, intervening
from analysis.batches import Batch, batches
from analysis.mask import Head, HeadMask
from analysis.models import Subject
from analysis.passes.memory import State
from analysis.passes.packed import Heads, PackedModel, UnderMask, has_packed_layers
from analysis.passes.packs import Pack
from analysis.passes.products import quick_copy
from analysis.progress import is_shared
from analysis.text import Split

CLOSE = 1e-4
"""Largest difference of logits at which the packed pass counts as the model's own."""
PROBED = 4
"""Sentences on which that is looked at."""
TOGETHER = 3
"""Heads whose passes a processor runs as one: a twentieth faster than one by one. A GPU has enough to do with one, and
others who wait between two steps would wait three times as long."""


class Course(Protocol):
    """A way of running the layers."""

    chunks: Sequence[Any]
    dtype: torch.dtype

    def prepare(self, mask: HeadMask, means: Means | None) -> Any:
        """Whatever a mask needs, made once for all chunks."""
        ...

    def run(
        self, chunk: Any, layer: int, state: State | None, prepared: Any
    ) -> tuple[dict[int, State], Tensor]:
        """Run from the entrance of a layer to the logits; also the states that enter each later layer."""
        ...

    def without_each(
        self, chunk: Any, mask: HeadMask, means: Means | None, heads: Sequence[Head]
    ) -> Iterator[Mapping[Head, Tensor]]:
        """Logits `[n, classes]` with one more head off at a time, by layer.

        Reports once a head; what a report carries may be nothing yet, or the answers of several heads.
        """
        ...


class PackedCourse:
    """The fast way, for post-norm encoders that classify by their first token."""

    def __init__(self, subject: Subject, split: Split, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.model = PackedModel(subject, dtype)
        self.chunks: Sequence[Pack] = list(self.model.packs(split))

    def prepare(self, mask: HeadMask, means: Means | None) -> UnderMask:
        """The heads that are computed under the mask."""
        return self.model.under(mask, means)

    @torch.inference_mode()
    def run(
        self, chunk: Pack, layer: int, state: State | None, prepared: UnderMask
    ) -> tuple[dict[int, State], Tensor]:
        """See `Course.run`; the state of the last layer is its first tokens and their heads' outputs."""
        last = self.model.last
        if state is not None and layer == last:
            return {}, self._answers(_stream(state, prepared[last]))
        states = self._climb(chunk, layer, state[0] if state else chunk.hidden, prepared)
        return states, self._answers(_stream(states[last], prepared[last]))

    def _climb(
        self, chunk: Pack, layer: int, hidden: Tensor, prepared: UnderMask
    ) -> dict[int, State]:
        """The states that enter each later layer, from the hidden states that enter one below the last."""
        model = self.model
        states: dict[int, State] = {}
        for number in range(layer, model.last):
            context = model.attend(prepared[number], chunk, hidden)
            hidden = model.close(number, _stream((hidden, context), prepared[number]))
            states[number + 1] = (hidden,)
        first = hidden[chunk.first], model.attend_first(model.last, chunk, hidden)
        return {**states, model.last: first}

    def _answers(self, stream: Tensor) -> Tensor:
        """Logits from the last layer's stream at the first tokens."""
        return self.model.shell.answer(self.model.close(self.model.last, stream))

    @torch.inference_mode()
    def without_each(
        self, chunk: Pack, mask: HeadMask, means: Means | None, heads: Sequence[Head]
    ) -> Iterator[Mapping[Head, Tensor]]:
        """See `Course.without_each`; a layer's heads share what is below its output projection, and the end."""
        model = self.model
        prepared = model.under(mask, means)
        last = model.last
        hidden = chunk.hidden
        most = TOGETHER if hidden.device.type == "cpu" and not is_shared() else 1
        wide = {count: chunk.times(count) for count in range(1, most + 1)}
        for layer in range(last + 1):
            if layer < last:
                state = hidden, model.attend(prepared[layer], chunk, hidden)
            else:
                state = hidden[chunk.first], model.attend_first(layer, chunk, hidden)
            stream = _stream(state, prepared[layer])
            ends: list[Tensor] = []
            mine = [head for head in heads if head[0] == layer]
            for start in range(0, len(mine), most):
                some = mine[start : start + most]
                other = torch.cat(
                    [
                        model.taken_out(head, prepared[layer], stream, state[1], means)
                        for head in some
                    ]
                )
                if layer < last:
                    entering = model.close(layer, other)
                    states = self._climb(wide[len(some)], layer + 1, entering, prepared)
                    other = _stream(states[last], prepared[last])
                ends.append(other)
                is_end = some[-1] == mine[-1]
                yield from [{}] * (len(some) - is_end)
            if mine:  # the last layer's few rows of all these heads in one product
                answers = self._answers(torch.cat(ends)).chunk(len(mine))
                yield dict(zip(mine, answers, strict=True))
            if layer < last:
                hidden = model.close(layer, stream)


def _stream(state: State, heads: Heads) -> Tensor:
    """The hidden states that enter a layer plus what its heads say."""
    hidden, context = state
    return heads.outward(context).add_(hidden)


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


def course_of(subject: Subject, split: Split, dtype: torch.dtype) -> Course:
    """The fastest way that gives the model's own answers."""
    way = PackedCourse if packs_truly(subject, split) else TappedCourse
    return way(subject, split, dtype)


def packs_truly(subject: Subject, split: Split) -> bool:
    """Whether the packed pass gives the model's own answers.

    It is compared with the model on a few sentences, both in float32; once a model, when there are enough of them.
    """
    if subject in _verdicts:
        return _verdicts[subject]
    few = split.limited(PROBED)
    found = bool(len(few)) and may_pack(subject) and _same_answers(subject, few)
    if len(few) == PROBED:
        _verdicts[subject] = found
    return found


def is_refuted(subject: Subject) -> bool:
    """Whether the packed pass is known not to give the model's answers."""
    return not _verdicts.get(subject, True)


def may_pack(subject: Subject) -> bool:
    """Whether the packed pass is worth a try: the model classifies texts and its family has such layers."""
    return subject.task.name == "sequence-classification" and has_packed_layers(subject)


_verdicts: WeakKeyDictionary[Subject, bool] = WeakKeyDictionary()


def _same_answers(subject: Subject, few: Split) -> bool:
    try:
        course = PackedCourse(subject, few, torch.float32)
    except (AttributeError, RuntimeError, TypeError):  # the layer is not what its family promises
        return False
    prepared = course.prepare(HeadMask.full(subject.anatomy), None)
    found: dict[int, Tensor] = {}
    for pack in course.chunks:
        found.update(zip(pack.rows.tolist(), course.run(pack, 0, None, prepared)[1], strict=True))
    for batch in batches(subject, few):
        with torch.inference_mode():
            wanted = subject.model(**batch.inputs).logits
        mine = torch.stack([found[row] for row in batch.rows.tolist()])
        same = mine.shape == wanted.shape
        if not same or not torch.allclose(mine, wanted, atol=CLOSE, rtol=CLOSE):
            return False
    return True


@dataclass
class _Flow:
    """One pass through the taps: where it begins, with what, and what it saw on its way."""

    start: int
    given: Tensor | None

    def __post_init__(self) -> None:
        self.states: dict[int, State] = {}


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
