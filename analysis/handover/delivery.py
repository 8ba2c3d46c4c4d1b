"""From a plan to a model that can be handed over: remove, repair, judge, time, write, with the numbers for it."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.ceiling import ceiling
from analysis.cost import cost
from analysis.errors import MethodError, ModelError
from analysis.evaluation import Evaluation
from analysis.export.folder import check_wish, export, gated_model, padded_model
from analysis.export.onnx_export import write_onnx
from analysis.footprint import footprint
from analysis.handover.delivered import Delivery
from analysis.handover.judging import Forms, judging, parity, recovery, standings
from analysis.latency import Latency, Runner, timing
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.plan import Plan
from analysis.profiling import profiling
from analysis.progress import Step
from analysis.protocol import unfitted, unseen, untraced
from analysis.repair import Report, repairing
from analysis.surgery import mask_of
from analysis.text import Calibration, LabelledText, Selection, Split


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    folder: Path | None = None
    """Where to write; None writes nothing."""
    padded: bool = False
    onnx: bool = False
    split: str = "test"
    limit: int | None = None
    """Texts of the reported split to use, chosen by hash; all when not given."""
    batch: int = 1
    length: int = 128
    rounds: int = 15
    """Rounds of the timing; 0 skips it."""
    threads: int | None = None
    dtype: str = "float32"
    """What is timed; everything else is computed as it always is."""

    @property
    def timing(self) -> dict[str, Any]:
        """As `timing` takes it, but for the length."""
        return {
            "batch": self.batch,
            "rounds": self.rounds,
            "threads": self.threads,
            "dtype": self.dtype,
        }


def delivering(
    subject: Subject, data: LabelledText | None, plan: Plan, wish: Wish
) -> Iterator[Step[Delivery]]:
    """Remove the heads of a plan, repair, judge, time and write, reporting stage by stage.

    A plan that counts a head that is off as its mean output (`ablation="mean"`) is carried out as it was seen:
    the means are folded into the bias, which is exact.

    Args:
        subject: the full model.
        data: for repair (`calibration`, `selection`) and for the reported numbers; None judges nothing.
        plan: which heads go, and how to repair.
        wish: what to write and measure.

    Raises:
        HeadcountError: see `repair`, `export`, `timing`; what can be seen beforehand is said before any work.
    """
    mask = mask_of(subject, plan)
    split = _foreseen(subject, data, plan, wish)
    forms, report = yield from _removing(subject, data, plan, mask, wish)
    difference = parity(forms)
    written_form = _written_form(forms, wish)
    judged: dict[str, Evaluation] = {}
    if split is not None:
        for name, evaluation in judging(forms, split):
            judged[name] = evaluation
            yield Step(len(judged), 4, "forms judged")
    length = min(wish.length, subject.max_length)
    latency = None
    if wish.rounds and not wish.padded:
        runners = {
            "full": Runner(subject),
            "masked": Runner(subject, mask),
            "removed": Runner(written_form),
        }
        for step in timing(runners, length=length, **wish.timing):
            latency = step.result
            yield Step(step.done, step.total, step.unit)
    before, after = (
        cost(each, batch=wish.batch, length=length) for each in (subject, written_form)
    )
    memory_before, memory_after = (
        footprint(each, batch=wish.batch, length=length) for each in (subject, written_form)
    )
    found = Delivery(
        subject=forms.smaller,
        plan=replace(plan, repair=report.used),  # type: ignore[arg-type]
        report=report,
        parity=difference,
        before=before,
        after=after,
        memory_before=memory_before,
        memory_after=memory_after,
        latency=latency,
        standings=standings(judged),
        split=wish.split,
        padded=wish.padded,
        written=None,
        ceiling=ceiling(subject, length=length),
        recovery=recovery(judged),
    )
    if wish.folder is not None:
        found = yield from _writing(subject, found, wish, length)
    yield Step(1, 1, "models", found)


def _foreseen(subject: Subject, data: LabelledText | None, plan: Plan, wish: Wish) -> Split | None:
    """Refuse what can be refused before any work, and find the texts of the reported numbers."""
    if wish.folder is not None:
        check_wish(subject, plan, wish.folder, onnx=wish.onnx)
    if subject.anatomy.fixed and not (wish.padded and plan.repair == "none"):
        raise ModelError(
            f"heads of {subject.anatomy.family} can be switched off, not removed: {subject.anatomy.fixed}. "
            "Keep the original shape and repair nothing (--padded --repair none): their weights are set to 0"
        )
    if subject.anatomy.fixed and plan.ablation == "mean":
        raise ModelError(
            f"heads of {subject.anatomy.family} cannot be replaced by their mean output, only set to 0; "
            "make the plan with the ablation zero"
        )
    if data is not None:
        unseen(data)
    if data is None or not subject.task.is_judged:
        return None
    if plan.repair != "none":
        unfitted(wish.split, "a repair")
    if plan.ablation == "mean":
        unfitted(wish.split, "the heads' mean output")
    split = data.split(wish.split)
    untraced(split, plan.trace, f"the plan {plan.name!r}")
    return split if wish.limit is None else split.limited(wish.limit)


def _removing(
    subject: Subject, data: LabelledText | None, plan: Plan, mask: HeadMask, wish: Wish
) -> Generator[Step[Any], None, tuple[Forms, Report]]:
    """The model in its forms, and the repair's report."""
    if subject.anatomy.fixed:
        gated = gated_model(subject, mask)
        return Forms(subject, mask, None, gated, None), Report.nothing()
    splits = data.splits if data is not None else {}
    calibration: Any = splits.get(Calibration.name)
    selection: Any = splits.get(Selection.name) if subject.task.is_judged else None
    means = None
    faithful = "none"
    if plan.ablation == "mean" and not mask.is_full:
        faithful = "mean"
        if calibration is None:
            raise MethodError("the plan's ablation 'mean' needs data with a calibration split")
        for step in profiling(subject, calibration):
            yield Step(step.done, step.total, step.unit)
        assert step.result is not None
        means = step.result.means
    removed, report = yield from _repaired(subject, mask, calibration, faithful)
    repaired = None
    if plan.repair not in ("none", faithful):
        repaired, report = yield from _repaired(
            subject, mask, calibration, plan.repair, selection, rival=removed
        )
        if report.used == "none":
            repaired, report = None, replace(report, used=faithful)
    return Forms(subject, mask, means, removed, repaired), report


