"""`headcount sweep`: accuracy against heads removed."""

from __future__ import annotations

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
from analysis.errors import MethodError, unknown


def sweep_command(
    model: Model = "demo",
    data: Data = "demo",
    split: SplitName = "selection",
    methods: Annotated[
        str | None, typer.Option(help="Methods to compare, with commas; all when not given.")
    ] = None,
    fractions: Annotated[
        str, typer.Option(help="Shares of heads removed, 0 to 1.")
    ] = "0.1,0.25,0.5,0.75,0.9",
    seeds: Annotated[str, typer.Option(help="Seeds of the random method.")] = "0,1,2",
    ablation: Annotated[
        str, typer.Option(help="What a head that is off contributes: zero or mean.")
    ] = "zero",
    limit: Limit = None,
    as_json: AsJson = False,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    labels: Labels = None,
    trust_remote_code: Trust = False,
) -> None:
    """See how accuracy falls as heads are removed, by several methods."""
    request = Request(
        model, data, split, limit, text_column, label_column, labels, trust_remote_code
    )
    shares, numbers = _listed(fractions, float, "fractions"), _listed(seeds, int, "seeds")
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.attention import ABLATIONS
        from analysis.scores import METHODS
        from analysis.sweep import sweeping
    if ablation not in ABLATIONS:
        raise MethodError(unknown("ablation", ablation, ABLATIONS))
    chosen = [each.strip() for each in methods.split(",")] if methods else list(METHODS)
    for each in chosen:
        if each not in METHODS:
            raise MethodError(unknown("method", each, METHODS))
    subject, everything, _ = request.open()
    kind: Any = ablation
    table = watch(
        sweeping(
            subject,
            everything,
            chosen,
            fractions=shares,
            seeds=numbers,
            split=split,
            limit=limit,
            ablation=kind,
        ),
        f"evaluating {len(chosen)} methods",
    )
    if as_json:
        rows = table.to_dict("records")
        print_json({**request.answer(), "limit": limit, "rows": rows, "seconds": clock.seconds})
        return
    columns = [
        "method",
        "fraction",
        "seed",
        "heads_on",
        "accuracy",
        "low",
        "high",
        "change",
        "loss",
    ]
    print_table(f"{model}: {data}, {split}", columns, table[columns].values.tolist())


def _listed(text: str, kind: type[Any], what: str) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise MethodError(
            f"cannot read {text[:60]!r} as {what}; write numbers with commas"
        ) from error
