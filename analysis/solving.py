"""The repair `least-squares`: two models walk through the calibration texts side by side, layer by layer.

The full model shows where the residual stream should be; the smaller one's projections are solved anew, each
on what enters it once everything below it has been solved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from analysis.anatomy import matrix, part, set_part
from analysis.batches import Batch
from analysis.least_squares import NormalEquations, Solution
from analysis.models import Subject
from analysis.passes.products import Product, quick_copy, quickened
from analysis.progress import breathe
from analysis.surgery import corrected
from analysis.text import Calibration
from analysis.walk import Point, Recording, Sight, look, owners_of, points_of, record_all, unread

KEPT = 1024**3
"""Bytes of the full model's streams that are kept for the next repair on the same texts, and of what enters
one projection that are kept until it is solved."""
CLOSE = 1e-4
"""Largest difference, as a share of the largest number, at which a layer's output counts as foreseen."""

States = dict[int, Tensor]
"""Outputs of layer calls of one batch that later layers still read."""


@dataclass(frozen=True)
class Recovered:
    """What the repair of one projection recovered on the calibration split."""

    title: str
    """The layer, and the projection's path in it."""
    before: float
    """Squared distance of a token's residual stream from the full model's, before; mean over tokens."""
    after: float
    """The same after the projection was solved."""

    @property
    def share(self) -> float:
        """Share of the distance that is gone, 0 to 1."""
        return 1 - self.after / self.before if self.before else 0.0


@dataclass(frozen=True, eq=False)
class Shown:
    """What the full model shows of one layer."""

    streams: list[list[list[Tensor]]] | None
    """The residual stream after each point, by batch, point and run, `[tokens, hidden]`; None of a layer that
    was not asked for."""
    states: list[States] | None
    """What the layers so far leave for those above, by batch; None when it was not computed."""


class Teacher:
    """The full model on the calibration texts; repairs on the same texts share what it shows."""

    def __init__(self, subject: Subject, calibration: Calibration, inputs: Sequence[Batch]) -> None:
        """Take a model and texts.

        Args:
            subject: the full model.
            calibration: the texts.
            inputs: batches of them.
        """
        self.subject = subject
        self.calibration = calibration
        self.inputs = inputs
        # Its layers get hooks for a moment; the shared model gets none.
        self.model = quick_copy(subject.model)
        self.points = points_of(self.model)
        self._streams: dict[int, list[list[list[Tensor]]]] = {}

    @cached_property
    def recordings(self) -> list[Recording]:
        """How the layers are called on each batch."""
        return record_all(self.model, [batch.inputs for batch in self.inputs])

    @property
    def tokens(self) -> int:
        """Tokens of the texts, padding not counted."""
        return sum(int(batch.real.sum()) for batch in self.inputs)

    def show(self, first: int) -> Iterator[Shown]:
        """Every layer from the bottom up; streams from layer `first` on."""
        layers = owners_of(self.model)
        wanted = range(first, len(layers))
        if self._streams and all(number in self._streams for number in wanted):
            yield from (Shown(self._streams.get(number), None) for number in range(len(layers)))
            return
        states: list[States] = [{} for _ in self.recordings]
        room = KEPT
        for number, layer in enumerate(layers):
            if number < first:
                advance(layer, number, self.recordings, states)
                yield Shown(None, states)
                continue
            streams = []
            for recording, outputs in zip(self.recordings, states, strict=True):
                breathe()
                seen = self._seen(layer, number, recording, outputs)
                streams.append([sight.streams for sight in seen])
            room -= sum(each.nbytes for batch in streams for point in batch for each in point)
            if room >= 0:
                self._streams[number] = streams
            yield Shown(streams, states)

    def _seen(self, layer: Any, number: int, recording: Recording, outputs: States) -> list[Sight]:
        return look(
            layer, self.points[number], lambda: run_layer(layer, number, recording, outputs)
        )


