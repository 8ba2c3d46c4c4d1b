"""What the rows of a sweep are judged by: the task's first measure, and the one whose loss is told in points."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.tasks import TASKS, Measure, Task

TEXTS = TASKS["sequence-classification"]
OWN = ("perplexity", "entity_f1")
"""First measures that only some tasks have; a sweep of such a task has a column for it."""
ENDS = ("", "_low", "_high", "_change", "_change_low", "_change_high")
"""Endings of the columns of such a measure: its value, its 95 % interval, its change with its own."""


@dataclass(frozen=True)
class Yardstick:
    """By what masks of one task are compared."""

    task: Task

    @property
    def main(self) -> Measure:
        """The task's first measure, whose name is a column of the sweep."""
        return self.task.measures[0]

    @property
    def share(self) -> Measure:
        """The task's first measure that is a share: only of such can points be lost."""
        return next(each for each in self.task.measures if each.unit == "share")

    @property
    def change(self) -> list[str]:
        """Columns of that measure's change in points, and of the ends of its interval."""
        before = "" if self.share.name == "accuracy" else f"{self.share.name}_"
        return [before + name for name in ("change", "change_low", "change_high")]

    def better(self, values: pd.Series) -> pd.Series:
        """Values of the first measure with their sign turned where lower is better."""
        return values if self.main.higher_is_better else -values


OF_TEXTS = Yardstick(TEXTS)
"""Of classifiers of texts."""


def yardstick(table: pd.DataFrame) -> Yardstick:
    """The yardstick of a sweep's table, by the measures that it has."""
    own = [task for task in TASKS.values() if task.measures and task.measures[0].name in OWN]
    return Yardstick(next((task for task in own if task.measures[0].name in table.columns), TEXTS))
