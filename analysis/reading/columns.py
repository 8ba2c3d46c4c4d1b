"""Which column of a table holds the texts, and which the labels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.errors import DataError, unknown
from analysis.reading.tables import Table

TEXT_NAMES = [
    "text",
    "sentence",
    "review",
    "content",
    "comment",
    "tweet",
    "message",
    "body",
    "document",
    "post",
    "utterance",
    "phrase",
    "headline",
    "question",
    "title",
    "input",
    "description",
    "sms",
]
"""Names of text columns, the likeliest first; case, spaces and punctuation do not count."""
LABEL_NAMES = [
    "label",
    "labels",
    "sentiment",
    "target",
    "category",
    "class",
    "polarity",
    "topic",
    "intent",
    "emotion",
    "rating",
    "stars",
    "labeltext",
    "labelname",
    "gold",
    "y",
    "output",
]
"""Names of label columns, the likeliest first."""
SPLIT_NAMES = ("split", "subset", "partition", "set")
"""Names of a column that says to which split a row belongs."""
PAIRS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("texta", "textb"),
    ("text1", "text2"),
)
"""Columns that hold two texts to be judged together."""
MOST_CLASSES = 200
"""Different values of a label column at most; more are an identifier or a measurement."""


@dataclass(frozen=True)
class Columns:
    """The columns that were chosen, with sentences about why where that is not plain."""

    text: str
    label: str
    split: str | None
    notes: tuple[str, ...] = ()


def choose(
    name: str, table: Table, text_column: str | None = None, label_column: str | None = None
) -> Columns:
    """Choose the columns: as asked, else by name, else by what they hold.

    Raises:
        DataError: a column that was asked for does not exist or does not fit, or none is found.
    """
    notes: list[str] = []
    if len(table.columns) < 2:
        raise DataError(
            f"{name} has one column ({', '.join(table.columns)[:60]!r}); a text column and a label column are "
            "needed, named in the first line. Without labels the heads can be looked at (headcount profile) and "
            "scored (headcount rank)"
        )
    for asked in filter(None, (text_column, label_column)):
        if asked not in table.columns:
            raise DataError(f"{name}: {unknown('column', asked, table.columns)}")
    if text_column is None:
        _refuse_pairs(name, table)
    text = text_column or _by_name(table, TEXT_NAMES, _is_text) or _wordiest(table, notes)
    label = label_column or _by_name(table, LABEL_NAMES, _is_label) or _fewest(table, text, notes)
    if text is None or label is None:
        wanted = "texts" if text is None else "labels"
        option = "text" if text is None else "label"
        raise DataError(
            f"{name}: no column can be told to hold the {wanted}; name one of "
            f"{', '.join(table.columns)} as {option} column"
        )
    if text == label:
        raise DataError(f"{name}: texts and labels cannot both come from the column {text!r}")
    if not _is_text(table.columns[text]):
        raise DataError(f"{name}: the column {text!r} holds no texts; name another text column")
    split = next((column for column in table.columns if _plain(column) in SPLIT_NAMES), None)
    return Columns(text, label, None if split in (text, label) else split, tuple(notes))


def choose_text(
    name: str, table: Table, text_column: str | None = None
) -> tuple[str, tuple[str, ...]]:
    """Choose the column with the texts alone, and say why where that is not plain.

    Raises:
        DataError: a column that was asked for does not exist or holds no texts, or none is found.
    """
    notes: list[str] = []
    if text_column is not None and text_column not in table.columns:
        raise DataError(f"{name}: {unknown('column', text_column, table.columns)}")
    only = next(iter(table.columns)) if len(table.columns) == 1 else None
    text = text_column or _by_name(table, TEXT_NAMES, _is_text) or only or _wordiest(table, notes)
    if text is None or not _is_text(table.columns[text]):
        raise DataError(
            f"{name}: no column can be told to hold the texts; name one of "
            f"{', '.join(table.columns)} as text column"
        )
    return text, tuple(notes)


def has_labels(table: Table, label_column: str | None = None) -> bool:
    """Whether there is a column that was asked for as labels, or can be told to hold them.

    Raises:
        DataError: the first line is data, not names of columns.
    """
    if label_column is not None:
        return True
    text = _by_name(table, TEXT_NAMES, _is_text) or _wordiest(table, [])
    return (_by_name(table, LABEL_NAMES, _is_label) or _fewest(table, text, [])) is not None


def missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN or an empty text."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def _refuse_pairs(name: str, table: Table) -> None:
    plain = {_plain(column): column for column in table.columns}
    for first, second in PAIRS:
        if first in plain and second in plain:
            raise DataError(
                f"{name} judges pairs of texts ({plain[first]}, {plain[second]}), which are not "
                "supported; name one text column to read that alone"
            )


def _by_name(table: Table, names: Iterable[str], fits: Any) -> str | None:
    plain: Mapping[str, str] = {_plain(column): column for column in reversed(table.columns)}
    found = (plain[name] for name in names if name in plain)
    return next((column for column in found if fits(table.columns[column])), None)


def _wordiest(table: Table, notes: list[str]) -> str | None:
    """The column with the longest texts, if they are texts: many of them different, with spaces."""
    lengths = {}
    for column, values in table.columns.items():
        texts = [value for value in values[:1000] if isinstance(value, str) and value.strip()]
        if (
            texts
            and len(set(texts)) > len(texts) / 2
            and sum(" " in t for t in texts) > len(texts) / 2
        ):
            lengths[column] = sum(map(len, texts)) / len(texts)
    if not lengths:
        return None
    best = max(lengths, key=lengths.__getitem__)
    notes.append(f"the column {best!r} was taken for the texts, because its values are the longest")
    return best


def _fewest(table: Table, text: str | None, notes: list[str]) -> str | None:
    """The only other column that holds a few classes, each of them several times."""
    likely = []
    for column, values in table.columns.items():
        if column == text or _plain(column) in SPLIT_NAMES or not _is_label(values):
            continue
        classes = {value for value in values if not missing(value)}
        if 2 <= len(classes) <= min(MOST_CLASSES, max(2, len(values) / 2)):
            likely.append(column)
    if len(likely) != 1:
        return None
    if likely[0] in table.columns[likely[0]]:
        raise DataError(
            f"the first line is data ({', '.join(table.columns)[:60]}), not names of columns; "
            "put a line such as text,label above it"
        )
    notes.append(f"the column {likely[0]!r} was taken for the labels, as the only one with classes")
    return likely[0]


def _is_text(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) for value in values) and all(
        isinstance(value, str) or missing(value) for value in values
    )


def _is_label(values: Sequence[Any]) -> bool:
    return all(isinstance(value, bool | int | float | str) or value is None for value in values)


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.lower())
