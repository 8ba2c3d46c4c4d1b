"""Sentences whose words carry a label each: CoNLL files, and tables with a list of words and a list of tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.errors import DataError, unknown
from analysis.reading.splitting import Rows
from analysis.reading.tables import Table, decoded

WORD_NAMES = ("tokens", "words", "token", "text", "sentence")
"""Names of columns with lists of words, the likeliest first."""
TAG_NAMES = ("ner_tags", "tags", "labels", "ner", "pos_tags", "label", "tag")
"""Names of columns with lists of tags, the likeliest first."""
MOST_TAGS = 1000
"""Different tags at most."""
EXAMPLE = '{"tokens": ["Ada", "sings"], "ner_tags": ["B-PER", "O"]}'


def read_conll(path: Path) -> Table:
    """A file with a word and its tag a line, the tag last, and an empty line after each sentence.

    Columns between the two, as CoNLL-2003 has them, are passed over, and so are lines that begin with
    `-DOCSTART-` or `# `.

    Raises:
        DataError: a line holds no tag, or another number of columns than those before it.
    """
    words: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    width = 0
    for number, line in enumerate(decoded(path).splitlines(), start=1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or fields[0] == "-DOCSTART-":
            words.append([])
            tags.append([])
        elif not line.startswith("# "):
            if len(fields) < 2:
                raise DataError(
                    f"line {number} of {path.name} has a word without a tag ({line.strip()[:40]!r}); "
                    "write the tag after the word, and an empty line after each sentence"
                )
            width = width or len(fields)
            if len(fields) != width:
                raise DataError(
                    f"line {number} of {path.name} has {len(fields)} columns, the lines before it {width}; a file of "
                    "tagged words has a word a line, the tag last"
                )
            words[-1].append(fields[0])
            tags[-1].append(fields[-1].strip())
    kept = [place for place, sentence in enumerate(words) if sentence]
    return Table({"tokens": [words[n] for n in kept], "ner_tags": [tags[n] for n in kept]})


READERS = dict.fromkeys((".conll", ".iob", ".iob2", ".bio", ".txt"), read_conll)
"""Endings of files with a word a line."""


def tagged_rows(
    name: str,
    tables: Mapping[str, Table],
    word_column: str | None,
    tag_column: str | None,
    names: Sequence[str],
) -> tuple[dict[str, Rows], tuple[str, ...], list[str]]:
    """The sentences of each table by split with their words' tags, the tags' names, and notes.

    A sentence is its words joined by single spaces; spaces inside a word become `_`.

    Args:
        name: what to call the data set in an error.
        tables: tables by split.
        word_column: the column with the words, when its name does not tell.
        tag_column: the column with the tags, when its name does not tell.
        names: names of the tags 0, 1, …, where the table has numbers and does not declare them.

    Raises:
        DataError: no such columns, or a sentence with more or fewer tags than words.
    """
    widest = max(tables.values(), key=lambda table: len(table.columns))
    words_in = _column(name, widest, word_column, WORD_NAMES, "words")
    tags_in = _column(name, widest, tag_column, TAG_NAMES, "tags")
    declared = tuple(names) or next(
        (each.class_names[tags_in] for each in tables.values() if tags_in in each.class_names), ()
    )
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for split, table in tables.items():
        pairs = zip(table.columns.get(words_in, []), table.columns.get(tags_in, []), strict=False)
        found[split] = [
            _sentence(name, row, words, tags, declared)
            for row, (words, tags) in enumerate(pairs)
            if words
        ]
    order = declared or _names(name, found.values())
    numbers = {tag: number for number, tag in enumerate(order)}
    parts = {
        split: Rows(
            tuple(text for text, _ in rows),
            tuple(tuple(numbers[tag] for tag in tags) for _, tags in rows),
        )
        for split, rows in found.items()
        if rows
    }
    if not parts:
        raise DataError(f"{name} holds no sentences with tagged words")
    return parts, order, []


def _column(name: str, table: Table, asked: str | None, likely: Sequence[str], what: str) -> str:
    lists = [
        column
        for column, values in table.columns.items()
        if any(isinstance(value, list) for value in values[:100])
    ]
    if asked is not None:
        if asked not in table.columns:
            raise DataError(f"{name}: {unknown('column', asked, table.columns)}")
        if asked not in lists:
            raise DataError(f"{name}: the column {asked!r} holds no lists of {what}")
        return asked
    plain = {re.sub(r"[^a-z]", "_", column.lower()): column for column in reversed(lists)}
    chosen = next((plain[each] for each in likely if each in plain), None)
    if chosen is None:
        raise DataError(
            f"{name} has no column with a list of {what} for each sentence (its columns: "
            f"{', '.join(table.columns)[:200]}); a model that labels words needs a CoNLL file, or rows such as "
            f"{EXAMPLE}"
        )
    return chosen


def _sentence(
    name: str, row: int, words: Any, tags: Any, declared: Sequence[str]
) -> tuple[str, list[str]]:
    if not isinstance(words, list) or not isinstance(tags, list) or len(words) != len(tags):
        counts = [len(each) if isinstance(each, list) else 0 for each in (words, tags)]
        raise DataError(
            f"{name}: sentence {row} has {counts[0]} words and {counts[1]} tags; each word needs one"
        )
    text = " ".join(re.sub(r"\s+", "_", str(word).strip()) or "_" for word in words)
    return text.encode("utf-8", "replace").decode(), [_tag(name, tag, declared) for tag in tags]


def _tag(name: str, tag: Any, declared: Sequence[str]) -> str:
    if isinstance(tag, int) and declared:
        if not 0 <= tag < len(declared):
            raise DataError(
                f"{name}: the tag {tag} has no name; the names are {', '.join(declared)}"
            )
        return declared[tag]
    if not isinstance(tag, int | str) or len(str(tag)) > 100:
        raise DataError(f"{name}: {str(tag)[:40]!r} is no tag")
    if declared and str(tag) not in declared:
        raise DataError(f"{name}: {unknown('tag', str(tag), declared)}")
    return str(tag)


def _names(name: str, found: Any) -> tuple[str, ...]:
    """All tags that occur, numbers in their order, words in the alphabet's."""
    present = {tag for rows in found for _, tags in rows for tag in tags}
    if len(present) > MOST_TAGS:
        raise DataError(
            f"{name} has {len(present):,} different tags; name the column with the tags"
        )
    if all(tag.isdigit() for tag in present):
        return tuple(map(str, range(1 + max(map(int, present), default=-1))))
    return tuple(sorted(present))
