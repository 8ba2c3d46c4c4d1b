"""`headcount sweep`: accuracy against heads removed."""

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
from analysis.errors import MethodError


def sweep_command(
    model: Model = "demo",
    data: Data = "demo",
    split: SplitName = "selection",
    methods: Annotated[
        str | None,
        typer.Option(
            help="Methods to compare, with commas; all that take a few passes when not given."
        ),
    ] = None,
    fractions: Annotated[
        str, typer.Option(help="Shares of heads removed, 0 to 1.")
    ] = "0.1,0.25,0.5,0.75,0.9",
    seeds: Annotated[
        str, typer.Option(help="Seeds of the random masks, such as 0,1,2 or 0-99.")
    ] = "0-19",
    ablation: Annotated[
        str, typer.Option(help="What a head that is off contributes: zero or mean.")
    ] = "zero",
    repair: Annotated[
        str,
        typer.Option(help="What is done after removal: none, mean, least-squares; with commas."),
    ] = "none",
    tuned: Annotated[
        bool, typer.Option("--tuned", help="Choose the methods' settings on the selection split.")
    ] = False,
    timed: Annotated[
        bool, typer.Option("--timed", help="Remove the heads and time the smaller models.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(help="Write the table to this .csv or .parquet; run again to go on."),
    ] = None,
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
    shares, numbers = _listed(fractions, float, "fractions"), _seeds(seeds)
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.scores import QUICK
        from analysis.sweep import Sweep, sweeping
    plan = Sweep(
        tuple(each.strip() for each in methods.split(",")) if methods else tuple(QUICK),
        fractions=tuple(shares),
        seeds=tuple(numbers),
        split=split,
        limit=limit,
        ablation=ablation,  # type: ignore[arg-type]
        repairs=tuple(each.strip() for each in repair.split(",")),
        tuned=tuned,
        timed=timed,
    )
    plan.check()
    subject, everything, _ = request.open()
    options = {name: value for name, value in vars(plan).items() if name != "methods"}
    table = watch(
        sweeping(subject, everything, plan.methods, save=save, **options),
        f"evaluating {len(plan.methods)} methods",
    )
    if as_json:
        rows = table.to_dict("records")
        print_json({**request.answer(), "limit": limit, "rows": rows, "seconds": clock.seconds})
        return
    columns = [
        "method",
        "fraction",
        "seed",
        "repair",
        "heads_on",
        "accuracy",
        "low",
        "high",
        "change",
        "agreement",
        "percentile",
        "p_random_holm",
    ]
    print_table(f"{model}: {data}, {split}", columns, table[columns].values.tolist())


def _seeds(text: str) -> list[int]:
    """Numbers with commas, or `first-last`."""
    first, dash, last = text.partition("-")
    if dash and first.isdigit() and last.isdigit() and int(last) - int(first) < 10_000:
        return list(range(int(first), int(last) + 1))
    return _listed(text, int, "seeds")


def _listed(text: str, kind: type[Any], what: str) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise MethodError(
            f"cannot read {text[:60]!r} as {what}; write numbers with commas"
        ) from error
