"""The sweeps that the reproduction is made of, and how long they will take."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from analysis.errors import PlaceError
from analysis.journal import Journal, digest, key_of
from analysis.models import Subject
from analysis.progress import Step
from analysis.sweep_table import COLUMNS
from analysis.sweep_work import FORMAT, ROW_FORMAT
from analysis.text import LabelledText

REPAIRED = (0.25, 0.5)
"""Fractions at which every method is also measured after least squares."""

ROWS = "masks"
"""What a sweep's steps count when they are rows of its table."""
RECENT = 20
"""Rows of a kind that foretell how long the next will take."""
READ = 0.5
"""Seconds below which a row came from the journal."""


def claim(journal: Journal, subject: Subject, data: LabelledText, precision: str) -> None:
    """Note whose rows a journal holds, and refuse one that holds those of others.

    Raises:
        PlaceError: another model, other sentences or another precision were measured there, or rows that meant
            something else.
    """
    splits = tuple(digest(data.splits[name]) for name in sorted(data.splits))
    mine = key_of(
        "source", FORMAT, ROW_FORMAT, tuple(COLUMNS), subject.fingerprint, splits, precision
    )
    owners = {value["source"] for value in journal.values if "source" in value}
    if owners - {mine}:
        raise PlaceError(
            f"{journal.path} holds measurements of another model, other sentences or another precision than "
            f"{subject.name}, {data.name}, {precision}, or of another version of Headcount; choose another --out"
        )
    if not owners:
        journal.put(key_of("source"), {"source": mine})


@dataclass(frozen=True)
class Run:
    """One sweep of several."""

    methods: Sequence[str]
    fractions: Sequence[float]
    repair: str
    split: str
    masks: int
    """Random masks at each fraction."""

    @property
    def rows(self) -> int:
        """Rows of its table."""
        once = sum(method != "random" for method in self.methods)
        return len(self.fractions) * (once + self.masks * ("random" in self.methods))

    @property
    def kind(self) -> tuple[str, str]:
        """What its rows have in common as to time."""
        return self.repair, self.split


def planned(methods: Sequence[str], fractions: Sequence[float], masks: int) -> list[Run]:
    """The sweeps, the cheap ones first; the two splits take turns where they share a repaired model."""
    names = [name for name in methods if name != "random"]
    runs = [
        Run(methods, fractions, "none", "test", masks),
        Run(methods, REPAIRED, "none", "selection", masks),
    ]
    runs += [
        Run([name], (fraction,), "least-squares", split, masks)
        for name in names
        for fraction in REPAIRED
        for split in ("test", "selection")
    ]
    if len(names) < len(methods):
        runs.append(Run(["random"], REPAIRED, "least-squares", "test", masks))
    return [run for run in runs if run.rows]


class Forecast:
    """How long the remaining rows of all sweeps will take, by what rows of their kind have taken so far."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.left: Counter[tuple[str, str]] = Counter()
        for run in runs:
            self.left[run.kind] += run.rows
        self.spent: dict[tuple[str, str], list[float]] = {}
        self.last = time.perf_counter()
        self.is_scoring = False

    def watching(self, run: Run) -> Callable[[Step[Any]], None]:
        """What to call after each step of a sweep: it counts rows and says what is left.

        Steps that score the heads are no rows, and how long they will take is not foreseen.
        """
        done = 0

        def watch(step: Step[Any]) -> None:
            nonlocal done
            now = time.perf_counter()
            if step.unit == ROWS and step.done > done:
                self.left[run.kind] -= step.done - done
                if now - self.last > READ:
                    self.spent.setdefault(run.kind, []).append(now - self.last)
                done = step.done
            self.last = now
            self.is_scoring = step.unit != ROWS
            far = f"{step.done} of {step.total} {step.unit}"
            print(f"{' '.join(run.kind)}: {far}; {self}", file=sys.stderr)

        return watch

    def __str__(self) -> str:
        rows = self.left.total()
        unknown = [kind for kind, left in self.left.items() if left and kind not in self.spent]
        seconds = sum(
            left * median(self.spent[kind][-RECENT:])
            for kind, left in self.left.items()
            if left and kind in self.spent
        )
        told = f"{rows} rows left in all, about {seconds / 60:.0f} minutes"
        if unknown:
            told += f" without {', '.join(' on '.join(kind) for kind in unknown)}, not timed yet"
        if self.is_scoring:
            told += ", and without the scores of the heads"
        return told
