"""What the labels of a column are called, and their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.errors import DataError
from analysis.reading.columns import MOST_CLASSES, missing

LONGEST_LABEL = 100
"""Characters of a label at most."""


@dataclass(frozen=True)
class Labels:
    """Numbered labels of rows.

    Attributes:
        names: name of each label number.
        numbers: the label number of each row, None where the label is missing.
        numbered: whether the numbers are the publisher's own, not merely our alphabetical order.
        notes: sentences about what was merged.
    """

    names: tuple[str, ...]
    numbers: tuple[int | None, ...]
    numbered: bool
    notes: tuple[str, ...] = ()


def number_labels(
    name: str, values: Sequence[Any], declared: Sequence[str] = (), names: Sequence[str] = ()
) -> Labels:
    """Number the labels of a column.

    Args:
        name: what to call the data set in an error.
        values: the column.
        declared: class names that the data set itself declares for 0, 1, …
        names: names for the numbers 0, 1, … that the caller gives; they win over `declared`.

    Raises:
        DataError: the column holds measurements, texts or one class only, or a number without name.
    """
    cleaned = [_label(name, value) for value in values]
    present = {value for value in cleaned if value is not None}
    if not present:
        raise DataError(f"{name}: the label column is empty")
    if len(present) > MOST_CLASSES:
        raise DataError(
            f"{name}: the label column holds {len(present):,} different values; "
            "name the column that holds the classes as label column"
        )
    whole = all(re.fullmatch(r"-?\d{1,9}", value) for value in present)
    if whole:
        return _numbered(name, cleaned, present, tuple(names or declared))
    return _spelled(cleaned, tuple(names or declared))


def _numbered(
    name: str, cleaned: Sequence[str | None], present: set[str], names: tuple[str, ...]
) -> Labels:
    """Labels that are numbers; -1 is the hub's way to say that a row has no label."""
    known = sorted({int(value) for value in present} - {-1})
    if names:
        outside = [value for value in known if not 0 <= value < len(names)]
        if outside:
            raise DataError(
                f"{name}: the label {outside[0]} has no name; the names are {', '.join(names)}"
            )
        numbers = tuple(_place(value, range(len(names))) for value in cleaned)
        return Labels(names, numbers, numbered=True)
    numbers = tuple(_place(value, known) for value in cleaned)
    return Labels(tuple(str(value) for value in known), numbers, numbered=True)


def _place(value: str | None, known: Sequence[int]) -> int | None:
    return None if value is None or int(value) == -1 else known.index(int(value))


def _spelled(cleaned: Sequence[str | None], names: tuple[str, ...]) -> Labels:
    """Labels that are words: spellings that differ in case alone are one label."""
    spellings = Counter(value for value in cleaned if value is not None)
    likeliest: dict[str, str] = {}
    for spelling, _ in spellings.most_common():
        likeliest.setdefault(spelling.casefold(), spelling)
    merged = len(spellings) - len(likeliest)
    notes = (
        (f"{merged} spellings of labels that differ in case alone were merged",) if merged else ()
    )
    declared = {given.casefold(): given for given in names}
    numbered = bool(declared) and likeliest.keys() <= declared.keys()
    order = list(declared) if numbered else sorted(likeliest)
    places = {key: place for place, key in enumerate(order)}
    return Labels(
        tuple((declared if numbered else likeliest)[key] for key in order),
        tuple(None if value is None else places[value.casefold()] for value in cleaned),
        numbered,
        notes,
    )


def _label(name: str, value: Any) -> str | None:
    """A label as a word; whole numbers and truth values lose the form that a file gave them."""
    if missing(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = " ".join(value.split())
        value = float(text) if re.fullmatch(r"-?\d{1,9}\.\d{1,20}", text) else text
    if isinstance(value, float):
        if not value.is_integer():
            raise DataError(
                f"{name}: the label column holds the measurement {value:g}; classes are needed"
            )
        value = int(value)
    if not isinstance(value, int | str):
        raise DataError(
            f"{name}: the label column holds a {type(value).__name__}, such as several labels for "
            "one text; one class for each text is needed"
        )
    if len(str(value)) > LONGEST_LABEL:
        raise DataError(f"{name}: the label column holds texts, such as {str(value)[:40]!r}…")
    return str(value) or None
