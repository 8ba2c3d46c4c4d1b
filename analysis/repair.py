"""Closed-form repair of a model whose heads were removed: no training, no labels.

`mean` folds what the removed heads contributed on average into the bias of their output projection.
`least-squares` goes through the layers from the bottom up and re-solves every projection that writes to the
residual stream (attention's output projection, then the feed-forward part's second one), so that the stream
comes as close as possible to the full model's: the difference between the two streams, drift from the layers
below included, is regressed on what enters the projection, with a ridge towards the weights as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from analysis.anatomy import matrix, part, set_part, sites_of
from analysis.batches import Batch, batches
from analysis.errors import MethodError, ProtocolError, unknown
from analysis.least_squares import NormalEquations
from analysis.mask import HeadMask
from analysis.models import Subject, structural_copy
from analysis.plan import Plan
from analysis.portable import projection
from analysis.progress import Step, finish
from analysis.quality import compare
from analysis.surgery import mask_of, prune
from analysis.text import Calibration, Selection
from analysis.walk import Point, Recording, last_uses, look, owners_of, points_of, record_all

REPAIRS: dict[str, str] = {
    "none": "the remaining weights stay as they are",
    "mean": "the removed heads' mean output is folded into the bias",
    "least-squares": "the output projections are solved anew on the calibration split, from the bottom up",
}
RIDGE = 0.1
"""Weight of the pull towards the weights as they are, as a share of the inputs' mean variance. On the demo's
selection split 0.01 to 1 do alike for masks of good orders; random masks like more of it."""


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


@dataclass(frozen=True)
class Report:
    """What a repair did."""

    asked: str
    """The repair that was asked for."""
    used: str
    """The repair that the model has: `none` when the repaired model was worse on `selection`."""
    layers: tuple[Recovered, ...]
    unrepaired: float | None
    """The task's first measure on `selection` without repair (accuracy: 0 to 1); None without `selection`."""
    repaired: float | None
    """The same with the repair that was asked for."""
    tokens: int
    """Tokens of the calibration split that it was solved on, padding not counted."""
    seconds: float

    @property
    def sentence(self) -> str:
        """The report in one sentence."""
        if self.unrepaired is None or self.repaired is None:
            return (
                f"Repair {self.used}, solved on {self.tokens:,} tokens; not compared on selection."
            )
        told = f"{self.unrepaired:.4f} without and {self.repaired:.4f} with repair on selection"
        if self.used != self.asked:
            return f"Repair {self.asked} was taken back: {told}."
        return f"Repair {self.used}, solved on {self.tokens:,} tokens: {told}."


@dataclass(frozen=True, eq=False)
class Repaired:
    """A smaller model and the report of its repair."""

    subject: Subject
    report: Report


def repair(
    subject: Subject,
    mask: HeadMask | Plan,
    calibration: Calibration | None,
    kind: str = "least-squares",
    *,
    selection: Selection | None = None,
    ridge: float = RIDGE,
) -> Repaired:
    """Remove heads and repair what is left; see `repairing`."""
    return finish(repairing(subject, mask, calibration, kind, selection=selection, ridge=ridge))


