"""How long work reports on itself: a generator of steps, the last of which carries the result.

Whoever iterates decides: showing a bar, or stopping (closing the generator cancels the work). A step may hold other
work that is run to its end inside it; where several share a processor, each part of that is a moment at which others
may go first, too (`sharing`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Generic, ParamSpec, Protocol, TypeVar

Given = ParamSpec("Given")
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


class Turn(Protocol):
    """The right to use the processor, which work that shares it holds during a step."""

    def give_way(self) -> None:
        """Wait until others have had their turn, or raise to stop the work."""
        ...

    def wait_for(self, event: threading.Event) -> None:
        """Wait for what somebody else does, without the turn meanwhile; or raise to stop the work."""
        ...


_turn: ContextVar[Turn | None] = ContextVar("headcount_turn", default=None)


@contextmanager
def sharing(turn: Turn) -> Iterator[None]:
    """Within it the processor is shared: `breathe` lets others go first.

    It does so at moments at which the work holds no lock and has left no hook on a model that others use.
    """
    token = _turn.set(turn)
    try:
        yield
    finally:
        _turn.reset(token)


@contextmanager
def alone() -> Iterator[None]:
    """Within it nobody goes first: for short work under a lock, which whoever went first might wait for."""
    token = _turn.set(None)
    try:
        yield
    finally:
        _turn.reset(token)


def is_shared() -> bool:
    """Whether others wait between two steps, which should then be short."""
    return _turn.get() is not None


def breathe() -> None:
    """Let others go first, in the middle of a step that takes long; nothing where nobody shares the processor."""
    if (turn := _turn.get()) is not None:
        turn.give_way()


def once_at_a_time(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """A function that remembers what it found, of which no two threads look for the same at once.

    Who asks for what another is looking for waits, and finds it remembered; where that one was stopped or failed, the
    next looks for it.

    Args:
        function: with a memory of its own (`lru_cache`), of hashable arguments.
    """
    underway: dict[object, threading.Event] = {}
    lock = threading.Lock()

    @wraps(function)
    def found(*given: Given.args, **named: Given.kwargs) -> Result:
        key = given, tuple(named.items())
        mine = threading.Event()
        while (other := _enter(underway, lock, key, mine)) is not None:
            if (turn := _turn.get()) is not None:
                turn.wait_for(other)
            else:
                other.wait()
        try:
            return function(*given, **named)
        finally:
            with lock:
                del underway[key]
            mine.set()

    return found


def _enter(
    underway: dict[object, threading.Event],
    lock: threading.Lock,
    key: object,
    mine: threading.Event,
) -> threading.Event | None:
    """Begin, or the event of whoever has begun."""
    with lock:
        other = underway.setdefault(key, mine)
    return None if other is mine else other
