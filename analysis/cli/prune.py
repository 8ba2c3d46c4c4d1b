"""`headcount prune`: really remove heads, repair, measure, and write a model that others can load."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.looks import tell_look
from analysis.cli.output import IMPORTING, Clock, print_json, say, waiting, watch
from analysis.cli.plans import read_plan
from analysis.cli.quality import quality_answer
from analysis.cli.request import AsJson, Request, asking
from analysis.errors import MethodError, PlaceError, PlanError, unknown
from analysis.mask import HeadMask, parse_heads
from analysis.plan import Plan

if TYPE_CHECKING:
    from analysis.handover.delivered import Delivery
    from analysis.models import Subject


@asking(split="test")
def prune_command(
    request: Request,
    plan: Annotated[
        Path | None, typer.Option(help="A plan's file: which heads go, and how to repair.")
    ] = None,
    off: Annotated[
        str | None, typer.Option(help="Heads to remove, layer.head, such as 0.3,2.7.")
    ] = None,
    repair: Annotated[
        str | None, typer.Option(help="none, mean or least-squares; the plan's by default.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for the model; without one nothing is written."),
    ] = None,
    padded: Annotated[
        bool,
        typer.Option("--padded", help="Keep the original shape, with weights of 0; not faster."),
    ] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write model.onnx as well.")] = False,
    push: Annotated[
        str | None, typer.Option(help="Upload the folder to this repository of the hub, private.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --push: do not ask again before uploading.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Texts of the batch that is timed.")] = 1,
    length: Annotated[int, typer.Option(min=1, help="Tokens of each of them.")] = 128,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds of the timing; 0 skips it.")] = 15,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the timing; all by default.")
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="What is timed: float32, bfloat16 or float16.")
    ] = "float32",
    as_json: AsJson = False,
) -> None:
    """Really remove heads, repair what is left, measure it, and write the smaller model."""
    if (plan is None) == (off is None):
        raise PlanError("give the heads to remove: either --plan FILE or --off 0.3,2.7")
    if out is None and (padded or onnx or push):
        raise MethodError(
            "--padded, --onnx and --push need --out FOLDER, where the model is written"
        )
    heads, content = parse_heads(off or ""), read_plan(plan)
    clock = Clock()
    with waiting(IMPORTING):
        from analysis.handover import upload
        from analysis.handover.delivery import Wish, delivering
        from analysis.repair import REPAIRS
    if repair is not None and repair not in REPAIRS:
        raise MethodError(unknown("repair", repair, REPAIRS))
    if push:  # said now rather than after minutes of work
        upload.check_repository(push)
        say(f"logged in to the hub as {upload.account()}")
    subject, everything = request.open_any()
    chosen = _plan(subject, content, heads, repair)
    wish = Wish(
        out, padded, onnx, request.split, request.limit, batch, length, rounds, threads, dtype
    )
    found = watch(delivering(subject, everything, chosen, wish), "removing heads")
    if everything is not None and found.looks:
        tell_look(subject, everything, found.looks)
    address = failure = None
    if push and out and _agreed(push, out, yes):
        try:
            address = upload.push(out, push)
        except PlaceError as error:  # minutes of work are told before it
            failure = error
    answer = {**request.answer(), **prune_answer(found), "pushed": address}
    if as_json:
        print_json({**answer, "seconds": clock.seconds})
    else:
        _print(found, address)
    if failure is not None:
        raise failure


def _print(found: Delivery, address: str | None) -> None:
    """Everything that was found out, for people."""
    for title, told in found.numbers().items():
        print(f"{title}: {told}")
    if found.written is not None:
        for each in found.written.parity:
            print(
                f"written, {each.form}: answers differ by {each.difference:.2g} ({each.loaded_with})"
            )
        print(
            f"{found.written.folder}: {len(found.written.files)} files, {found.written.bytes:,} bytes"
        )
    if address is not None:
        print(f"uploaded to {address}")


def _agreed(repository: str, folder: Path, yes: bool) -> bool:
    """Whether to upload: a person at a terminal is asked once more."""
    if yes or not sys.stdin.isatty():
        return True
    return typer.confirm(f"Upload {folder} to {repository} on the hub, private?", err=True)


def prune_answer(found: Delivery) -> dict[str, Any]:
    """Everything that was found out, for `--json`."""
    latency, written = found.latency, found.written
    return {
        "mask": found.plan.mask.encode(),
        "heads_on": found.plan.mask.heads_on,
        "heads_total": found.plan.mask.heads_total,
        "heads": list(found.subject.anatomy.heads),
        "task": found.subject.task.name,
        "parity": found.parity,
        "parameters": {"before": found.before.parameters, "after": found.after.parameters},
        "layer_parameters": {
            "before": found.before.layer_parameters,
            "after": found.after.layer_parameters,
        },
        "flops": {"before": found.before.flops, "after": found.after.flops},
        "memory": {
            "before": found.memory_before.peak,
            "after": found.memory_after.peak,
        },
        "latency": None if latency is None else asdict(latency),
        "onnx_latency": None if found.onnx_latency is None else asdict(found.onnx_latency),
        "ceiling": {**asdict(found.ceiling), "sentence": found.ceiling.sentence},
        "accuracy": {
            name: quality_answer(standing.measured) for name, standing in found.standings.items()
        },
        "repair": {
            **asdict(found.report),
            "measure": found.report.measure.name if found.report.measure else None,
            "layers": [{**asdict(each), "share": each.share} for each in found.report.layers],
        },
        "recovered": None
        if found.recovery is None
        else {**asdict(found.recovery), "share": found.recovery.share},
        "written": None
        if written is None
        else {
            "folder": str(written.folder),
            "files": [{"name": name, "bytes": size} for name, size in written.files],
            "parity": [{**asdict(each), "passed": each.passed} for each in written.parity],
        },
    }


def _plan(subject: Subject, content: bytes | None, heads: Any, repair: str | None) -> Plan:
    if content is None:
        mask = HeadMask.off(subject.anatomy, heads)
        kind: Any = repair or "none"
        return Plan("given heads", subject.spec, subject.fingerprint, mask, repair=kind)
    given = Plan.from_json(subject.anatomy, content, fingerprint=subject.fingerprint)
    return given if repair is None else replace(given, repair=repair)  # type: ignore[arg-type]
