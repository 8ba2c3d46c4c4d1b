"""`headcount evaluate`: how good a model is at its task with some heads off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.looks import tell_look
from analysis.cli.output import IMPORTING, Clock, print_json, waiting, watch
from analysis.cli.plans import read_plan
from analysis.cli.quality import evaluation_answer, evaluation_lines
from analysis.cli.request import AsJson, Request, asking
from analysis.errors import MethodError, PlanError, unknown
from analysis.mask import HeadMask, parse_heads
from analysis.plan import Plan

if TYPE_CHECKING:
    from analysis.attention import Means
    from analysis.models import Subject
    from analysis.text import LabelledText


@asking()
def evaluate_command(
    request: Request,
    off: Annotated[
        str | None, typer.Option(help="Heads to switch off, layer.head, such as 0.3,2.7.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="A plan's file; its mask and ablation are used.")
    ] = None,
    ablation: Annotated[
        str | None, typer.Option(help="What a head that is off contributes: zero or mean.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the model at its task with some heads off, against the full model."""
    if off is not None and plan is not None:
        raise PlanError("give either --off or --plan, not both")
    heads, content = parse_heads(off or ""), read_plan(plan)
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.attention import ABLATIONS
        from analysis.batches import batches
        from analysis.evaluation import evaluating
        from analysis.protocol import unfitted, untraced
        from analysis.store import Look
    if ablation is not None and ablation not in ABLATIONS:
        raise MethodError(unknown("ablation", ablation, ABLATIONS))
    subject, everything, texts = request.open()
    request = replace(request, split=texts.name)
    mask = HeadMask.off(subject.anatomy, heads)
    if content is not None:
        given = _plan(subject, content)
        untraced(texts, given.trace, f"the plan {given.name!r}")
        mask, ablation = given.mask, ablation or given.ablation
    kind: Any = ablation or "zero"
    if kind == "mean":
        unfitted(texts.name, "the heads' mean output")
    means = _means(subject, everything) if kind == "mean" else None
    steps = evaluating(subject, batches(subject, texts), mask, ablation=kind, means=means)
    found = watch(steps, f"evaluating {mask.heads_on} of {mask.heads_total} heads")
    if texts.name == "test":
        tell_look(subject, everything, [Look(mask, kind)])
    answer = {**request.answer(), **evaluation_answer(found), "seconds": clock.seconds}
    if as_json:
        print_json(answer)
    else:
        print("\n".join(evaluation_lines(found)))


def _means(subject: Subject, data: LabelledText) -> Means:
    from analysis.profiling import profiling

    return watch(profiling(subject, data.split("calibration")), "mean outputs of the heads").means


def _plan(subject: Subject, content: bytes) -> Plan:
    given = Plan.from_json(subject.anatomy, content, fingerprint=subject.fingerprint)
    if given.repair != "none":
        raise PlanError(
            f"the plan {given.name!r} repairs by {given.repair}, and masks are evaluated unrepaired; "
            "`headcount prune --plan FILE` removes, repairs and evaluates it"
        )
    return given