def solving(
    teacher: Teacher, model: Any, first: int, ridge: float
) -> Iterator[tuple[int, int, list[Recovered]]]:
    """Solve every projection that writes to the residual stream anew, from the bottom up.

    Args:
        teacher: the full model on the calibration texts.
        model: the model without the heads; it is changed.
        first: the lowest layer that lost a head; those below are as they were.
        ridge: pull towards the weights as they are, as a share of the inputs' mean variance.

    Yields:
        Layers done, how many there are, and what was recovered in the one that was done.
    """
    recordings = teacher.recordings
    layers = owners_of(model)
    states: list[States] = [{} for _ in recordings]
    with quickened(model):
        for number, (layer, shown) in enumerate(zip(layers, teacher.show(first), strict=True)):
            recovered: list[Recovered] = []
            if shown.streams is not None and number >= first:
                student = _Student(layer, number, recordings, states)
                for place, point in enumerate(teacher.points[number]):
                    targets = [batch[place] for batch in shown.streams]
                    is_last = place == len(teacher.points[number]) - 1
                    recovered.append(student.solve(point, targets, ridge, is_last=is_last))
            elif shown.states is not None:
                for mine, theirs in zip(states, shown.states, strict=True):
                    mine.update(theirs)
            else:
                advance(layer, number, recordings, states)
            for known in (states, shown.states or []):
                unread(number, recordings, known)
            yield number + 1, len(layers), recovered


class _Student:
    """One layer of the smaller model while its projections are solved."""

    def __init__(
        self, layer: Any, number: int, recordings: Sequence[Recording], states: list[States]
    ) -> None:
        self.layer, self.number, self.recordings, self.states = layer, number, recordings, states

    def solve(
        self, point: Point, targets: Sequence[Sequence[Tensor]], ridge: float, *, is_last: bool
    ) -> Recovered:
        """Solve one projection and put it in place; after the last one the states are those above the layer."""
        old = part(self.layer, point.projection)
        outputs, width = matrix(old).shape
        equations = NormalEquations(width, outputs, matrix(old).device)
        sights: list[Sight] | None = [] if is_last else None
        room = KEPT
        for recording, known, target in zip(self.recordings, self.states, targets, strict=True):
            breathe()
            sight = self._look(point, recording, known)
            for entering, stream, wanted in zip(sight.inputs, sight.streams, target, strict=True):
                kept = recording.kept(stream)
                equations.add(entering[kept], wanted[kept] - stream[kept])
            room -= sum(each.nbytes for each in (*sight.inputs, *sight.streams))
            sights = None if sights is None or room < 0 else [*sights, sight]
        solution = equations.solve(ridge)
        set_part(self.layer, point.projection, corrected(old, solution.weight, solution.bias))
        if is_last and not (sights and self._foreseen(point, sights, solution)):
            advance(self.layer, self.number, self.recordings, self.states)
        title = f"layer {self.number}, {point.projection}"
        return Recovered(title, solution.before, solution.after)

    def _look(self, point: Point, recording: Recording, known: Mapping[int, Tensor]) -> Sight:
        once = sum(call.owner == self.number for call in recording.calls) == 1
        (sight,) = look(
            self.layer,
            [point],
            lambda: run_layer(self.layer, self.number, recording, dict(known)),
            stop=once,
        )
        return sight

    def _foreseen(self, point: Point, sights: Sequence[Sight], solution: Solution) -> bool:
        """Whether what leaves the layer follows from the solution; if so it becomes the states.

        A layer that runs once ends with the stream or with its norm, so the half of its work that was done to
        look need not be done again. The first batch is run to see whether this layer is one of these.
        """
        norm: Callable[[Tensor], Tensor] = part(self.layer, point.stream) if point.stream else _same
        product = Product(solution.weight.float(), solution.bias.float())
        found: list[tuple[int, Tensor]] = []
        for recording, known, sight in zip(self.recordings, self.states, sights, strict=True):
            calls = [n for n, call in enumerate(recording.calls) if call.owner == self.number]
            if len(calls) != 1:
                return False
            (stream,), (entering,) = sight.streams, sight.inputs
            left = norm(product(entering).add_(stream))
            left = left.view(recording.calls[calls[0]].entering(known).shape)
            if not found:
                true = recording.calls[calls[0]].run(self.layer, known)
                if (true - left).abs().max() > CLOSE * true.abs().max():
                    return False
            found.append((calls[0], left))
        for (call, left), known in zip(found, self.states, strict=True):
            known[call] = left
        return True


def run_layer(layer: Any, number: int, recording: Recording, outputs: States) -> None:
    """Run a layer at all its depths and keep what leaves it."""
    for place, call in enumerate(recording.calls):
        if call.owner == number:
            outputs[place] = call.run(layer, outputs)


def advance(
    layer: Any, number: int, recordings: Sequence[Recording], states: Sequence[States]
) -> None:
    """Run a layer on all batches and keep what leaves it."""
    for recording, outputs in zip(recordings, states, strict=True):
        breathe()
        run_layer(layer, number, recording, outputs)


def _same(states: Tensor) -> Tensor:
    return states
