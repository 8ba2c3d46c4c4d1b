"""A few words of HTML; every text is made harmless here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

LONGEST = 400
"""Characters of a sentence that a table shows."""


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def section(title: str, *parts: str) -> str:
    """A part of the report under a heading."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def tiles(entries: Iterable[tuple[str, str, str]]) -> str:
    """Large numbers: what it is, the number, and how sure it is."""
    drawn = "".join(
        f'<div class="tile"><span>{escape(title)}</span><b>{escape(number)}</b>'
        f"<span>{escape(note)}</span></div>"
        for title, number, note in entries
    )
    return f'<div class="tiles">{drawn}</div>'


def figure(drawing: str, caption: str) -> str:
    """A picture, given as SVG, over what it means."""
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: int = 0) -> str:
    """A table; the last `numbers` columns are set to the right."""
    first = len(columns) - numbers
    kinds = ["" if place < first else "number" for place in range(len(columns))]
    head = "".join(
        f'<th scope="col"{_class(kind)}>{escape(title)}</th>'
        for title, kind in zip(columns, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(kind)}>{escape(short(str(cell)))}</td>"
            for cell, kind in zip(row, kinds, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(columns[0])}, a table">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def terms(entries: Iterable[tuple[str, str]]) -> str:
    """Words and what they mean, in plain text."""
    return (
        "<dl>"
        + "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in entries)
        + "</dl>"
    )


def code(text: str) -> str:
    """Text to be copied as it is."""
    return f"<pre>{escape(text)}</pre>"


def short(text: str) -> str:
    """A text of at most `LONGEST` characters, printable."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def document(title: str, style: str, *parts: str) -> str:
    """A whole page that asks for nothing and runs nothing; its own policy makes the browser hold it to that."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{style}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
