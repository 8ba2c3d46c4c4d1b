"""Running a subject's layers so that a pass can begin in the middle, by the fastest way that is true to the model.

A course cuts a split into chunks and runs one chunk from a given layer upwards. `replay` decides where to
begin and what to keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from analysis.answers import TEXTS
from analysis.attention import Means
from analysis.batches import batches
from analysis.errors import MethodError
from analysis.mask import Head, HeadMask
from analysis.models import Subject
from analysis.passes.memory import State
from analysis.passes.packed import Heads, PackedModel, UnderMask, has_packed_layers
from analysis.passes.packs import Pack
from analysis.passes.tapped import TappedCourse
from analysis.precision import dtype_of
from analysis.progress import alone, breathe, is_shared
from analysis.quantised import quantised
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
            breathe()
            hidden = model.close(number, _stream((hidden, context), prepared[number]))
            states[number + 1] = (hidden,)
            breathe()
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
                silent = len(some) - (
                    some[-1] == mine[-1]
                )  # the last of a layer reports for all of them
                for _ in range(silent):
                    yield {}
            if mine:  # the last layer's few rows of all these heads in one product
                answers = self._answers(torch.cat(ends)).chunk(len(mine))
                yield dict(zip(mine, answers, strict=True))
            if layer < last:
                hidden = model.close(layer, stream)


def _stream(state: State, heads: Heads) -> Tensor:
    """The hidden states that enter a layer plus what its heads say."""
    hidden, context = state
    return heads.outward(context).add_(hidden)


def course_of(subject: Subject, split: Split, precision: str) -> Course:
    """The fastest way that gives the model's own answers.

    Raises:
        MethodError: an unknown precision, or one that quantised weights cannot compute in.
    """
    dtype = _numbers(subject, split, precision)
    way = PackedCourse if packs_truly(subject, split) else TappedCourse
    return way(subject, split, dtype)


def _numbers(subject: Subject, split: Split, precision: str) -> torch.dtype:
    """The number format of the layers; `auto` is float32 where less could be seen or could fail."""
    dtype = dtype_of(precision, subject.device)
    if packed := quantised(subject.model):
        if precision not in ("auto", "float32"):
            raise MethodError(
                f"{subject.name} cannot compute in {precision}, because its weights {packed}; "
                "choose auto or float32"
            )
        return torch.float32
    if precision != "auto":
        return dtype
    if subject.task is not TEXTS:
        return torch.float32  # a loss over a whole vocabulary shows the rounding of bfloat16
    if dtype is torch.float16 and not packs_truly(subject, split):
        return torch.float32  # only layers that end with a norm are known to stay within float16
    return dtype


def packs_truly(subject: Subject, split: Split) -> bool:
    """Whether the packed pass gives the model's own answers.

    It is compared with the model on a few sentences, both in float32; once a model, when there are enough of them.
    """
    if subject in _verdicts:
        return _verdicts[subject]
    few = split.limited(PROBED)
    with alone():
        found = bool(len(few)) and may_pack(subject) and _same_answers(subject, few)
    if len(few) == PROBED:
        _verdicts[subject] = found
    return found


def is_refuted(subject: Subject) -> bool:
    """Whether the packed pass is known not to give the model's answers."""
    return not _verdicts.get(subject, True)


def may_pack(subject: Subject) -> bool:
    """Whether the packed pass is worth a try: the model classifies texts and has such layers, not quantised ones."""
    is_classifier = subject.task.name == "sequence-classification"
    return is_classifier and has_packed_layers(subject) and not quantised(subject.model)


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
