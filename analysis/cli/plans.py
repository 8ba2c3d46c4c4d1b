"""Plans: those of files, and `headcount plans`: those that the dashboard keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli.output import print_json, print_table
from analysis.cli.request import AsJson
from analysis.errors import PlanError
from analysis.plan import LARGEST

if TYPE_CHECKING:
    # SQLAlchemy takes half a second to import; `--help` need not wait for it.
    from analysis.store import Store, StoredPlan

Named = Annotated[str, typer.Argument(help="Its name, or its id or the beginning of that.")]

plans_app = typer.Typer(
    help="The plans that the dashboard keeps: list, show, export, delete, restore.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@plans_app.command("list")
def list_command(
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Those that were deleted instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the plans of all models."""
    store = _store()
    found = store.plans.all(deleted=deleted)
    if as_json:
        print_json({"store": store.place, "plans": [_answer(plan) for plan in found]})
        return
    columns = ("id", "name", "heads on", "model", "data", "made")
    rows = [
        (
            plan.id[:8],
            plan.name,
            f"{plan.mask.heads_on} of {plan.mask.heads_total}",
            plan.model,
            plan.data_name,
            f"{plan.created:%Y-%m-%d %H:%M}",
        )
        for plan in found
    ]
    print_table(f"{len(found)} plans in {store.place}", columns, rows)


@plans_app.command("show")
def show_command(plan: Named, as_json: AsJson = False) -> None:
    """Show a plan: its heads that are off, and where it comes from."""
    answer = _answer(_named(_store(), plan))
    if as_json:
        print_json(answer)
        return
    for name, value in answer.items():
        print(f"{name}: {'none' if value in (None, '') else value}")


@plans_app.command("export")
def export_command(
    plan: Named,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; the standard output without it.")
    ] = None,
) -> None:
    """Write a plan as a file for `headcount evaluate --plan` and `headcount prune --plan`."""
    store = _store()
    found = _named(store, plan)
    parent = None if found.parent is None else store.plans.get(found.parent).name
    text = found.as_plan(parent=parent).to_json()
    if out is None:
        print(text, end="")
        return
    check_place(out)
    write_plan(out, text)


@plans_app.command("delete")
def delete_command(plan: Named, as_json: AsJson = False) -> None:
    """Delete a plan; `restore` brings it back."""
    store = _store()
    found = store.plans.delete(_named(store, plan).id)
    if as_json:
        print_json(_answer(found))
    else:
        print(f"Deleted {found.name!r}; headcount plans restore {found.id[:8]} brings it back.")


@plans_app.command("restore")
def restore_command(plan: Named, as_json: AsJson = False) -> None:
    """Bring a deleted plan back."""
    store = _store()
    found = store.plans.restore(_named(store, plan, deleted=True).id)
    if as_json:
        print_json(_answer(found))
    else:
        print(f"{found.name!r} is back.")


def check_place(path: Path) -> None:
    """Refuse to overwrite what is no plan, before any work is done.

    Raises:
        PlanError: there is something else.
    """
    if path.is_dir():
        raise PlanError(f"{path} is a folder; name the file to write, such as plan.json")
    if path.exists() and not _holds_plan(path):
        raise PlanError(f"{path} is there already and is no plan; name another file")


def _holds_plan(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes()[:LARGEST])
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "headcount" in content


def write_plan(path: Path, text: str) -> None:
    """Write a plan's file.

    Raises:
        PlanError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PlanError(f"cannot write the plan {path}: {error.strerror}") from error


def _store() -> Store:
    from analysis.store import Store

    return Store()


def _named(store: Store, text: str, *, deleted: bool = False) -> StoredPlan:
    """The one plan of that name, or whose id begins so.

    Raises:
        PlanError: there is none, or several.
    """
    everything = store.plans.all(deleted=deleted)
    found = [plan for plan in everything if plan.name == text]
    found = found or [plan for plan in everything if text and plan.id.startswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        kind = "deleted plan" if deleted else "plan"
        raise PlanError(
            f"there is no {kind} {text[:60]!r} in {store.place}; see headcount plans list"
        )
    ids = ", ".join(plan.id[:8] for plan in found[:10])
    raise PlanError(f"{len(found)} plans are called {text[:60]!r}; name one by its id: {ids}")


def _answer(plan: StoredPlan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "name": plan.name,
        "note": plan.note,
        "model": plan.model,
        "data": plan.data_name,
        "heads_on": plan.mask.heads_on,
        "heads_total": plan.mask.heads_total,
        "off": ",".join(f"{layer}.{head}" for layer, head in plan.mask.off_heads),
        "ablation": plan.ablation,
        "repair": plan.repair,
        "parent": plan.parent,
        "fingerprint": plan.fingerprint,
        "created": plan.created.isoformat(),
        "deleted": None if plan.deleted is None else plan.deleted.isoformat(),
    }


def read_plan(path: Path | None) -> bytes | None:
    """The content of a plan's file, not more than a plan can have; None where no file is named.

    Raises:
        PlanError: the file cannot be read.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise PlanError(f"cannot read the plan {path}: {error.strerror}") from error
