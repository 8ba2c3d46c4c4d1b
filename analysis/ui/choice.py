"""How a person wants the smaller model handed over, and the plan that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.mask import HeadMask
from analysis.ui.resources import Workspace

if TYPE_CHECKING:
    from analysis.plan import Plan


@dataclass(frozen=True)
class Choice:
    """How the model is handed over."""

    repair: str
    padded: bool
    onnx: bool
    batch: int = 1
    length: int = 128
    threads: int | None = None
    dtype: str = "float32"
    ablation: str = "zero"
    """What a head that is off counted as on the Prune page; the model handed over answers likewise."""
    name: str = ""
    """What the plan is called; empty for one that nobody has named."""


def plan_of(here: Workspace, mask: HeadMask, choice: Choice) -> Plan:
    """The plan that is carried out."""
    from analysis.plan import Plan

    return Plan(
        name=choice.name or f"{mask.heads_on} of {mask.heads_total} heads",
        model=here.subject.spec,
        fingerprint=here.subject.fingerprint,
        mask=mask,
        ablation=choice.ablation,  # type: ignore[arg-type]
        repair=choice.repair,  # type: ignore[arg-type]
        trace=here.trace,
    )
