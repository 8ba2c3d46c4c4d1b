"""`headcount rank`: the heads in order of importance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.cli.output import IMPORTING, Clock, print_json, print_table, waiting, watch
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
from analysis.mask import HeadMask, name
from analysis.plan import Plan


def rank_command(
    model: Model = "demo",
    data: Data = "demo",
    split: SplitName = "calibration",
    limit: Limit = None,
    method: Annotated[str, typer.Option(help="How heads are scored.")] = "attention-guided",
    seed: Annotated[int, typer.Option(help="Of the random method.")] = 0,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Name the heads that go when so many are kept.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="With --keep: write that mask as a plan.")
    ] = None,
    as_json: AsJson = False,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    labels: Labels = None,
    trust_remote_code: Trust = False,
) -> None:
    """Put the heads in order of importance, and say which would go."""
    if save is not None and keep is None:
        raise PlanError("a plan needs a number of heads; give --keep with --save")
    request = Request(
        model, data, split, limit, text_column, label_column, labels, trust_remote_code
    )
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.scores import METHODS
        from analysis.scores import ranking as scoring
    if method not in METHODS:
        raise MethodError(unknown("method", method, METHODS))
    subject, everything, texts = request.open()
    selection: Any = everything.splits.get("selection")
    given: Any = texts
    steps = scoring(subject, given, method, seed=seed, selection=selection)
    ranking = watch(steps, f"scoring heads by {method}")
    scores = ranking.values.set_index(["layer", "head"])["score"].to_dict()
    heads = [{"layer": at[0], "head": at[1], "score": scores[at]} for at in ranking.order]
    answer: dict[str, Any] = {
        **request.answer(),
        "n": len(texts),
        "method": method,
        "seed": seed,
        "heads": heads,
    }
    if keep is not None:
        mask = ranking.mask(subject.anatomy, keep)
        answer |= {"keep": keep, "mask": mask.encode(), "off": _written(mask)}
        if save is not None:
            plan = Plan(f"{method}, {keep} heads", model, subject.fingerprint, mask)
            _write(save, plan.to_json())
    if as_json:
        print_json({**answer, "seconds": clock.seconds})
        return
    rows = [
        [place, name((h["layer"], h["head"])), float(h["score"])]
        for place, h in enumerate(heads, 1)
    ]
    print_table(f"{model}: {method}, most important first", ["rank", "head", "score"], rows)
    if keep is not None:
        print(f"Off when {keep} are kept: {answer['off'] or 'none'}")


def _written(mask: HeadMask) -> str:
    return ",".join(f"{layer}.{head}" for layer, head in mask.off_heads)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PlanError(f"cannot write the plan {path}: {error.strerror}") from error
