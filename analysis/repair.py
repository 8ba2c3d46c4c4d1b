"""Closed-form repair of a model whose heads were removed: no training, no labels.

`mean` folds what the removed heads contributed on average into the bias of their output projection.
`least-squares` goes through the layers from the bottom up and re-solves every projection that writes to the
residual stream (attention's output projection, then the feed-forward part's second one), so that the stream
comes as close as possible to the full model's: the difference between the two streams, drift from the layers
below included, is regressed on what enters the projection, with a ridge towards the weights as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from analysis.anatomy import part, sites_of
from analysis.batches import TOKENS, batches
from analysis.errors import MethodError, ProtocolError, unknown
from analysis.folding import folding
from analysis.mask import HeadMask
from analysis.measures import told
from analysis.models import Subject, structural_copy
from analysis.plan import Plan
from analysis.progress import Step, finish, is_shared
from analysis.protocol import only
from analysis.quantised import is_quantised
from analysis.replay import Replay
from analysis.solving import Recovered, Teacher, solving
from analysis.surgery import mask_of, prune
from analysis.tasks import Measure
from analysis.text import Calibration, Selection
from analysis.walk import owners_of, points_of

REPAIRS: dict[str, str] = {
    "none": "the remaining weights stay as they are",
    "mean": "the removed heads' mean output is folded into the bias",
    "least-squares": "all projections that write to the residual stream are solved anew on the calibration "
    "split, from the bottom up",
}
CLOSE = 3
"""Sentences by which a comparison in bfloat16 may be off; closer ones are decided in float32."""
RIDGE = 0.1
"""Weight of the pull towards the weights as they are, as a share of the inputs' mean variance. On the demo's
selection split 0.01 to 1 do alike for masks of good orders; random masks like more of it."""
_REFUSAL = "a repair is {use} on the {wanted} split, not on {{name}}"


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
    measure: Measure | None = None
    """What was compared on `selection`; None when nothing was."""

    @classmethod
    def nothing(cls, seconds: float = 0.0) -> Report:
        """Of a model that was not repaired."""
        return cls("none", "none", (), None, None, 0, seconds)

    @property
    def sentence(self) -> str:
        """The report in one sentence."""
        if self.asked == "none":
            return "None: the remaining weights are as they were."
        solved = f"Repair {self.used}, solved on {self.tokens:,} tokens"
        if self.measure is None or self.unrepaired is None or self.repaired is None:
            return f"{solved}; not compared on selection.{self._drift}"
        without, repaired = (told(self.measure, each) for each in (self.unrepaired, self.repaired))
        compared = f"{self.measure.told} {without} without and {repaired} with repair on selection"
        if self.used != self.asked:
            return f"Repair {self.asked} was taken back: {compared}."
        return f"{solved}: {compared}.{self._drift}"

    @property
    def _drift(self) -> str:
        shares = sorted(layer.share for layer in self.layers)
        if not shares:
            return ""
        return (
            f" In {len(shares)} projections it took away {shares[0]:.0%} to {shares[-1]:.0%} of the squared "
            "distance of the residual stream to the full model's."
        )


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
    teacher: Teacher | None = None,
) -> Repaired:
    """Remove heads and repair what is left; see `repairing`."""
    options: dict[str, Any] = {"selection": selection, "ridge": ridge, "teacher": teacher}
    return finish(repairing(subject, mask, calibration, kind, **options))


def repairing(
    subject: Subject,
    mask: HeadMask | Plan,
    calibration: Calibration | None,
    kind: str = "least-squares",
    *,
    selection: Selection | None = None,
    ridge: float = RIDGE,
    teacher: Teacher | None = None,
    rival: Subject | None = None,
) -> Iterator[Step[Repaired]]:
    """Remove heads and repair what is left, reporting layer by layer.

    Args:
        subject: the full model.
        mask: which heads stay, or a plan.
        calibration: texts that the repair is solved on; labels are not used.
        kind: `none`, `mean` or `least-squares`.
        selection: texts on which the repaired model must not be worse than the unrepaired one; when it is,
            the unrepaired one is returned and the report says so. Not used where answers cannot be judged.
        ridge: pull towards the weights as they are; see `RIDGE`.
        teacher: the full model on these calibration texts (see `teacher_of`), which many repairs can share.
        rival: the unrepaired model, where it is another one than the pruned one.

    Raises:
        MethodError: an unknown repair, texts missing, or quantised weights that it would solve anew.
        ProtocolError: another split than the calibration and selection splits was given, or a teacher of other texts.
        MaskError, PlanError, ModelError: see `surgery.prune`.
    """
    _check(kind, calibration, selection, ridge, teacher)
    start = time.perf_counter()
    mask = mask_of(subject, mask)
    smaller = prune(subject, mask)
    if kind == "none" or mask.is_full or calibration is None:
        report = replace(Report.nothing(time.perf_counter() - start), asked=kind)
        yield Step(1, 1, "layers", Repaired(smaller, report))
        return
    check_solvable(subject, kind)
    teacher = teacher or teacher_of(subject, calibration)
    model = structural_copy(smaller.model)
    layers: list[Recovered] = []
    total = 0
    with torch.inference_mode():
        for done, total, recovered in _changing(teacher, model, mask, kind, ridge):
            layers += recovered
            yield Step(done, total + 1, "layers")
    mended = replace(smaller, model=model)
    unrepaired, repaired = (None, None)
    if selection is not None and subject.task.is_judged:
        unrepaired, repaired, worse = compare(rival or smaller, mended, selection)
        mended = smaller if worse else mended
    report = Report(
        asked=kind,
        used="none" if mended is smaller else kind,
        layers=tuple(layers),
        unrepaired=unrepaired,
        repaired=repaired,
        tokens=teacher.tokens,
        seconds=time.perf_counter() - start,
        measure=subject.task.measures[0] if unrepaired is not None else None,
    )
    yield Step(total + 1, total + 1, "layers", Repaired(mended, report))


def teacher_of(subject: Subject, calibration: Calibration) -> Teacher:
    """What repairs on these texts have in common: the full model's way through them.

    Raises:
        ProtocolError: another split than the calibration split was given.
    """
    only(calibration, Calibration, _REFUSAL.format(use="solved", wanted=Calibration.name))
    tokens = TOKENS // 4 if is_shared() else TOKENS
    return Teacher(subject, calibration, batches(subject, calibration, tokens=tokens))


def compare(before: Subject, after: Subject, split: Selection) -> tuple[float, float, bool]:
    """The task's first measure of two models on a split, and whether the second is worse.

    Where the quick pass in bfloat16 finds accuracies within a few sentences of each other, float32 decides.
    """

    def values(precision: str) -> tuple[float, float]:
        first, second = (
            Replay(subject, split, precision=precision, memory=0).evaluate().main.value
            for subject in (before, after)
        )
        return first, second

    old, new = values("auto")
    if before.task.name == "sequence-classification" and abs(old - new) * len(split) <= CLOSE:
        old, new = values("float32")
    return old, new, new < old if before.task.measures[0].higher_is_better else new > old


def _changing(
    teacher: Teacher, model: Any, mask: HeadMask, kind: str, ridge: float
) -> Iterator[tuple[int, int, list[Recovered]]]:
    if kind == "mean":
        for done, total in folding(teacher.subject, model, mask, teacher.inputs):
            yield done, total, []
        return
    sites = sites_of(model)
    lowest = next(site for site, row in zip(sites, mask.rows, strict=True) if not all(row))
    yield from solving(teacher, model, owners_of(model).index(lowest.owner), ridge)


def check_solvable(subject: Subject, kind: str) -> None:
    """Refuse a repair whose weights cannot be solved anew.

    Raises:
        MethodError: quantised weights.
    """
    if kind != "least-squares":
        return
    for layer, points in zip(owners_of(subject.model), points_of(subject.model), strict=True):
        for point in points:
            if is_quantised(part(layer, point.projection)):
                raise MethodError(
                    f"the repair 'least-squares' solves {point.projection} anew, which is quantised; choose the repair "
                    "mean or none, or repair the model in float32 and quantise what is left"
                )


def _check(
    kind: str, calibration: Any, selection: Any, ridge: float, teacher: Teacher | None
) -> None:
    if kind not in REPAIRS:
        raise MethodError(unknown("repair", kind, REPAIRS))
    if kind != "none" and calibration is None:
        raise MethodError(f"the repair {kind!r} needs texts; give data with a calibration split")
    for split, wanted, use in (
        (calibration, Calibration, "solved"),
        (selection, Selection, "compared"),
    ):
        if split is not None:
            only(split, wanted, _REFUSAL.format(use=use, wanted=wanted.name))
    if kind != "none" and not len(calibration):
        raise MethodError(f"the repair {kind!r} needs texts; the calibration split has none")
    if teacher is not None and teacher.calibration != calibration:
        raise ProtocolError(
            "the teacher has looked at other texts than the repair's calibration split"
        )
    if not 0 <= ridge < float("inf"):
        raise MethodError(f"the ridge must be 0 or more, not {ridge}")
