"""What commands print: JSON or a table on the standard output, progress on the standard error."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from analysis.progress import Step, finish

Result = TypeVar("Result")
IMPORTING = "importing PyTorch and transformers"
"""What the first seconds of every command are."""


def watch(steps: Iterator[Step[Result]], title: str) -> Result:
    """Do long work to its end, with a bar on the standard error when that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return finish(steps)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TextColumn("{task.fields[unit]}"),
        _Left(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task(title, total=None, unit="", left=None)
        return finish(
            steps,
            lambda step: progress.update(
                task, total=step.total, completed=step.done, unit=step.unit, left=step.remaining
            ),
        )


class _Left(TimeRemainingColumn):
    """The time that the rest will take as the work foresees it; by the share that is done where it leaves that open."""

    def render(self, task: Task) -> Text:
        foreseen = task.fields["left"]
        if foreseen is None:
            return super().render(task)
        if math.isnan(foreseen):
            return Text("-:--:--", style="progress.remaining")
        return Text(str(timedelta(seconds=round(foreseen))), style="progress.remaining")


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """Show that something of unknown length is going on, when the standard error is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(title):
        yield


def say(sentence: str) -> None:
    """A sentence on the standard error."""
    print(sentence, file=sys.stderr)


def print_json(content: Mapping[str, Any]) -> None:
    """The answer, alone on the standard output; what is not a number becomes null."""
    print(json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on the standard output: numbers to the right, nothing taken for markup."""
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        numeric = bool(rows) and isinstance(rows[0][place], int | float)
        table.add_column(Text(column), justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*(Text(_written(cell)) for cell in row))
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False, emoji=False).print(table)


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far, to a thousandth."""
        return round(time.perf_counter() - self._start, 3)


def _written(cell: Any) -> str:
    if isinstance(cell, float):
        return "–" if math.isnan(cell) else f"{cell:.3f}"
    return str(cell)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
