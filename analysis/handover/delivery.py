"""From a plan to a model that can be handed over: remove, repair, judge, time, write, with the numbers for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from analysis.attention import Intervention, gates_of, intervening
from analysis.ceiling import Ceiling, ceiling
from analysis.cost import Cost, cost
from analysis.evaluation import Evaluation, compared
from analysis.export import Written, export, gated_model
from analysis.footprint import Footprint, footprint
from analysis.handover.parity import answer, probes
from analysis.handover.recovery import Recovery
from analysis.latency import Latency, Runner, timing
from analysis.mask import HeadMask
from analysis.measures import Measured
from analysis.models import Subject
from analysis.plan import Plan
from analysis.progress import Step
from analysis.repair import Report, repairing
from analysis.replay import Replay
from analysis.surgery import mask_of
from analysis.tasks import answers
from analysis.text import Calibration, LabelledText, Selection


@dataclass(frozen=True)
class Standing:
    """A form of the model measured on the reported split."""

    measured: tuple[Measured, ...]
    """The task's measures, the first of which tells most; changes are against the full model, paired."""

    @property
    def main(self) -> Measured:
        """The task's first measure."""
        return self.measured[0]


@dataclass(frozen=True, eq=False)
class Delivery:
    """A smaller model and everything that was found out about it."""

    subject: Subject
    plan: Plan
    report: Report
    parity: float
    """Largest difference between the answers of the removed and the masked model, before repair."""
    before: Cost
    after: Cost
    memory_before: Footprint
    memory_after: Footprint
    latency: Latency | None
    standings: dict[str, Standing]
    """`before`, `masked`, `removed`, `repaired`, as far as the data has the split."""
    split: str
    written: Written | None
    ceiling: Ceiling
    recovery: Recovery | None = None
    """What the repair won back on the reported split; None without a repair or without the split."""
    onnx_latency: Latency | None = None
    """The full model in PyTorch against the written ONNX file in onnxruntime."""

    def numbers(self) -> dict[str, Any]:
        """What was measured, for a model card: sentences and numbers by title."""
        found: dict[str, Any] = {
            "parameters": f"{self.before.parameters:,} before, {self.after.parameters:,} after",
            "operations of one batch": f"{self.before.flops:,} before, {self.after.flops:,} after",
            "memory of one batch, weights and activations": (
                f"{self.memory_before.peak:,} bytes before, {self.memory_after.peak:,} after"
            ),
            "removed against masked": f"answers differ by {self.parity:.2g} at most",
            "repair": self.report.sentence,
        }
        for name, standing in self.standings.items():
            main = standing.main
            told = f"{main.told} (95 % interval {main.interval})"
            if main.change is not None:
                told += f", {main.changed}"
            found[f"{main.title} on {self.split}, {name}"] = told
        if self.recovery is not None:
            found["recovered by repair"] = self.recovery.sentence
        found["ceiling"] = self.ceiling.sentence
        if self.latency is not None:
            low, high = self.latency.ratio_intervals["removed"]
            found["speed"] = (
                f"{self.latency.ratios['removed']:.2f} times ({low:.2f} to {high:.2f}) that of the full model, "
                f"batch {self.latency.batch}, {self.latency.length} tokens, {self.latency.threads} threads, "
                f"{self.latency.dtype}, {self.latency.device}"
            )
        return found


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

    Args:
        subject: the full model.
        data: for repair (`calibration`, `selection`) and for the reported numbers; None judges nothing.
        plan: which heads go, and how to repair.
        wish: what to write and measure.

    Raises:
        HeadcountError: see `repair`, `export`, `timing`.
    """
    mask = mask_of(subject, plan)
    bare, smaller, report = yield from _removing(subject, data, plan, mask, wish)
    parity = _parity(subject, bare, mask)
    length = min(wish.length, subject.max_length)
    before, after = (cost(each, batch=wish.batch, length=length) for each in (subject, smaller))
    forms: dict[str, Evaluation] = {}
    if data is not None and wish.split in data.splits:
        for name, evaluation in _judged(subject, bare, smaller, mask, data, wish):
            forms[name] = evaluation
            yield Step(len(forms), 4, "forms judged")
    latency = None
    if wish.rounds:
        runners = {
            "full": Runner(subject),
            "masked": Runner(subject, mask),
            "removed": Runner(smaller),
        }
        for step in timing(runners, length=length, **wish.timing):
            latency = step.result
            yield Step(step.done, step.total, step.unit)
    memory_before, memory_after = (
        footprint(each, batch=wish.batch, length=length) for each in (subject, smaller)
    )
    found = Delivery(
        smaller,
        plan,
        report,
        parity,
        before,
        after,
        memory_before,
        memory_after,
        latency,
        _standings(forms),
        wish.split,
        None,
        ceiling(subject, length=length),
        _recovery(forms),
    )
    if wish.folder is not None:
        written = export(
            subject,
            smaller,
            plan,
            wish.folder,
            padded=wish.padded,
            onnx=wish.onnx,
            numbers=found.numbers(),
        )
        found = replace(found, written=written)
        if wish.onnx and wish.rounds:
            file = Runner(smaller, onnx=written.folder / "model.onnx")
            for step in timing(
                {"full": Runner(subject), "onnx": file}, length=length, **wish.timing
            ):
                found = replace(found, onnx_latency=step.result)
                yield Step(step.done, step.total, step.unit)
    yield Step(1, 1, "models", found)


def _removing(
    subject: Subject, data: LabelledText | None, plan: Plan, mask: HeadMask, wish: Wish
) -> Any:
    """The model without the heads, the same repaired, and the repair's report."""
    if subject.anatomy.fixed and wish.padded and plan.repair == "none":
        gated = gated_model(subject, mask)
        return gated, gated, Report("none", "none", (), None, None, 0, 0.0)
    splits = data.splits if data is not None else {}
    calibration: Any = splits.get(Calibration.name)
    selection: Any = splits.get(Selection.name)
    bare = smaller = None
    for kind in dict.fromkeys(("none", plan.repair)):
        steps = repairing(
            subject, mask, calibration if kind != "none" else None, kind, selection=selection
        )  # fmt: skip
        for step in steps:
            yield Step(step.done, step.total, step.unit)
        assert step.result is not None
        smaller, report = step.result.subject, step.result.report
        bare = bare or smaller
    return bare, smaller, report


