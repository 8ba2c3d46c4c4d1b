"""Texts of people's and numbers of the machine's, as pages write them."""

from __future__ import annotations

from collections.abc import Sequence

_MARKS = frozenset(r"\`*_{}[]()#+-.!|~:$<>&")


def escaped(text: str) -> str:
    """A text of a person's, as Markdown that shows it unchanged."""
    return "".join("\\" + sign if sign in _MARKS else sign for sign in text)


def listed(names: Sequence[str]) -> str:
    """Names of a model's or a file's, as Markdown; a long list is cut."""
    shown = ", ".join(escaped(name[:40]) for name in names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"


def duration(seconds: float) -> str:
    """A time for people: `8 s`, `2 min 10 s`."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
