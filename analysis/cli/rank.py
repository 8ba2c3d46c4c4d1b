"""`headcount rank`: the heads in order of importance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.output import IMPORTING, Clock, print_json, print_table, waiting, watch
from analysis.cli.plans import check_place, write_plan
from analysis.cli.request import AsJson, Request, asking
from analysis.errors import MethodError, PlanError, unknown
from analysis.mask import HeadMask, name
from analysis.plan import Plan

if TYPE_CHECKING:
    from analysis.models import Subject


@asking(split="calibration")
def rank_command(
    request: Request,
    method: Annotated[str, typer.Option(help="How heads are scored.")] = "attention-guided",
    seed: Annotated[
        int, typer.Option(help="Of the random method, and of the orders of Shapley.")
    ] = 0,
    tuned: Annotated[
        bool,
        typer.Option(
            "--tuned",
            help="Choose the method's weights on the selection split (attention-guided, hies).",
        ),
    ] = False,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Name the heads that go when so many are kept.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="With --keep: write that mask as a plan.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the heads in order of importance, and say which would go."""
    if save is not None and keep is None:
        raise PlanError("a plan needs a number of heads; give --keep with --save")
    if save is not None:
        check_place(save)
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.protocol import trace
        from analysis.scores import METHODS, sampled
        from analysis.scores import ranking as scoring
        from analysis.tuning import check_tunable
    if method not in METHODS:
        raise MethodError(unknown("method", method, METHODS))
    if tuned:
        check_tunable(method)
    subject, given, selection = _opened(request, METHODS[method].needs)
    setting = _tuned(subject, given, selection, method) if tuned else None
    steps = scoring(subject, given, method, seed=seed, selection=selection, setting=setting)
    ranking = watch(steps, f"scoring heads by {method}")
    heads = ranking.table.to_dict("records")
    answer: dict[str, Any] = {
        **request.answer(),
        "n": 0 if given is None else len(given),
        "method": method,
        "seed": seed,
        "heads": heads,
    }
    if setting is not None:
        answer["setting"] = setting
    if keep is not None:
        mask = ranking.mask(subject.anatomy, keep)
        answer |= {"keep": keep, "mask": mask.encode(), "off": _written(mask)}
        if save is not None:
            looked_at = selection if tuned or METHODS[method].searches else None
            plan = Plan(
                f"{method}, {keep} heads",
                request.model,
                subject.fingerprint,
                mask,
                trace=trace(given, looked_at),
            )
            write_plan(save, plan.to_json())
    if as_json:
        print_json({**answer, "seconds": clock.seconds})
        return
    columns = [each for each in ("score", "error") if each in heads[0]]
    rows = [
        [place, name((h["layer"], h["head"])), *(float(h[column]) for column in columns)]
        for place, h in enumerate(heads, 1)
    ]
    if setting is not None:
        print(f"Weights chosen on the selection split: {', '.join(f'{w:.2g}' for w in setting)}")
    print_table(
        f"{request.model}: {method}, most important first", ["rank", "head", *columns], rows
    )
    if ranking.errors:
        print(sampled(ranking))
    if keep is not None:
        print(f"Off when {keep} are kept: {answer['off'] or 'none'}")


def _opened(request: Request, needs: str) -> tuple[Any, Any, Any]:
    """The model, the texts that heads are scored on, and those for searches; none where none are needed."""
    if needs not in ("nothing", "weights"):
        subject, everything, texts = request.open(needs_labels=False)
        return subject, texts, everything.splits.get("selection")
    return request.open_any(needs_labels=False)[0], None, None


def _tuned(subject: Subject, given: Any, selection: Any, method: str) -> tuple[float, ...]:
    """The method's weights that stay nearest to the full model's answers on the selection split."""
    from analysis.tuning import tune

    if selection is None:
        raise MethodError(
            "weights are chosen on the selection split, which these sentences do not have"
        )
    with waiting(f"choosing the weights of {method}"):
        return tune(subject, given, selection, method).setting


def _written(mask: HeadMask) -> str:
    return ",".join(f"{layer}.{head}" for layer, head in mask.off_heads)
