"""Who may take the next step: one piece of work at a time, the most urgent first."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class Urgency(IntEnum):
    """Who passes the turnstile first."""

    ALONE = 0
    """Waits for nobody: work that is mostly waiting for a disk or a network."""
    CLICK = 1
    """A person looks at the spot where the answer will appear."""
    REST = 2
    """The person sees a first estimate there, and waits for the exact answer."""
    PAGE = 3
    """Part of a page."""
    LONG = 4
    """Minutes of work that somebody has started on purpose."""


class Turnstile:
    """Lets one thread through at a time, the most urgent first, then the one that waited longest."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[tuple[Urgency, int]] = []
        self._is_taken = False

    @contextmanager
    def turn(self, urgency: Urgency) -> Iterator[None]:
        """Wait for one's turn, and hold it for the body of the `with`."""
        if urgency is Urgency.ALONE:
            yield
            return
        with self._condition:
            self._take(urgency)
        try:
            yield
        finally:
            with self._condition:
                self._leave()

    def give_way(self, urgency: Urgency) -> None:
        """Inside one's turn: let those through who are more urgent, and take it again.

        Who waits as urgently goes first, too, where steps may be long. A step that somebody at a click waits for is
        short, and done sooner by one after the other than by all in parts.
        """
        if urgency is Urgency.ALONE:
            return
        most = urgency if urgency >= Urgency.PAGE else urgency - 1
        with self._condition:
            if self._waiting and self._waiting[0][0] <= most:
                self._leave()
                self._take(urgency)

    @contextmanager
    def away(self, urgency: Urgency) -> Iterator[None]:
        """Inside one's turn: let everybody else through during the body of the `with`."""
        if urgency is Urgency.ALONE:
            yield
            return
        with self._condition:
            self._leave()
        try:
            yield
        finally:
            with self._condition:
                self._take(urgency)

    def _take(self, urgency: Urgency) -> None:
        ticket = (urgency, next(self._numbers))
        heapq.heappush(self._waiting, ticket)
        self._condition.wait_for(lambda: not self._is_taken and self._waiting[0] == ticket)
        heapq.heappop(self._waiting)
        self._is_taken = True

    def _leave(self) -> None:
        self._is_taken = False
        self._condition.notify_all()
