"""One piece of long work in the background: how far it is, what is known of its result, and who wants it.

A piece of work is a function that returns a generator of `analysis.progress.Step`. Each open job has
a thread of its own, so that whatever a generator sets for its thread stays there; before each step it
passes the `turnstile`. The `desk` starts and remembers jobs.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from analysis.errors import HeadcountError
from analysis.progress import Step, sharing
from analysis.ui.turnstile import Turnstile, Urgency

__all__ = ["Job", "Origin", "State", "Urgency", "Work"]

Result = TypeVar("Result")
State = Literal["waiting", "running", "done", "failed", "cancelled"]
Work = Callable[..., Iterator[Step[Result]]]
"""Makes the generator of steps; called with the results of the jobs that it had to wait for."""

BREATH = 0.15
"""Seconds at most that work stands still after its first estimate, so that the page gets the processor to show it."""
INATTENTIVE = 3.0
"""Seconds after which a job that nobody looks at lets others go first."""

_log = logging.getLogger(__name__)


class _Stopped(BaseException):
    """Ends work in the middle of a step; no error, and nothing on the way may take it for one."""


@dataclass(frozen=True)
class Origin:
    """Where a piece of work was asked for, so that one can go back to it."""

    page: str
    """The page's name."""
    query: Mapping[str, str] = field(hash=False)
    """The state then, as parameters of a link."""


class Job(Generic[Result]):
    """One piece of work and how far it is. Read from any thread; written by its own thread only."""

    def __init__(
        self,
        key: Hashable,
        kind: str,
        title: str,
        urgency: Urgency,
        after: Sequence[Job[Any]] = (),
        *,
        is_lasting: bool = False,
        origin: Origin | None = None,
    ) -> None:
        self.key = key
        self.kind = kind
        self.title = title
        """What it does, for people: "entropy of 600 sentences"."""
        self.urgency = urgency
        self.after = tuple(after)
        """Jobs whose results it needs, until it has ended."""
        self.is_lasting = is_lasting
        """True if somebody started it on purpose: only its button stops it, and it is listed when it has ended."""
        self.origin = origin
        """Where it was asked for; None outside a page."""
        self.state: State = "waiting"
        self.step: Step[Result] | None = None
        """The last report."""
        self.error = ""
        """When failed: one sentence."""
        self.begun = time.monotonic()
        self.ended: float | None = None
        self.owners: dict[str, float] = {}
        """Sessions that want the result, and when each last looked."""
        self._stop = threading.Event()
        self._finished = threading.Event()
        self._known = threading.Event()
        self._shown = threading.Event()
        self._shown.set()

    @property
    def is_open(self) -> bool:
        """True while it waits or runs."""
        return not self._finished.is_set()

    @property
    def goes_on(self) -> bool:
        """False once it was asked to end."""
        return not self._stop.is_set()

    @property
    def at_work(self) -> Job[Any]:
        """The job that is really being done now: this one, or one that it waits for."""
        return next((job.at_work for job in self.after if job.is_open), self)

    @property
    def result(self) -> Result | None:
        """What is known so far; the whole result when the state is `done`."""
        return self.step.result if self.step else None

    @property
    def answer(self) -> Result | None:
        """The whole result; None until the job is done."""
        return self.result if self.state == "done" else None

    @property
    def share(self) -> float:
        """Part that is done, 0 to 1."""
        return self.step.share if self.step else 0.0

    @property
    def seconds(self) -> float:
        """Time since it was asked for, until its end."""
        return (self.ended or time.monotonic()) - self.begun

    @property
    def remaining(self) -> float | None:
        """Seconds it will probably still need; None while that cannot be said."""
        if not self.is_open or self.step is None:
            return None
        if self.step.remaining is not None:
            return None if math.isnan(self.step.remaining) else self.step.remaining
        if self.share < 0.02:
            return None
        return self.seconds * (1 - self.share) / self.share

    @property
    def urgency_now(self) -> Urgency:
        """Its urgency; less where a first estimate is known, and that of long work while nobody looks at it."""
        if self.urgency is Urgency.ALONE:
            return self.urgency
        latest = max(self.owners.copy().values(), default=self.begun)
        if time.monotonic() - latest >= INATTENTIVE:
            return Urgency.LONG
        is_estimated = self._known.is_set() and self.share < 1
        return max(self.urgency, Urgency.REST) if is_estimated else self.urgency

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; True when it has ended."""
        return self._finished.wait(seconds)

    def wait_known(self, seconds: float) -> bool:
        """Wait until something of the result is known, or the end; True when one of them has come."""
        return self._known.wait(seconds)

    def about_to_be_shown(self) -> None:
        """Note that somebody waits for the first estimate and will say when it is `shown`."""
        if not self._stop.is_set():
            self._shown.clear()

    def shown(self) -> None:
        """Note that what is known of the result has been drawn."""
        self._shown.set()

    def joined_by(self, owner: str) -> None:
        """Note that this session wants the result too: the same person after a reload, or another one."""
        self.owners.setdefault(owner, time.monotonic())

    def looked_at(self, owner: str) -> None:
        """Note that this session still wants the result."""
        if owner in self.owners:
            self.owners[owner] = time.monotonic()
        for job in self.after:
            job.looked_at(owner)

    def stop(self) -> None:
        """Ask the work to end after the step that it is in."""
        self._stop.set()
        self._shown.set()

    def run(self, work: Work[Result], turnstile: Turnstile) -> None:
        """Do the work in this thread, step by step."""
        steps: Iterator[Step[Result]] | None = None
        state: State = "cancelled"
        try:
            steps = work(*self._needed())
            while not self._stop.is_set():
                with turnstile.turn(self.urgency_now), sharing(_Turn(self, turnstile)):
                    if self._stop.is_set():
                        break
                    self.state = "running"
                    step = next(steps, None)
                    if step is not None:
                        self._report(step)
                if step is None:
                    state = "done"
                    break
        except _Stopped:
            pass
        except HeadcountError as error:
            state, self.error = "failed", str(error)
        except Exception as error:
            _log.exception("%s failed", self.title)
            state = "failed"
            self.error = f"{self.title} failed unexpectedly ({type(error).__name__}: {error})"
        finally:
            # Closed in its own thread: a generator may hold locks and context variables.
            if (close := getattr(steps, "close", None)) is not None:
                close()
            self.after = ()  # what they found may be large, and is remembered as long as this job
            self.ended = time.monotonic()
            self.state = state
            self._finished.set()
            self._known.set()

    def end_if_stopped(self) -> None:
        """Inside a step: end it there if this work is to stop."""
        if self._stop.is_set():
            raise _Stopped

    def _report(self, step: Step[Result]) -> None:
        """Take a step; where the first result is about to be shown, leave the processor to that for a moment."""
        self.step = step
        if step.result is not None and not self._known.is_set():
            self._known.set()
            self._shown.wait(BREATH)

    def _needed(self) -> list[Any]:
        for job in self.after:
            while not self._stop.is_set() and not job.wait(0.05):
                pass
            if job.state == "failed":
                raise HeadcountError(job.error)
            if job.state != "done":
                self.stop()
        return [job.result for job in self.after]


@dataclass(frozen=True)
class _Turn:
    """A job's turn during a step."""

    job: Job[Any]
    turnstile: Turnstile

    def give_way(self) -> None:
        self.job.end_if_stopped()
        self.turnstile.give_way(self.job.urgency_now)
        self.job.end_if_stopped()

    def wait_for(self, event: threading.Event) -> None:
        with self.turnstile.away(self.job.urgency_now):
            while not event.wait(0.05) and self.job.goes_on:
                pass
        self.job.end_if_stopped()