def repairing(
    subject: Subject,
    mask: HeadMask | Plan,
    calibration: Calibration | None,
    kind: str = "least-squares",
    *,
    selection: Selection | None = None,
    ridge: float = RIDGE,
) -> Iterator[Step[Repaired]]:
    """Remove heads and repair what is left, reporting layer by layer.

    Args:
        subject: the full model.
        mask: which heads stay, or a plan.
        calibration: texts that the repair is solved on; labels are not used.
        kind: `none`, `mean` or `least-squares`.
        selection: texts on which the repaired model must not be worse than the unrepaired one; when it is,
            the unrepaired one is returned and the report says so.
        ridge: pull towards the weights as they are; see `RIDGE`.

    Raises:
        MethodError: an unknown repair, or texts missing.
        ProtocolError: another split than the calibration and selection splits was given.
        MaskError, PlanError, ModelError: see `surgery.prune`.
    """
    _check(kind, calibration, selection, ridge)
    start = time.perf_counter()
    mask = mask_of(subject, mask)
    smaller = prune(subject, mask)
    if kind == "none" or mask.is_full or calibration is None:
        report = Report(kind, "none", (), None, None, 0, time.perf_counter() - start)
        yield Step(1, 1, "layers", Repaired(smaller, report))
        return
    inputs = batches(subject, calibration)
    model = structural_copy(smaller.model)
    steps = _folding(subject, model, mask, inputs) if kind == "mean" else _solving(
        subject.model, model, _first(mask), inputs, ridge
    )  # fmt: skip
    layers: list[Recovered] = []
    with torch.inference_mode():
        for done, total, recovered in steps:
            layers += recovered
            yield Step(done, total + 1, "layers")
    mended = replace(smaller, model=model)
    unrepaired, repaired = (None, None)
    if selection is not None:
        unrepaired, repaired, worse = compare(smaller, mended, selection)
        mended = smaller if worse else mended
    report = Report(
        asked=kind,
        used="none" if mended is smaller else kind,
        layers=tuple(layers),
        unrepaired=unrepaired,
        repaired=repaired,
        tokens=sum(int(batch.real.sum()) for batch in inputs),
        seconds=time.perf_counter() - start,
    )
    yield Step(total + 1, total + 1, "layers", Repaired(mended, report))


Steps = Iterator[tuple[int, int, list[Recovered]]]


def _folding(subject: Subject, model: Any, mask: HeadMask, inputs: Sequence[Batch]) -> Steps:
    """Add the removed heads' mean contribution to the biases; exact for `mean` ablation."""
    means = head_means(subject, inputs)
    sites = list(zip(sites_of(subject.model), sites_of(model), mask.rows, means, strict=True))
    for number, (old, new, row, mean) in enumerate(sites):
        off = [head for head, on in enumerate(row) if not on]
        if off:
            columns = old.rows(old.place.output, off).to(mean.device)
            shift = matrix(old.output)[:, columns] @ mean[columns].to(matrix(old.output).dtype)
            set_part(new.owner, new.place.output, _corrected(new.output, None, shift))
        yield number + 1, len(sites), []


@torch.inference_mode()
def head_means(subject: Subject, inputs: Sequence[Batch]) -> list[Tensor]:
    """Mean over tokens, padding excluded, of what enters each output projection, `[heads * head_size]`."""
    model = structural_copy(subject.model)  # the hooks below live and die with the copy
    sites = sites_of(model)
    sums = [torch.zeros(matrix(site.output).shape[1], dtype=torch.float64) for site in sites]
    counts = [0] * len(sites)
    real: Tensor | None = None

    def hook(number: int) -> Any:
        def add(_: Any, given: tuple[Tensor, ...]) -> None:
            states = given[0].flatten(0, -2)
            kept = states if real is None or len(real) != len(states) else states[real]
            sums[number] += kept.sum(0, dtype=torch.float64).cpu()
            counts[number] += len(kept)

        return add

    for number, site in enumerate(sites):
        site.output.register_forward_pre_hook(hook(number))
    for batch in inputs:
        real = batch.real.flatten()
        model(**batch.inputs)
    return [
        (total / max(count, 1)).to(subject.device)
        for total, count in zip(sums, counts, strict=True)
    ]


def _solving(full: Any, model: Any, first: int, inputs: Sequence[Batch], ridge: float) -> Steps:
    """Walk both models through the calibration batches layer by layer and solve each projection on the way."""
    full = structural_copy(full)  # its layers get hooks for a moment; the shared model gets none
    recordings = record_all(full, [batch.inputs for batch in inputs])
    full_states: list[dict[int, Tensor]] = [{} for _ in recordings]
    states: list[dict[int, Tensor]] = [{} for _ in recordings]
    layers = list(zip(owners_of(full), owners_of(model), points_of(full), strict=True))
    first_owner = owners_of(full).index(sites_of(full)[first].owner)
    for number, (old, new, points) in enumerate(layers):
        recovered: list[Recovered] = []
        if number < first_owner:  # nothing below has changed
            for recording, outputs, others in zip(recordings, full_states, states, strict=True):
                _advance(old, number, recording, outputs)
                others.update(outputs)
        else:
            targets = [
                [sight.streams for sight in _seen(old, number, points, recording, outputs)]
                for recording, outputs in zip(recordings, full_states, strict=True)
            ]
            for place, point in enumerate(points):
                found = _solve(
                    new, number, point, recordings, states, [t[place] for t in targets], ridge
                )
                recovered.append(replace(found, title=f"layer {number}, {point.projection}"))
            for recording, outputs in zip(recordings, states, strict=True):
                _advance(new, number, recording, outputs)
        _forget(number, recordings, full_states, states)
        yield number + 1, len(layers), recovered


