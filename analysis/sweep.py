"""Methods x fractions x seeds x ablation or repair: how accuracy falls as heads are removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.journal import Journal, journal_of
from analysis.models import Subject
from analysis.progress import UNKNOWN, Step, finish
from analysis.sweep_file import SweepFile
from analysis.sweep_plan import FRACTIONS, SEEDS, Sweep, judged_of, plan_rows
from analysis.sweep_table import COLUMNS, table_of
from analysis.sweep_work import Work
from analysis.swept import Swept
from analysis.text import LabelledText

__all__ = ["COLUMNS", "FRACTIONS", "SEEDS", "Sweep", "sweep", "sweeping", "swept"]


def sweep(
    subject: Subject, data: LabelledText, methods: Sequence[str], **options: Any
) -> pd.DataFrame:
    """The whole table at once; see `sweeping`."""
    return finish(sweeping(subject, data, methods, **options))


def swept(subject: Subject, data: LabelledText, methods: Sequence[str], **options: Any) -> Swept:
    """The whole sweep with the split that it measured on, from which `tuning.choose` chooses; see `sweeping`."""
    table = sweep(subject, data, methods, **options)
    return Swept._of(
        subject.anatomy, judged_of(data, Sweep(tuple(methods), **_of_plan(options))), table
    )


def sweeping(
    subject: Subject,
    data: LabelledText,
    methods: Sequence[str],
    *,
    save: Path | None = None,
    journal: Path | None = None,
    **options: Any,
) -> Iterator[Step[pd.DataFrame]]:
    """Evaluate each method at each fraction; the table grows by a row a step.

    Heads are scored on the calibration split, searched and tuned on the selection split, and judged on
    `split`. `random` runs with every seed; the other methods run once and carry the first seed, from which Shapley
    draws its orders.

    Args:
        subject: the model.
        data: labelled text with these splits.
        methods: names from `METHODS`.
        save: a file ending in .csv or .parquet. Rankings and rows are kept beside it as they come, and a
            sweep that was stopped or crashed goes on where it was; the table is written at the end, also when
            the sweep is cancelled, unless more is there already.
        journal: another place for rankings and rows; several sweeps of one model and its sentences may share it,
            and none measures what another had when it began.
        options: see `Sweep`.

    Raises:
        MethodError, ProtocolError: see `Sweep.check`; splits that share texts are refused too, and masks that are
            to be repaired and cannot be removed.
        DataError: the data lacks a split.
        ModelError: a repair of a model whose heads cannot be removed.
        PlaceError: the file cannot be written, or holds something else.
    """
    plan = Sweep(tuple(methods), **options)
    plan.check()
    file = None if save is None else SweepFile(save, plan.split)
    if journal is None and save is not None:
        journal = journal_of(save)
    work = Work(subject, data, plan, Journal(journal))
    rows: list[dict[str, Any]] = []
    total = sum(1 for _ in plan_rows(plan))
    yield Step(0, total, "masks", table_of(rows, whole=False), UNKNOWN)
    try:
        for inner in work.rankings():
            known = table_of(rows, whole=False)
            if inner.result is None:
                yield Step(inner.done, inner.total, inner.unit, known, UNKNOWN)
            else:
                yield Step(0, total, "masks", known, UNKNOWN)
        work.check_masks()
        for number, one in enumerate(plan_rows(plan), 1):
            rows.append(work.row(one))
            table = table_of(rows, whole=number == total)
            yield Step(number, total, "masks", table, work.pace.remaining)
    finally:
        if file is not None and rows:
            whole = len(rows) == total
            file.write(table_of(rows, whole=whole), whole=whole)


def _of_plan(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("save", "journal")}
