"""`headcount report`: one page about a plan that can be sent to others and opened without a network."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from analysis.cli.looks import tell_look
from analysis.cli.output import IMPORTING, Clock, print_json, say, waiting, watch
from analysis.cli.plans import read_plan
from analysis.cli.request import AsJson, Request, asking
from analysis.errors import PlaceError
from analysis.plan import Plan

if TYPE_CHECKING:
    from analysis.report.findings import Findings

DASHBOARD = "http://localhost:8501"
"""Where `headcount` listens unless told otherwise."""


@asking(split="selection", whole=True)
def report_command(
    request: Request,
    plan: Annotated[
        Path, typer.Option(help="A plan's file: the heads and the repair to report on.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write, such as report.html.")],
    test: Annotated[
        bool,
        typer.Option(
            "--test", help="Measure on the test split too; once, when the choice is final."
        ),
    ] = False,
    curve: Annotated[
        bool, typer.Option("--curve/--no-curve", help="Accuracy against heads removed.")
    ] = True,
    rounds: Annotated[int, typer.Option(min=3, help="Rounds of the timing.")] = 15,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page about a plan: what goes, what it costs and buys, how it was measured."""
    _check(out, force)
    content = read_plan(plan) or b""
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.report.findings import Wish, gathering
        from analysis.report.page import page
        from analysis.store import Look
    subject, everything, _ = request.open()
    chosen = Plan.from_json(subject.anatomy, content, fingerprint=subject.fingerprint)
    if not test:
        say(
            "The test split is not looked at; --test measures on it, once, when the choice is final."
        )
    wish = Wish(test=test, rounds=rounds) if curve else Wish((), test=test, rounds=rounds)
    found = watch(gathering(subject, everything, chosen, wish=wish), "measuring for the report")
    if test:
        own = [Look(chosen.mask, chosen.ablation)]
        if chosen.repair != "none":
            own.append(Look(chosen.mask, repair=chosen.repair))
        tell_look(subject, everything, own)
    written = page(found, link=_link(request, chosen))
    _write(out, written)
    answer = {**request.answer(), **report_answer(found), "seconds": clock.seconds}
    if as_json:
        print_json({**answer, "file": str(out), "bytes": len(written.encode())})
    else:
        print(f"{out}: {len(written.encode()):,} bytes")


def report_answer(found: Findings) -> dict[str, Any]:
    """The numbers of a report, for `--json`."""
    return {
        "plan": found.plan.name,
        "mask": found.plan.mask.encode(),
        "heads_on": found.plan.mask.heads_on,
        "heads_total": found.plan.mask.heads_total,
        "accuracy": [asdict(row) for row in found.rows],
        "parameters": {"before": found.before.parameters, "after": found.after.parameters},
        "flops": {"before": found.before.flops, "after": found.after.flops},
        "latency": asdict(found.latency),
        "repair": found.repair,
    }


def _check(out: Path, force: bool) -> None:
    if out.is_dir():
        raise PlaceError(f"{out} is a folder; name the file to write, such as report.html")
    if out.exists() and not force:
        raise PlaceError(f"the file {out} is there already; name another one or add --force")


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PlaceError(f"cannot write {out}: {error.strerror}") from error


def _link(request: Request, plan: Plan) -> str:
    named = {"model": request.model, "data": request.data}
    query = {name: value for name, value in named.items() if value != "demo"}
    return f"{DASHBOARD}/prune?{urlencode({**query, 'off': plan.mask.encode()})}"
