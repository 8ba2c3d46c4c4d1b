"""`headcount sweep`: accuracy against heads removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.looks import tell_look
from analysis.cli.output import IMPORTING, Clock, print_json, print_table, say, waiting, watch
from analysis.cli.request import AsJson, Request, asking
from analysis.errors import MethodError
from analysis.mask import HeadMask

if TYPE_CHECKING:
    import pandas as pd

    from analysis.models import Subject
    from analysis.progress import Step
    from analysis.text import LabelledText

SHOWN = (
    *("method", "fraction", "seed", "ablation", "repair", "heads_on", "accuracy", "low", "high"),
    *("change", "agreement", "percentile", "p_random_holm", "negligible"),
)
"""Columns that are printed; the task's own measure besides."""
MOST_SEEDS = 10_000
"""Random masks at most."""


@asking(split="selection")
def sweep_command(
    request: Request,
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
        str,
        typer.Option(help="What a head that is off contributes: zero, mean; with commas."),
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
    margin: Annotated[
        float, typer.Option(help="Points of accuracy whose loss counts as negligible.")
    ] = 1.0,
    save: Annotated[
        Path | None,
        typer.Option(help="Write the table to this .csv or .parquet; run again to go on."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """See how accuracy falls as heads are removed, by several methods."""
    shares, numbers = _listed(fractions, float, "fractions"), _seeds(seeds)
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.scores import QUICK
        from analysis.standings import verdicts
        from analysis.sweep import Sweep, sweeping
        from analysis.yardstick import yardstick
    plan = Sweep(
        tuple(QUICK) if methods is None else _names(methods),
        fractions=tuple(shares),
        seeds=tuple(numbers),
        split=request.split,
        limit=request.limit,
        ablations=_names(ablation),  # type: ignore[arg-type]
        repairs=_names(repair),
        tuned=tuned,
        timed=timed,
    )
    plan.check()
    if not 0 < margin <= 100:
        raise MethodError(f"the margin must be above 0 points and at most 100, not {margin:g}")
    subject, everything, _ = request.open()
    steps = sweeping(subject, everything, save=save, **vars(plan))
    if request.split == "test":
        steps = _looking(steps, subject, everything)
    table = watch(steps, f"evaluating {len(plan.methods)} methods")
    table = table.join(verdicts(table, margin))
    _tell_too_few(subject, int(table["texts"].iloc[0]), margin)
    if as_json:
        rows = table.to_dict("records")
        print_json(
            {
                **request.answer(),
                "limit": request.limit,
                "margin": margin,
                "rows": rows,
                "seconds": clock.seconds,
            }
        )
        return
    columns = list(SHOWN)
    if (main := yardstick(table).main.name) not in columns:
        columns.insert(columns.index("accuracy"), main)
    print_table(
        f"{request.model}: {request.data}, {request.split}", columns, table[columns].values.tolist()
    )


def _tell_too_few(subject: Subject, texts: int, margin: float) -> None:
    """Say so where no result of so few texts could show that a loss is below the margin."""
    from analysis.significance import fewest

    if texts < fewest(margin):
        item = subject.task.item if subject.task.answers_once else "texts"
        say(
            f"{texts} {item} cannot show that a loss is below {margin:g} points: that takes {fewest(margin)} "
            "or more"
        )


def _looking(
    steps: Iterator[Step[pd.DataFrame]], subject: Subject, data: LabelledText
) -> Iterator[Step[pd.DataFrame]]:
    """The steps; when they end, or are stopped, what was measured on the test split until then is noted."""
    from analysis.store import Look

    taken: dict[Look, None] = {}
    try:
        for step in steps:
            for row in step.result.tail(1).itertuples() if step.result is not None else ():
                mask = HeadMask.decode(subject.anatomy, str(row.mask))
                taken[Look(mask, row.ablation, row.repair)] = None  # type: ignore[arg-type]
            yield step
    finally:
        if taken:
            tell_look(subject, data, taken)


def _names(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


def _seeds(text: str) -> list[int]:
    """Numbers with commas, or `first-last`."""
    first, dash, last = text.partition("-")
    if dash and first.isdigit() and last.isdigit():
        count = int(last) - int(first) + 1
        if not 0 < count <= MOST_SEEDS:
            raise MethodError(
                f"the seeds {text[:60]} are {max(count, 0):,}; write the first and the last of 1 to {MOST_SEEDS:,}"
            )
        return list(range(int(first), int(last) + 1))
    return _listed(text, int, "seeds")


def _listed(text: str, kind: type[Any], what: str) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise MethodError(
            f"cannot read {text[:60]!r} as {what}; write numbers with commas"
        ) from error