@torch.inference_mode()
def _parity(subject: Subject, bare: Subject, mask: HeadMask) -> float:
    difference = 0.0
    for inputs in probes(subject):
        with intervening(Intervention(gates=gates_of(mask, subject.device))):
            masked = answers(subject.model(**inputs)).float().cpu()
        if masked.dim() == 3 and "attention_mask" in inputs:
            masked = masked * inputs["attention_mask"][..., None].cpu()
        difference = max(difference, float((masked - answer(bare, inputs)).abs().max()))
    return difference


def _judged(
    subject: Subject,
    bare: Subject,
    smaller: Subject,
    mask: HeadMask,
    data: LabelledText,
    wish: Wish,
) -> Iterator[tuple[str, Evaluation]]:
    split = data.split(wish.split)
    split = split if wish.limit is None else split.limited(wish.limit)
    forms: dict[str, tuple[Subject, HeadMask | None]] = {
        "before": (subject, None),
        "masked": (subject, mask),
        "removed": (bare, None),
        "repaired": (smaller, None),
    }
    if smaller is bare:
        del forms["repaired"]
    replays: dict[int, Replay] = {}
    for name, (model, wanted) in forms.items():
        if id(model) not in replays:
            replays[id(model)] = Replay(model, split)
        replay = replays[id(model)]
        yield name, replace(replay.evaluate(wanted), baseline=None)


def _standings(forms: dict[str, Evaluation]) -> dict[str, Standing]:
    """Every form against the full model."""
    full = forms.get("before")
    return {
        name: Standing(compared(form, full if form is not full else None).measured)
        for name, form in forms.items()
    }


def _recovery(forms: dict[str, Evaluation]) -> Recovery | None:
    """What the repair won back, from the same answers."""
    if "repaired" not in forms:
        return None
    removed = compared(forms["removed"], forms["before"])
    return Recovery.of(removed.main, compared(forms["repaired"], forms["removed"]).main)
