"""Files of labelled text as tables: CSV, TSV, JSON Lines and Parquet, and nothing that runs code.

What is read here comes from anywhere, so each reader states in one sentence what is wrong with a
file and where, and none of them unpickles, decompresses an archive or follows an address.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from analysis.errors import DataError

LARGEST = 1_000_000_000
"""Bytes of a file that are read at most; a parquet file counts as what it unpacks to."""
DELIMITERS = ",;\t|"
"""Column separators that a CSV file may use; the first line tells which one it does."""


@dataclass(frozen=True)
class Table:
    """Rows of a file or of a hub split, as columns.

    Attributes:
        columns: values of each column by its name, all of one length; None where a value is missing.
        class_names: for columns that are declared as classes, the name of each class number.
        notes: sentences about what was found out while reading.
    """

    columns: dict[str, list[Any]]
    class_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


Reader = Callable[[Path], Table]


def read_table(path: Path, more: Mapping[str, Reader] = MappingProxyType({})) -> Table:
    """Read a file of labelled text.

    Args:
        path: the file.
        more: readers by ending beside those of tables, which win over them.

    Raises:
        DataError: the file is missing, empty, too large, damaged, not UTF-8 or of another kind.
    """
    readers: Mapping[str, Reader] = {**READERS, **more}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"cannot read {path.name}: its name should end in one of {', '.join(readers)}"
        )
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if size > LARGEST:
        raise DataError(
            f"{path.name} has {size / 1e9:.1f} GB; give a sample of at most {LARGEST / 1e9:.0f} GB"
        )
    try:
        table = reader(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if len(table) == 0:
        raise DataError(f"{path.name} holds no rows")
    return table


def table_of(records: Iterable[dict[str, Any]]) -> Table:
    """Columns from records; a key that a record lacks is a missing value."""
    rows = list(records)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table({name: [row.get(name) for row in rows] for name in names})


def joined(tables: Sequence[Table]) -> Table:
    """The rows of several tables one after the other; a column that a table lacks is missing in its rows."""
    names = dict.fromkeys(name for table in tables for name in table.columns)
    columns = {
        name: [
            value for table in tables for value in table.columns.get(name) or [None] * len(table)
        ]
        for name in names
    }
    declared = {name: classes for table in tables for name, classes in table.class_names.items()}
    return Table(columns, declared, tuple(note for table in tables for note in table.notes))


def _read_csv(path: Path) -> Table:
    text = decoded(path)
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    return _parsed(path, text, delimiter, csv.QUOTE_MINIMAL)


def _read_tsv(path: Path) -> Table:
    """Tab-separated values exist with and without quoting; a stray quote must not swallow lines."""
    text = decoded(path)
    try:
        table = _parsed(path, text, "\t", csv.QUOTE_NONE)
    except DataError:
        return _parsed(path, text, "\t", csv.QUOTE_MINIMAL)
    columns = {
        name: [_unquoted(value) for value in values] for name, values in table.columns.items()
    }
    return Table({_unquoted(name) or name: values for name, values in columns.items()})


def _parsed(path: Path, text: str, delimiter: str, quoting: Literal[0, 3]) -> Table:
    csv.field_size_limit(LARGEST)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    try:
        names = [name.strip() for name in next(rows, [])]
        if not any(names):
            raise DataError(f"{path.name} is empty; its first line should name the columns")
        columns: list[list[Any]] = [[] for _ in names]
        for row in rows:
            if not row:
                continue
            if len(row) > len(names):
                raise DataError(
                    f"line {rows.line_num} of {path.name} has {len(row)} columns, the first line has "
                    f"{len(names)}; put texts that hold {delimiter!r} in double quotes"
                )
            for place, values in enumerate(columns):
                values.append(row[place] if place < len(row) else None)
    except csv.Error as error:
        raise DataError(f"line {rows.line_num} of {path.name} cannot be read: {error}") from error
    _check_names(path, names)
    return Table(dict(zip(names, columns, strict=True)))


def _check_names(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path.name} has two columns named {twice[0]!r}; rename one of them")


def _unquoted(value: str | None) -> str | None:
    if value is None or len(value) < 2 or not (value[0] == value[-1] == '"'):
        return value
    inner = value[1:-1]
    return inner.replace('""', '"') if '"' not in inner.replace('""', "") else value


def _read_json_lines(path: Path) -> Table:
    records = []
    for number, line in enumerate(decoded(path).split("\n"), start=1):
        if line.strip():
            records.append(_record(path, f"line {number}", line))
    return table_of(records)


def _read_json(path: Path) -> Table:
    """A list of objects, or JSON Lines under the shorter ending."""
    text = decoded(path)
    if not text.lstrip().startswith("["):
        return _read_json_lines(path)
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is not JSON: {error}") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"entry {number} of {path.name} is not an object such as {EXAMPLE}")
    return table_of(rows)


EXAMPLE = '{"text": "a fine film", "label": "positive"}'


def _record(path: Path, where: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} of {path.name} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{where} of {path.name} is not an object such as {EXAMPLE}")
    return row


def _read_parquet(path: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
        unpacked = sum(group.total_byte_size for group in groups)
        if unpacked > LARGEST:
            raise DataError(
                f"{path.name} unpacks to {unpacked / 1e9:.1f} GB; "
                f"give a sample of at most {LARGEST / 1e9:.0f} GB"
            )
        table = file.read()
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
    except (pyarrow.ArrowException, UnicodeDecodeError, KeyError) as error:
        raise DataError(f"{path.name} is not a readable parquet file: {error}") from error
    return Table(columns, _declared_classes(table.schema.metadata or {}))


def _declared_classes(metadata: dict[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """Class names that the datasets library writes into a parquet file; none if they are damaged."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            column: tuple(str(name) for name in feature["names"])
            for column, declared in features.items()
            if isinstance(feature := _element(declared), dict)
            and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _element(feature: Any) -> Any:
    """What a list holds, or what stands for itself."""
    inner = feature.get("feature") if isinstance(feature, dict) else None
    return inner if isinstance(inner, dict) else feature


def decoded(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 where it begins with its mark.

    Raises:
        DataError: it is of another encoding, or not a text file.
    """
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path.name} is not UTF-8 (byte {raw[error.start]:#04x} in line {line}); "
            "save it with the encoding UTF-8"
        ) from error
    if "\0" in text:
        raise DataError(f"{path.name} holds zero bytes, so it is not a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


READERS = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".parquet": _read_parquet,
}
"""What can be read, by the ending of the file's name."""
