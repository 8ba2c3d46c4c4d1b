"""Which model and sentences are asked for, and the loaded ones: shared by all who asked for the same, never changed."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING

from analysis.errors import ModelError
from analysis.progress import Step, alone
from analysis.ui import uploads

if TYPE_CHECKING:
    # PyTorch takes seconds to import; only the loading thread waits for it.
    from analysis.anatomy import Anatomy
    from analysis.models import Subject
    from analysis.passes.memory import Memory
    from analysis.replay import Replay
    from analysis.text import LabelledText, Split

STAGES = ("importing PyTorch and transformers", "reading the model", "reading the sentences")
"""What loading does, in order."""
GIGABYTE = 1024**3
TOKENS = 1024
"""Tokens of a batch: small enough that no step keeps a click waiting for long."""


@dataclass(frozen=True)
class Source:
    """Which model and which sentences, as they were asked for."""

    model: str = "demo"
    data: str = "demo"
    text_column: str | None = None
    label_column: str | None = None
    labels: str | None = None
    """Which label is which output, such as `neg=0,pos=1`; None when names tell."""

    def query(self) -> dict[str, str]:
        """What differs from the default, for a link."""
        given = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: value for name, value in given.items() if value != getattr(Source(), name)}


@dataclass(frozen=True, eq=False)
class Workspace:
    """A model with sentences whose labels fit it."""

    subject: Subject
    data: LabelledText
    key: str
    """Changes when the weights or the sentences do; part of every job's key."""
    _replays: dict[tuple[str, int | None, str], Replay] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @cached_property
    def trace(self) -> str:
        """Of the texts that whoever works here has chosen heads by."""
        from analysis.protocol import trace

        return trace(*(self.data.splits.get(name) for name in ("calibration", "selection")))

    @property
    def anatomy(self) -> Anatomy:
        """Where the model's heads are."""
        return self.subject.anatomy

    def sentences(self, split: str, limit: int | None = None) -> Split:
        """A split, or its first sentences in hash order."""
        found = self.data.split(split)
        return found if limit is None else found.limited(limit)

    def replay(self, split: str, limit: int | None, precision: str) -> Replay:
        """What evaluates masks on these sentences; made once, and shared by everybody."""
        from analysis.replay import Replay

        with self._lock, alone():
            if (split, limit, precision) not in self._replays:
                self._replays[split, limit, precision] = Replay(
                    self.subject, self.sentences(split, limit), precision=precision, memory=memory()
                )
            return self._replays[split, limit, precision]


@cache
def memory() -> Memory:
    """Where all sessions of this server keep hidden states; `HEADCOUNT_MEMORY` sets its gigabytes."""
    from analysis.passes.memory import Memory
    from analysis.replay import BUDGET

    try:
        budget = float(os.environ.get("HEADCOUNT_MEMORY", "")) * GIGABYTE
    except ValueError:
        budget = BUDGET
    return Memory(int(max(budget, 0)))


def opening(source: Source) -> Iterator[Step[Workspace]]:
    """Load a source, one step for each of `STAGES`.

    Raises:
        HeadcountError: the model or the sentences cannot be read, or do not fit each other.
    """
    yield Step(0, len(STAGES), "stages")
    # OpenMP's threads otherwise spin between two operations, on the cores that the page, the browser
    # and other work need: four times slower answers were measured. Read once, when PyTorch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if source.model == Source.model:
        from analysis.demo import weights

        weights.read_ahead()  # in the seconds that importing transformers takes
    from analysis.data import load_data
    from analysis.models import load_model
    from analysis.reading.labels import matched

    yield Step(1, len(STAGES), "stages")
    subject = load_model(source.model)
    if subject.task.reads == "nothing":
        raise ModelError(
            f"{subject.name} is a model for {subject.task.title.lower()} and reads no text, on which these pages "
            "measure; its heads can be removed from a terminal: headcount prune --model FOLDER --off 0.3"
        )
    yield Step(2, len(STAGES), "stages")
    data = load_data(
        uploads.path_of(source.data),
        text_column=source.text_column,
        label_column=source.label_column,
        task=subject.task,
    )
    data = matched(data, subject.labels, source.labels)
    key = f"{subject.fingerprint}/{_digest(data)}"
    yield Step(len(STAGES), len(STAGES), "stages", Workspace(subject, data, key))


def _digest(data: LabelledText) -> str:
    digest = hashlib.sha256()
    for name, split in sorted(data.splits.items()):
        digest.update(repr((name, split.texts, split.labels)).encode())
    return digest.hexdigest()
