"""Labelled text from anywhere: the built-in set, the hub, a folder or a file.

Whatever the source, the result has splits with a purpose each, numbered labels with names, and
notes that say what was dropped, merged or decided on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from analysis.errors import DataError
from analysis.reading import plain, tagged
from analysis.reading.columns import Columns, choose, has_labels, missing
from analysis.reading.hub_data import read_folder, read_hub
from analysis.reading.labels import matched as matched
from analysis.reading.numbering import Labels, number_labels
from analysis.reading.plain import plain_rows
from analysis.reading.splitting import ROLES, Rows, arrange
from analysis.reading.tables import READERS, Table, read_table
from analysis.reading.tagged import tagged_rows
from analysis.tasks import TASKS, Task
from analysis.text import NO_LABEL, LabelledText, Provenance

DEMO = "demo"
"""The name of the data set that comes with Headcount."""
MORE_READERS = {"texts": plain.READERS, "tagged words": tagged.READERS}
"""Readers of files that are no tables, by task and ending."""
LONGEST = 100_000
"""Characters of a text that are kept; a model reads a few thousand of them at most."""


def load_data(
    spec: str | Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    labels: Sequence[str] | None = None,
    task: Task = TASKS["sequence-classification"],
    needs_labels: bool = True,
) -> LabelledText:
    """Load text for a task.

    Args:
        spec: `demo`, an id of the hub such as `stanfordnlp/sst2`, a folder of files named by
            their split (`calibration.csv`) or in the hub's layout, or a CSV, TSV, JSON Lines or Parquet file;
            for language models a text file too, for taggers a CoNLL file.
        text_column: the column with the texts, when its name does not tell.
        label_column: the column with the labels, when its name does not tell.
        labels: names of the labels 0, 1, … of a data set that has numbers only.
        task: what it is for: a label for each text is read unless the task is to predict the next token, which
            needs none, or to label words, which needs a list of words and one of tags.
        needs_labels: whether texts for a classifier must have labels; heads can be looked at, and scored by many
            methods, without.

    Raises:
        DataError: it cannot be found or read, or is not text of the kind that the task needs; the sentence
            says why and what would work.
    """
    spec = str(spec).strip()
    if spec == DEMO:
        return _demo(task)
    if not spec:
        raise DataError("name a data set: 'demo', an id of the hub, a folder or a file")
    reads = task.reads
    kinds = [reads, "texts"] if reads == "labelled texts" and not needs_labels else [reads]
    name, tables, provenance = _read(spec, kinds)
    if len(kinds) > 1 and not any(has_labels(each, label_column) for each in tables.values()):
        parts, found = plain_rows(name, tables, text_column, longest=LONGEST)
        numbered = Labels((), (), numbered=True)
        found.append(
            "no column was taken for labels: heads can be looked at and scored, not judged"
        )
    elif reads == "texts":
        parts, found = plain_rows(name, tables, text_column)
        numbered = Labels((), (), numbered=True)
    elif reads == "tagged words":
        parts, names, found = tagged_rows(name, tables, text_column, label_column, labels or ())
        numbered = Labels(names, (), numbered=True)
    else:
        parts, numbered, found = _labelled(name, tables, text_column, label_column, labels or ())
    splits, decided = arrange(name, parts)
    told = chain.from_iterable(table.notes for table in tables.values())
    notes = dict.fromkeys((*told, *found, *decided))
    return LabelledText(
        name, numbered.names, splits, provenance, tuple(notes), numbered=numbered.numbered
    )


def _demo(task: Task) -> LabelledText:
    from analysis.demo.data import load

    if task.reads == "tagged words":
        raise DataError(
            "the demo's sentences have one label each, and a model that labels words needs a label for each "
            "word; give a CoNLL file, or a table with columns such as tokens and ner_tags"
        )
    return unlabelled(load()) if task.reads == "texts" else load()


def unlabelled(data: LabelledText) -> LabelledText:
    """The same texts without their labels, for a task that needs none."""
    return replace(
        data,
        label_names=(),
        splits={
            name: replace(split, labels=(NO_LABEL,) * len(split))
            for name, split in data.splits.items()
        },
    )


def _labelled(
    name: str,
    tables: Mapping[str, Table],
    text_column: str | None,
    label_column: str | None,
    labels: Sequence[str],
) -> tuple[dict[str, Rows], Labels, list[str]]:
    """The texts with one label each, the labels, and notes."""
    widest = max(tables.values(), key=lambda table: len(table.columns))
    columns = choose(name, widest, text_column, label_column)
    numbered = _numbered(name, tables, columns.label, labels)
    parts, dropped = _parts(name, tables, columns, numbered)
    _check_classes(name, numbered, parts)
    return parts, numbered, [*columns.notes, *numbered.notes, *dropped]


def _read(spec: str, kinds: Sequence[str]) -> tuple[str, Mapping[str, Table], Provenance]:
    """The tables of a source by the names that their publisher gave them; it may be a file of these kinds too."""
    path = Path(spec).expanduser()
    try:
        local, folder = path.exists(), path.is_dir()
    except OSError:  # a name too long for a file
        local = folder = False
    if folder:
        tables: Mapping[str, Table] = read_folder(path)
        return path.resolve().name, tables, Provenance(str(path), "not stated", "a local folder")
    more = dict(chain.from_iterable(MORE_READERS.get(kind, {}).items() for kind in kinds))
    readers = {**READERS, **more}
    if local or path.suffix.lower() in readers or spec[0] in "./~\\" or spec.count("/") > 1:
        table = read_table(path, more)
        return path.name, {"table": table}, Provenance(str(path), "not stated", "a local file")
    tables, provenance = read_hub(spec)
    return spec, tables, provenance


def _numbered(name: str, tables: Mapping[str, Table], column: str, names: Sequence[str]) -> Labels:
    """Number the labels of all tables together, so that one number means one class everywhere."""
    declared = (table.class_names.get(column, ()) for table in tables.values())
    values = chain.from_iterable(_column(table, column) for table in tables.values())
    return number_labels(name, list(values), next(filter(None, declared), ()), names)


def _column(table: Table, column: str) -> Sequence[Any]:
    return table.columns.get(column) or [None] * len(table)


def _parts(
    name: str, tables: Mapping[str, Table], columns: Columns, labels: Labels
) -> tuple[dict[str, Rows], list[str]]:
    """The rows that have a text and a label, by split, and notes on those that have not."""
    parts: dict[str, Rows] = {}
    notes: list[str] = []
    numbers = iter(labels.numbers)
    for split, table in tables.items():
        of_row = list(islice(numbers, len(table)))
        if all(number is None for number in of_row):
            notes.append(f"the {split} split has no labels and was left out")
            continue
        texts = _column(table, columns.text)
        kept = _kept(texts, of_row, notes)
        dealt = {split: kept}
        if columns.split and len(tables) == 1:
            dealt = _by_split_column(split, table, columns.split, kept, notes)
        for part, rows in dealt.items():
            if rows:
                numbered = (number for row in rows if (number := of_row[row]) is not None)
                parts[part] = Rows(tuple(_clean(texts[row]) for row in rows), tuple(numbered))
    if not parts:
        raise DataError(
            f"{name}: no row has both a text ({columns.text}) and a label ({columns.label})"
        )
    return parts, notes


def _kept(texts: Sequence[Any], numbers: Sequence[int | None], notes: list[str]) -> list[int]:
    """The rows with a text and a label; what is missing elsewhere is counted in the notes."""
    empty = sum(missing(text) for text in texts)
    unlabelled = sum(
        number is None and not missing(text) for text, number in zip(texts, numbers, strict=True)
    )
    long = sum(len(text) > LONGEST for text in texts if isinstance(text, str))
    for count, what in (
        (empty, "rows without a text were dropped"),
        (unlabelled, "texts without a label were dropped"),
        (long, f"texts were cut to {LONGEST:,} characters"),
    ):
        if count:
            notes.append(f"{count:,} {what}")
    return [row for row, text in enumerate(texts) if not missing(text) and numbers[row] is not None]


def _by_split_column(
    split: str, table: Table, column: str, rows: list[int], notes: list[str]
) -> dict[str, list[int]]:
    """Rows by the names in a `split` column; all under one name when it holds other things."""
    names = [str(value).strip().lower() for value in table.columns[column]]
    strange = sorted({names[row] for row in rows} - ROLES.keys())
    if strange:
        notes.append(f"the column {column!r} was not taken for splits: {strange[0][:40]!r} is none")
        return {split: rows}
    notes.append(f"splits were taken from the column {column!r}")
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(ROLES[names[row]], []).append(row)
    return found


def _check_classes(name: str, labels: Labels, parts: Mapping[str, Rows]) -> None:
    present = {label for rows in parts.values() for label in rows.labels}
    if len(present) < 2:
        raise DataError(
            f"{name}: all texts have the label {labels.names[present.pop()]!r}; "
            "at least two classes are needed to measure accuracy"
        )


def _clean(text: str) -> str:
    """The text without outer spaces, and without code points that no tokenizer can encode."""
    return text[:LONGEST].strip().encode("utf-8", "replace").decode()
