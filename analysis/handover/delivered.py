"""A smaller model that is handed over, with everything that was found out about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.ceiling import Ceiling
from analysis.cost import Cost
from analysis.export.folder import Written
from analysis.footprint import Footprint
from analysis.handover.judging import Standing
from analysis.handover.recovery import Recovery
from analysis.latency import Latency
from analysis.models import Subject
from analysis.plan import Plan
from analysis.repair import Report
from analysis.store import Look


@dataclass(frozen=True, eq=False)
class Delivery:
    """A smaller model and everything that was found out about it."""

    subject: Subject
    plan: Plan
    """With the repair that the model really has."""
    report: Report
    parity: float
    """Largest difference between the answers of the removed and the masked model, before repair."""
    before: Cost
    after: Cost
    """Of the model as it is written."""
    memory_before: Footprint
    memory_after: Footprint
    latency: Latency | None
    standings: dict[str, Standing]
    """`before`, `masked`, `removed` and, where a repair was kept, `repaired`; empty for models that answer
    nothing that could be judged."""
    split: str
    padded: bool
    """The original shape was kept: nothing is smaller or faster."""
    written: Written | None
    ceiling: Ceiling
    recovery: Recovery | None = None
    """What the repair won back on the reported split; None without a repair or without the split."""
    onnx_latency: Latency | None = None
    """The full model's ONNX file against the written one, both in onnxruntime, float32."""

    @property
    def looks(self) -> tuple[Look, ...]:
        """What of it was measured on the test split; nothing where another split, or none, was used."""
        if self.split != "test" or not self.standings:
            return ()
        mask, ablation, repair = self.plan.mask, self.plan.ablation, self.plan.repair
        # Removed heads that contribute their mean are folded into the bias.
        removed = Look(mask) if ablation == "zero" else Look(mask, repair="mean")
        found = [Look(mask, ablation), removed]
        found += [Look(mask, repair=repair)] if repair != "none" else []
        return tuple(dict.fromkeys(each for each in found if not each.mask.is_full))

    def numbers(self) -> dict[str, Any]:
        """What was measured, for a model card: sentences and numbers by title."""
        found: dict[str, Any] = {
            "parameters": f"{self.before.parameters:,} before, {self.after.parameters:,} after",
            "parameters of the layers": (
                f"{self.before.layer_parameters:,} before, {self.after.layer_parameters:,} after"
            ),
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
        if self.padded:
            found["speed"] = "the full model's: the original shape was kept"
        if self.latency is not None:
            found |= _told_speed(self.latency, "PyTorch")
        if self.onnx_latency is not None:
            found |= _told_speed(self.onnx_latency, "onnxruntime")
        return found


def _told_speed(latency: Latency, runtime: str) -> dict[str, str]:
    """How long one batch takes in each form, and how many times as fast the smaller model is."""
    low, high = latency.ratio_intervals["removed"]
    how = f"batch {latency.batch}, {latency.length} tokens, {latency.threads} threads"
    ratios = (
        f"{latency.ratios['removed']:.2f} times ({low:.2f} to {high:.2f}) that of the full model"
    )
    if "masked" in latency.ratios:
        ratios += f"; with heads only switched off {latency.ratios['masked']:.2f} times"
    times = ", ".join(
        f"{form} {each.median:.2f} ms ({each.low_quartile:.2f} to {each.high_quartile:.2f})"
        for form, each in latency.timings.items()
    )
    return {
        f"speed in {runtime}": f"{ratios}; {how}, {latency.dtype}, {latency.device}",
        f"time of one batch in {runtime}, median and quartiles": times,
    }
