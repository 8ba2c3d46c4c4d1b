"""Long work in the background: it goes on when the page changes and can be cancelled.

A piece of work is a function that returns a generator of `analysis.progress.Step`. Each open job has
a thread of its own (so that whatever a generator sets for its thread stays there), but only one
of them takes a step at a time: jobs pass a turnstile before each step, the most urgent first.
So a click is answered in the middle of a long sweep, and two cores are never fought over.

No Streamlit in here: pages ask and look, threads work.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Generic, Literal, TypeVar

from analysis.errors import HeadcountError
from analysis.progress import Step

Result = TypeVar("Result")
State = Literal["waiting", "running", "done", "failed", "cancelled"]
Work = Callable[..., Iterator[Step[Result]]]
"""Makes the generator of steps; called with the results of the jobs that it had to wait for."""

FORGETFUL = 20.0
"""Seconds after which a session that has not looked at its job no longer counts as its owner."""
INATTENTIVE = 3.0
"""Seconds after which a job that nobody looks at lets others go first."""

_log = logging.getLogger(__name__)


class Urgency(IntEnum):
    """Who passes the turnstile first."""

    ALONE = 0
    """Waits for nobody: work that is mostly waiting for a disk or a network."""
    CLICK = 1
    """A person looks at the spot where the answer will appear."""
    PAGE = 2
    """Part of a page."""
    LONG = 3
    """Minutes of work that somebody has started on purpose."""


class Job(Generic[Result]):
    """One piece of work and how far it is. Read from any thread; written by its own thread only."""

    def __init__(
        self, key: Hashable, kind: str, title: str, urgency: Urgency, after: Sequence[Job[Any]] = ()
    ) -> None:
        self.key = key
        self.kind = kind
        self.title = title
        """What it does, for people: "entropy of 600 sentences"."""
        self.urgency = urgency
        self.after = tuple(after)
        """Jobs whose results it needs."""
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

    @property
    def is_open(self) -> bool:
        """True while it waits or runs."""
        return not self._finished.is_set()

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
            return self.step.remaining
        if self.share < 0.02:
            return None
        return self.seconds * (1 - self.share) / self.share

    @property
    def urgency_now(self) -> Urgency:
        """Its urgency; that of long work while nobody looks at it."""
        if self.urgency is Urgency.ALONE:
            return self.urgency
        latest = max(self.owners.copy().values(), default=self.begun)
        return self.urgency if time.monotonic() - latest < INATTENTIVE else Urgency.LONG

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; True when it has ended."""
        return self._finished.wait(seconds)

    def looked_at(self, owner: str) -> None:
        """Note that this session still wants the result."""
        if owner in self.owners:
            self.owners[owner] = time.monotonic()
        for job in self.after:
            job.looked_at(owner)

    def stop(self) -> None:
        """Ask the work to end after the step that it is in."""
        self._stop.set()

    def run(self, work: Work[Result], turnstile: Turnstile) -> None:
        """Do the work in this thread, step by step."""
        steps: Iterator[Step[Result]] | None = None
        state: State = "cancelled"
        try:
            steps = work(*self._needed())
            while not self._stop.is_set():
                with turnstile.turn(self.urgency_now):
                    if self._stop.is_set():
                        break
                    self.state = "running"
                    step = next(steps, None)
                if step is None:
                    state = "done"
                    break
                self.step = step
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
            self.ended = time.monotonic()
            self.state = state
            self._finished.set()

    def _needed(self) -> list[Any]:
        for job in self.after:
            while not self._stop.is_set() and not job.wait(0.05):
                pass
            if job.state == "failed":
                raise HeadcountError(job.error)
            if job.state != "done":
                self.stop()
        return [job.result for job in self.after]


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
            ticket = (urgency, next(self._numbers))
            heapq.heappush(self._waiting, ticket)
            self._condition.wait_for(lambda: not self._is_taken and self._waiting[0] == ticket)
            heapq.heappop(self._waiting)
            self._is_taken = True
        try:
            yield
        finally:
            with self._condition:
                self._is_taken = False
                self._condition.notify_all()


class Desk:
    """Where sessions ask for work. Equal requests share one job, whoever makes them."""

    def __init__(self, keep: int = 300, keep_of_kind: Mapping[str, int] | None = None) -> None:
        """`keep` finished jobs of each kind are remembered, or as many as `keep_of_kind` says."""
        self._lock = threading.RLock()
        self._jobs: OrderedDict[Hashable, Job[Any]] = OrderedDict()
        self._turnstile = Turnstile()
        self._keep = keep
        self._keep_of_kind = dict(keep_of_kind or {})

    def ask(
        self,
        key: Hashable,
        work: Work[Result],
        *,
        owner: str,
        kind: str,
        title: str,
        urgency: Urgency = Urgency.PAGE,
        after: Sequence[Job[Any]] = (),
    ) -> Job[Result]:
        """The job for this key, started unless it is known.

        A session has at most one open job of a kind: asking for another supersedes the older one, which is
        stopped when nobody else wants it. A failed or cancelled job is returned as it is until
        `forget` makes room for a new attempt.

        Args:
            key: what is computed; requests with equal keys get one job.
            work: makes the generator of steps.
            owner: the session that asks.
            kind: what the result is for, such as "evaluation".
            title: what it does, for people.
            urgency: who goes first.
            after: jobs whose results `work` is called with; it fails when one of them fails.
        """
        with self._lock:
            self._supersede(owner, kind, but=key)
            job = self._jobs.get(key)
            if job is not None:
                self._jobs.move_to_end(key)
                job.owners[owner] = time.monotonic()
                return job
            job = Job(key, kind, title, urgency, after)
            job.owners[owner] = time.monotonic()
            self._jobs[key] = job
            self._tidy(kind)
        name = f"headcount-{kind}"
        threading.Thread(
            target=job.run, args=(work, self._turnstile), name=name, daemon=True
        ).start()
        return job

    def find(self, key: Hashable) -> Job[Any] | None:
        """The job of this key, if it is known."""
        with self._lock:
            return self._jobs.get(key)

    def cancel(self, job: Job[Any]) -> None:
        """Stop a job for everybody; it stays known as cancelled."""
        job.stop()

    def forget(self, key: Hashable) -> None:
        """Stop and drop the job of this key, so that the next request starts anew."""
        with self._lock:
            job = self._jobs.pop(key, None)
        if job is not None:
            job.stop()

    def open_jobs(self) -> tuple[Job[Any], ...]:
        """Everything that waits or runs, oldest first."""
        with self._lock:
            return tuple(
                sorted((j for j in self._jobs.values() if j.is_open), key=lambda j: j.begun)
            )

    def _supersede(self, owner: str, kind: str, but: Hashable) -> None:
        now = time.monotonic()
        for key, job in list(self._jobs.items()):
            if key == but or job.kind != kind or owner not in job.owners or not job.is_open:
                continue
            del job.owners[owner]
            if all(now - looked > FORGETFUL for looked in job.owners.values()):
                job.stop()
                del self._jobs[key]

    def _tidy(self, kind: str) -> None:
        finished = [key for key, job in self._jobs.items() if job.kind == kind and not job.is_open]
        for key in finished[: -self._keep_of_kind.get(kind, self._keep)]:
            del self._jobs[key]
