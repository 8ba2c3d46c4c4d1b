"""How long work reports on itself: a generator of steps, the last of which carries the result.

Whoever iterates decides: showing a bar, or stopping (closing the generator cancels the work). A step may hold other
work that is run to its end inside it; where several share a processor, each part of that is a moment at which others
may go first, too (`sharing`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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
    """Run the work to its end and return the last result; `report` sees every step, and others go first between two."""
    last: Step[Result] | None = None
    for last in steps:
        if report is not None:
            report(last)
        breathe()
    if last is None or last.result is None:
        raise ValueError("the work ended without a result")
    return last.result


_give_way: ContextVar[Callable[[], None] | None] = ContextVar("headcount_give_way", default=None)


@contextmanager
def sharing(give_way: Callable[[], None]) -> Iterator[None]:
    """Within it `breathe` calls `give_way`, which waits until others have had their turn, or raises to stop the work.

    It is called at moments at which the work holds no lock and has left no hook on a model that others use.
    """
    token = _give_way.set(give_way)
    try:
        yield
    finally:
        _give_way.reset(token)


def is_shared() -> bool:
    """Whether others wait between two steps, which should then be short."""
    return _give_way.get() is not None


def breathe() -> None:
    """Let others go first, in the middle of a step that takes long; nothing where nobody shares the processor."""
    if (give_way := _give_way.get()) is not None:
        give_way()
