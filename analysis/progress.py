"""How long work reports on itself: a generator of steps, the last of which carries the result.

Whoever iterates decides: showing a bar, or stopping (closing the generator cancels the work).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")
UNKNOWN = math.nan
"""Seconds that nobody can foresee yet."""


@dataclass(frozen=True)
class Step(Generic[Result]):
    """One report of a piece of long work."""

    done: int
    """Units finished so far, 0 to `total`."""
    total: int
    """Units in all."""
    unit: str
    """What is counted, in the plural: "sentences", "masks"."""
    result: Result | None = None
    """The result as far as it is known; the last step carries the whole."""
    remaining: float | None = None
    """Seconds that the rest will take by what it has taken so far; `UNKNOWN` where that cannot be foreseen, None where
    it takes as long a unit as what is done."""

    @property
    def share(self) -> float:
        """Part of the work that is done, 0 to 1."""
        return self.done / self.total if self.total else 1.0


def finish(
    steps: Iterator[Step[Result]], report: Callable[[Step[Result]], None] | None = None
) -> Result:
    """Run the work to its end and return the last result; `report` sees every step."""
    last: Step[Result] | None = None
    for last in steps:
        if report is not None:
            report(last)
    if last is None or last.result is None:
        raise ValueError("the work ended without a result")
    return last.result
