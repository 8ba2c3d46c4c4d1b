"""`headcount evaluate`: accuracy and loss with some heads off."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.output import IMPORTING, Clock, print_json, waiting, watch
from analysis.cli.request import (
    AsJson,
    Data,
    LabelColumn,
    Labels,
    Limit,
    Model,
    Request,
    SplitName,
    TextColumn,
    Trust,
)
from analysis.errors import MethodError, PlanError, unknown
from analysis.mask import HeadMask, parse_heads
from analysis.plan import LARGEST, Plan

if TYPE_CHECKING:
    from analysis.attention import Means
    from analysis.evaluation import Evaluation
    from analysis.models import Subject
    from analysis.text import LabelledText


def evaluate_command(
    model: Model = "demo",
    data: Data = "demo",
    split: SplitName = "test",
    off: Annotated[
        str | None, typer.Option(help="Heads to switch off, layer.head, such as 0.3,2.7.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="A plan's file; its mask and ablation are used.")
    ] = None,
    ablation: Annotated[
        str | None, typer.Option(help="What a head that is off contributes: zero or mean.")
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    labels: Labels = None,
    trust_remote_code: Trust = False,
) -> None:
    """Measure accuracy and loss with some heads off, against the full model."""
    request = Request(
        model, data, split, limit, text_column, label_column, labels, trust_remote_code
    )
    if off is not None and plan is not None:
        raise PlanError("give either --off or --plan, not both")
    heads, content = parse_heads(off or ""), None if plan is None else _read(plan)
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.attention import ABLATIONS
        from analysis.batches import batches
        from analysis.evaluation import evaluating
    if ablation is not None and ablation not in ABLATIONS:
        raise MethodError(unknown("ablation", ablation, ABLATIONS))
    subject, everything, texts = request.open()
    mask = HeadMask.off(subject.anatomy, heads)
    if content is not None:
        given = _plan(subject, content)
        mask, ablation = given.mask, ablation or given.ablation
    kind: Any = ablation or "zero"
    means = _means(subject, everything) if kind == "mean" else None
    steps = evaluating(subject, batches(subject, texts), mask, ablation=kind, means=means)
    found = watch(steps, f"evaluating {mask.heads_on} of {mask.heads_total} heads")
    answer = {**request.answer(), **evaluation_answer(found), "seconds": clock.seconds}
    if as_json:
        print_json(answer)
    else:
        _print_evaluation(answer, mask)


def evaluation_answer(found: Evaluation) -> dict[str, Any]:
    """The numbers of an evaluation; the full model is its own baseline."""
    from analysis.intervals import Change

    baseline = found.baseline or found
    return {
        "n": found.n,
        "accuracy": found.accuracy,
        "low": found.low,
        "high": found.high,
        "loss": found.loss,
        "heads_on": found.heads_on,
        "heads_total": found.heads_total,
        "baseline": {"accuracy": baseline.accuracy, "loss": baseline.loss},
        "change": asdict(found.change or Change(0.0, 0.0, 0.0)),
        "flips": {
            "fixed": len(found.flips.fixed) if found.flips else 0,
            "broken": len(found.flips.broken) if found.flips else 0,
        },
    }


def _print_evaluation(answer: dict[str, Any], mask: HeadMask) -> None:
    change, flips = answer["change"], answer["flips"]
    print(f"{answer['heads_on']} of {answer['heads_total']} heads on, {answer['n']} texts")
    print(
        f"accuracy {answer['accuracy']:.1%} (95 % interval {answer['low']:.1%} to "
        f"{answer['high']:.1%}), loss {answer['loss']:.3f}"
    )
    if not mask.is_full:
        print(
            f"all heads {answer['baseline']['accuracy']:.1%}, change {change['points']:+.1f} points "
            f"({change['low']:+.1f} to {change['high']:+.1f}); "
            f"{flips['fixed']} answers became right, {flips['broken']} wrong"
        )


def _means(subject: Subject, data: LabelledText) -> Means:
    from analysis.profiling import profiling

    return watch(profiling(subject, data.split("calibration")), "mean outputs of the heads").means


def _plan(subject: Subject, content: bytes) -> Plan:
    given = Plan.from_json(subject.anatomy, content, fingerprint=subject.fingerprint)
    if given.repair != "none":
        raise PlanError(f"the plan {given.name!r} repairs by {given.repair}; evaluate only masks")
    return given


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise PlanError(f"cannot read the plan {path}: {error.strerror}") from error
