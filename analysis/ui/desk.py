"""Where sessions ask for long work: it goes on when the page changes, and equal questions share one answer.

Only one job takes a step at a time, the most urgent first. So a click is answered in the middle of a
long sweep, and two cores are never fought over.

No Streamlit in here: pages ask and look, threads work.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from analysis.ui.jobs import Job, Origin, Result, Work
from analysis.ui.turnstile import Turnstile, Urgency

FORGETFUL = 20.0
"""Seconds after which a session that has not looked at its job no longer counts as its owner."""


class Desk:
    """Where sessions ask for work. Equal requests share one job, whoever makes them."""

    def __init__(
        self,
        keep: int = 300,
        keep_of_kind: Mapping[str, int] | None = None,
        origin: Callable[[], Origin | None] = lambda: None,
    ) -> None:
        """Open the desk.

        Args:
            keep: finished jobs of each kind that are remembered, where `keep_of_kind` does not say how many.
            keep_of_kind: as many of these kinds.
            origin: tells where a request is made from.
        """
        self._lock = threading.RLock()
        self._jobs: OrderedDict[Hashable, Job[Any]] = OrderedDict()
        self._turnstile = Turnstile()
        self._keep = keep
        self._keep_of_kind = dict(keep_of_kind or {})
        self._origin = origin

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
        is_lasting: bool = False,
    ) -> Job[Result]:
        """The job for this key, started unless it is known.

        A session has at most one open job of a kind: asking for another supersedes the older one, which is
        stopped when nobody else wants it and it is not lasting. A failed or cancelled job is returned as it is until
        `forget` makes room for a new attempt.

        Args:
            key: what is computed; requests with equal keys get one job.
            work: makes the generator of steps.
            owner: the session that asks.
            kind: what the result is for, such as "evaluation".
            title: what it does, for people.
            urgency: who goes first.
            after: jobs whose results `work` is called with; it fails when one of them fails.
            is_lasting: somebody started it on purpose, so that only its button stops it.
        """
        with self._lock:
            self._supersede(owner, kind, but=key)
            job = self._jobs.get(key)
            if job is not None:
                self._jobs.move_to_end(key)
                job.owners[owner] = time.monotonic()
                return job
            job = Job(
                key, kind, title, urgency, after, is_lasting=is_lasting, origin=self._origin()
            )
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

    def done(self, kind: str) -> tuple[Job[Any], ...]:
        """The jobs of a kind whose whole result is known."""
        with self._lock:
            return tuple(j for j in self._jobs.values() if j.kind == kind and j.state == "done")

    def finished(self, most: int) -> tuple[Job[Any], ...]:
        """Lasting work that has ended in whatever way, the latest first."""
        with self._lock:
            ended = [j for j in self._jobs.values() if j.is_lasting and j.ended is not None]
        return tuple(sorted(ended, key=lambda j: j.ended or 0.0, reverse=True)[:most])

    def _supersede(self, owner: str, kind: str, but: Hashable) -> None:
        now = time.monotonic()
        for key, job in list(self._jobs.items()):
            if key == but or job.kind != kind or job.is_lasting or not job.is_open:
                continue
            if owner not in job.owners:
                continue
            del job.owners[owner]
            if all(now - looked > FORGETFUL for looked in job.owners.values()):
                job.stop()
                del self._jobs[key]

    def _tidy(self, kind: str) -> None:
        finished = [key for key, job in self._jobs.items() if job.kind == kind and not job.is_open]
        for key in finished[: -self._keep_of_kind.get(kind, self._keep)]:
            del self._jobs[key]
