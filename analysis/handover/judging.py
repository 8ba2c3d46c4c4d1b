"""How well each form of a model answers: full, with heads switched off, without them, and repaired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from analysis.attention import Ablation, Intervention, Means, gates_of, intervening
from analysis.errors import ModelError
from analysis.evaluation import Evaluation, compared
from analysis.export.parity import TOLERANCE, answer, probes
from analysis.handover.recovery import Recovery
from analysis.mask import HeadMask
from analysis.measures import Measured
from analysis.models import Subject
from analysis.replay import Replay
from analysis.text import Split


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
class Forms:
    """One plan's model in all its forms."""

    full: Subject
    mask: HeadMask
    means: Means | None
    """The heads' mean outputs where a head that is off counts as its mean; None where it counts as zero."""
    removed: Subject
    """Without the heads that are off, otherwise answering as the masked model does."""
    repaired: Subject | None
    """The same repaired; None without a repair, or when it was taken back."""

    @property
    def smaller(self) -> Subject:
        """The model that is handed over."""
        return self.repaired or self.removed


@torch.inference_mode()
def parity(forms: Forms) -> float:
    """Largest difference between the answers of the removed and the masked model.

    Raises:
        ModelError: it is more than rounding explains.
    """
    difference = largest = 0.0
    gates = gates_of(forms.mask, forms.full.device)
    for inputs in probes(forms.full):
        with intervening(Intervention(gates=gates, means=forms.means)):
            masked = answer(forms.full, inputs)
        difference = max(difference, float((masked - answer(forms.removed, inputs)).abs().max()))
        largest = max(largest, float(masked.abs().max()))
    if difference > TOLERANCE * max(1.0, largest):
        raise ModelError(
            f"without these heads {forms.full.name} answers differently from how it does with them switched off, "
            f"by {difference:.2g} where answers reach {largest:.3g}; nothing was written"
        )
    return difference


def judging(forms: Forms, split: Split) -> Iterator[tuple[str, Evaluation]]:
    """Evaluate `before`, `masked`, `removed` and, where there is one, the `repaired` model.

    In float32, whatever the processor is made for: these numbers are handed over with the model.
    """
    full = Replay(forms.full, split, precision="float32")
    yield "before", replace(full.evaluate(), baseline=None)
    kind: Ablation = "zero" if forms.means is None else "mean"
    masked = full.evaluate(forms.mask, ablation=kind, means=forms.means)
    yield "masked", replace(masked, baseline=None)
    for name, subject in (("removed", forms.removed), ("repaired", forms.repaired)):
        if subject is not None:
            yield (
                name,
                replace(Replay(subject, split, precision="float32").evaluate(), baseline=None),
            )


def standings(found: Mapping[str, Evaluation]) -> dict[str, Standing]:
    """Every form against the full model."""
    full = found.get("before")
    return {
        name: Standing(compared(form, full if form is not full else None).measured)
        for name, form in found.items()
    }


def recovery(found: Mapping[str, Evaluation]) -> Recovery | None:
    """What the repair won back, from the same answers; None without a repair."""
    if "repaired" not in found:
        return None
    removed = compared(found["removed"], found["before"])
    return Recovery.of(removed.main, compared(found["repaired"], found["removed"]).main)
