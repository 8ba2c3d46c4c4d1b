"""Plain text for language models: paragraphs of a file, or one column of a table, cut into readable pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.errors import DataError
from analysis.reading.columns import choose_text, missing
from analysis.reading.splitting import Rows
from analysis.reading.tables import Table, decoded
from analysis.text import NO_LABEL

PIECE = 1500
"""Characters of a piece at most, some 350 tokens: a longer text becomes several, so that none of it is lost
where the model stops reading."""


def read_paragraphs(path: Path) -> Table:
    """A text file as a table with a column `text`: its paragraphs, or its lines where no line is empty."""
    content = decoded(path).replace("\r\n", "\n")
    blocks = re.split(r"\n[ \t]*\n", content)
    if len([block for block in blocks if block.strip()]) < 2:
        blocks = content.split("\n")
    texts = [" ".join(block.split()) for block in blocks]
    return Table({"text": [text for text in texts if text]})


READERS = {".txt": read_paragraphs, ".md": read_paragraphs}
"""Endings of text files."""


def plain_rows(
    name: str, tables: Mapping[str, Table], text_column: str | None, *, longest: int = PIECE
) -> tuple[dict[str, Rows], list[str]]:
    """The texts of each table by split, without labels, and notes on what was done to them.

    Args:
        name: what to call the source in an error.
        tables: the tables by split.
        text_column: the column with the texts, when its name does not tell.
        longest: characters at most; longer texts become several.

    Raises:
        DataError: no column holds texts, or none is left.
    """
    parts: dict[str, Rows] = {}
    cut = 0
    notes: dict[str, None] = {}
    for split, table in tables.items():
        column, note = choose_text(name, table, text_column)
        notes |= dict.fromkeys(note)
        texts = [str(value) for value in table.columns[column] if not missing(value)]
        pieces = [piece for text in texts for piece in _pieces(text, longest)]
        cut += len(pieces) - len(texts)
        if pieces:
            parts[split] = Rows(tuple(pieces), (NO_LABEL,) * len(pieces))
    if not parts:
        raise DataError(f"{name} holds no texts")
    if cut:
        notes[
            f"texts longer than {longest:,} characters were cut at spaces: {cut:,} more pieces"
        ] = None
    return parts, list(notes)


def _pieces(text: str, longest: int) -> Iterator[str]:
    words: Sequence[Any] = text.strip().encode("utf-8", "replace").decode().split(" ")
    piece: list[str] = []
    size = 0
    for word in words:
        if piece and size + len(word) > longest:
            yield " ".join(piece)
            piece, size = [], 0
        piece.append(word[:longest])
        size += len(word) + 1
    yield " ".join(piece)