def _solve(
    layer: Any,
    number: int,
    point: Point,
    recordings: Sequence[Recording],
    states: Sequence[Mapping[int, Tensor]],
    targets: Sequence[Sequence[Tensor]],
    ridge: float,
) -> Recovered:
    old = part(layer, point.projection)
    outputs, width = matrix(old).shape
    equations = NormalEquations(width, outputs, matrix(old).device)
    for recording, known, target in zip(recordings, states, targets, strict=True):
        once = sum(call.owner == number for call in recording.calls) == 1
        (sight,) = look(
            layer, [point], lambda: _advance(layer, number, recording, dict(known)), stop=once  # noqa: B023
        )  # fmt: skip
        for entering, stream, wanted in zip(sight.inputs, sight.streams, target, strict=True):
            real = recording.real
            kept = slice(None) if real is None or len(real) != len(stream) else real
            equations.add(entering[kept], wanted[kept] - stream[kept])
    weight, bias, before, after = equations.solve(ridge)
    set_part(layer, point.projection, _corrected(old, weight, bias))
    return Recovered("", before, after)


def _seen(
    layer: Any,
    number: int,
    points: Sequence[Point],
    recording: Recording,
    outputs: dict[int, Tensor],
) -> Any:
    return look(layer, points, lambda: _advance(layer, number, recording, outputs))


def _advance(layer: Any, number: int, recording: Recording, outputs: dict[int, Tensor]) -> None:
    """Run a layer at all its depths and keep what leaves it."""
    for place, call in enumerate(recording.calls):
        if call.owner == number:
            outputs[place] = call.run(layer, outputs)


def _forget(
    number: int, recordings: Sequence[Recording], *states: Sequence[dict[int, Tensor]]
) -> None:
    """Drop outputs that no later layer reads."""
    for place, recording in enumerate(recordings):
        uses = last_uses(recording.calls)
        for known in states:
            for call in list(known[place]):
                reader = uses.get(call)
                if reader is None or recording.calls[reader].owner <= number:
                    del known[place][call]


def _corrected(old: Any, weight: Tensor | None, bias: Tensor) -> torch.nn.Module:
    """A projection with a correction added; one without a bias gets one."""
    now = matrix(old)
    before = old.bias if old.bias is not None else torch.zeros_like(bias, dtype=now.dtype)
    return projection(
        old,
        (now if weight is None else (now.double() + weight).to(now.dtype)).contiguous(),
        (before.double() + bias).to(now.dtype),
    )


def _first(mask: HeadMask) -> int:
    """The lowest layer that loses a head."""
    return next(layer for layer, row in enumerate(mask.rows) if not all(row))


def _check(kind: str, calibration: Any, selection: Any, ridge: float) -> None:
    if kind not in REPAIRS:
        raise MethodError(unknown("repair", kind, REPAIRS))
    if kind != "none" and calibration is None:
        raise MethodError(f"the repair {kind!r} needs texts; give data with a calibration split")
    for split, wanted, use in (
        (calibration, Calibration, "solved"),
        (selection, Selection, "compared"),
    ):
        if split is not None and not isinstance(split, wanted):
            raise ProtocolError(
                f"a repair is {use} on the {wanted.name} split, not on "
                f"{getattr(split, 'name', type(split).__name__)!r}"
            )
    if not 0 <= ridge < float("inf"):
        raise MethodError(f"the ridge must be 0 or more, not {ridge}")
