"""How commands tell how good a model is: in its task's own measures and units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation
    from analysis.measures import Measured


def quality_answer(measured: Sequence[Measured]) -> dict[str, Any]:
    """A task's measures for `--json`; `accuracy`, its interval and its change also stand alone."""
    accuracy = next(each for each in measured if each.measure.name == "accuracy")
    return {
        "accuracy": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "change": asdict(accuracy.change) if accuracy.change else None,
        "measures": {each.measure.name: _measure(each) for each in measured},
    }


def evaluation_answer(found: Evaluation) -> dict[str, Any]:
    """The numbers of an evaluation; the full model is its own baseline."""
    from analysis.intervals import Change

    baseline = found.baseline or found
    return {
        "task": found.task.name,
        "unit": found.task.item,
        "n": found.n,
        **quality_answer(found.measured),
        "loss": found.loss,
        "heads_on": found.heads_on,
        "heads_total": found.heads_total,
        "baseline": {
            **{each.measure.name: each.value for each in baseline.measured},
            "loss": baseline.loss,
        },
        "change": asdict(found.change or Change(0.0, 0.0, 0.0)),
        "flips": {
            "fixed": len(found.flips.fixed) if found.flips else 0,
            "broken": len(found.flips.broken) if found.flips else 0,
        },
    }


def evaluation_lines(found: Evaluation) -> list[str]:
    """An evaluation in sentences, the task's first measure first."""
    lines = [
        f"{found.heads_on} of {found.heads_total} heads on, {found.n:,} {found.task.item}",
        ", ".join(
            f"{each.title} {each.told}"
            + (f" (95 % interval {each.interval})" if place == 0 else "")
            for place, each in enumerate(found.measured)
        ),
    ]
    if found.baseline is not None and found.flips is not None:
        main = found.main
        lines.append(
            f"all heads {found.baseline.main.told}, change {main.changed}; "
            f"{len(found.flips.fixed):,} answers became right, {len(found.flips.broken):,} wrong"
        )
    return lines


def _measure(each: Measured) -> dict[str, Any]:
    return {
        "value": each.value,
        "low": each.low,
        "high": each.high,
        "unit": each.measure.unit,
        "change": asdict(each.change) if each.change else None,
    }