def _repaired(
    subject: Subject,
    mask: HeadMask,
    calibration: Any,
    kind: str,
    selection: Any = None,
    rival: Subject | None = None,
) -> Generator[Step[Any], None, tuple[Subject, Report]]:
    texts = calibration if kind != "none" else None
    for step in repairing(subject, mask, texts, kind, selection=selection, rival=rival):
        yield Step(step.done, step.total, step.unit)
    assert step.result is not None
    return step.result.subject, step.result.report


def _written_form(forms: Forms, wish: Wish) -> Subject:
    """The model as it is written, whose cost is reported."""
    if not wish.padded:
        return forms.smaller
    model = padded_model(forms.full, forms.smaller, forms.mask)
    return replace(forms.full, model=model)


def _writing(
    subject: Subject, found: Delivery, wish: Wish, length: int
) -> Generator[Step[Any], None, Delivery]:
    """Write the folder, and time its ONNX file."""
    assert wish.folder is not None
    options = {"padded": wish.padded, "onnx": wish.onnx}
    written = export(
        subject, found.subject, found.plan, wish.folder, numbers=found.numbers(), **options
    )
    found = replace(found, written=written)
    if not (wish.onnx and wish.rounds) or wish.padded:
        return found
    try:
        for step in _timing_onnx(subject, found, written.folder / "model.onnx", wish, length):
            found = replace(found, onnx_latency=step.result)
            yield Step(step.done, step.total, step.unit)
    except (OSError, ModelError):  # what was written is good, whether or not it can be timed
        found = replace(found, onnx_latency=None)
    return found


def _timing_onnx(
    subject: Subject, found: Delivery, file: Path, wish: Wish, length: int
) -> Iterator[Step[Latency]]:
    """The written ONNX file against the full model's, the same runtime on both sides."""
    place = file.parent.parent
    with tempfile.TemporaryDirectory(prefix=".headcount-onnx-", dir=place) as room:
        whole = Path(room) / "model.onnx"
        write_onnx(subject.model, subject, whole)
        runners = {
            "full": Runner(subject, onnx=whole),
            "removed": Runner(found.subject, onnx=file),
        }
        yield from timing(runners, length=length, **{**wish.timing, "dtype": "float32"})
