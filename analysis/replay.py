"""Evaluate mask after mask on one split, computing only what a changed mask can have changed.

What enters a layer depends only on the heads below it. So a pass begins at the lowest layer whose entrance
is not remembered, finished masks are not computed twice, and the answers are those of a full pass, bit for
bit: the same operations in the same order on the same numbers.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from analysis.answers import TEXTS, Numbering, Predictions, joined, predictions
from analysis.attention import Ablation, Means, check_ablation
from analysis.errors import DataError, MaskError, MethodError
from analysis.evaluation import Evaluation, check_judged, compared, judged
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.neighbours import Gathering, Neighbours
from analysis.passes.course import Course, course_of
from analysis.passes.memory import Memory, State
from analysis.progress import Step, finish
from analysis.protocol import unchosen
from analysis.text import Split

BUDGET = 2 * 1024**3
"""Bytes of hidden states that a replay keeps unless told otherwise."""
FINISHED = 4096
"""Masks whose predictions are kept at most; of a text classifier a few kilobytes each."""
FINISHED_BYTES = 256 * 1024**2
"""Bytes that they may take."""
FEWEST = 2
"""Chunks before a first report where the full model is not known: the first holds the shortest sentences, the second
those of middle length. Where it is known, its answers to all sentences set that right (`measures.expected`)."""


@dataclass(frozen=True)
class Pass:
    """What a pass computes: the parts of a cache key that can change between two calls."""

    mask: HeadMask
    ablation: Ablation
    means: str
    """Digest of the mean outputs; empty for `zero`."""

    def entrance(self, layer: int) -> Hashable:
        """A key for what enters a layer: the heads below it and, if any is off, the ablation."""
        below = self.mask.rows[:layer]
        if all(map(all, below)):
            return layer
        return layer, below, self.ablation, self.means


class Replay:
    """One subject and one split in one precision, shared by everybody who asks about them."""

    def __init__(
        self,
        subject: Subject,
        split: Split,
        *,
        precision: str = "auto",
        memory: Memory | int = BUDGET,
    ) -> None:
        """Prepare the sentences.

        Args:
            subject: the model.
            split: the sentences.
            precision: see `precision.PRECISIONS`.
            memory: bytes of hidden states to keep at most, or a memory shared with other replays.

        Raises:
            DataError: there are no sentences, or labels that the model does not have.
            MethodError: an unknown precision, or one that quantised weights cannot compute in.
        """
        if not len(split):
            raise DataError("there are no sentences to evaluate on")
        self.subject = subject
        self.split = split
        self.memory = memory if isinstance(memory, Memory) else Memory(memory)
        self.full = HeadMask.full(subject.anatomy)
        self._course: Course = course_of(subject, split, precision)
        check_judged(subject, self._course.chunks)
        self._numbering = Numbering(self._course.chunks)
        self._order = _spread_out(len(self._course.chunks))
        self._finished: OrderedDict[Pass, Predictions] = OrderedDict()
        self._begun: dict[int, Predictions] = {}
        self._lock = threading.Lock()

    @property
    def precision(self) -> str:
        """The precision in use: `float32`, `bfloat16` or `float16`."""
        return str(self._course.dtype).removeprefix("torch.")

    @property
    def n(self) -> int:
        """Answers: sentences of a text classifier, words of a tagger, next tokens of a language model."""
        return self._numbering.n

    def evaluate(
        self,
        mask: HeadMask | None = None,
        *,
        ablation: Ablation = "zero",
        means: Means | None = None,
        keep: bool = True,
    ) -> Evaluation:
        """The exact evaluation of a mask, as `evaluation.evaluate` gives it; see `evaluating`."""
        return finish(self.evaluating(mask, ablation=ablation, means=means, keep=keep))

    def evaluating(
        self,
        mask: HeadMask | None = None,
        *,
        ablation: Ablation = "zero",
        means: Means | None = None,
        keep: bool = True,
    ) -> Iterator[Step[Evaluation]]:
        """Evaluate a mask, reporting after each chunk what is known so far.

        Chunks come in an order that mixes short and long sentences, so that the first reports are not about
        short ones alone. Where the full model has not been evaluated it goes along, a chunk ahead, and the first
        comparison is there after two chunks of each.

        Args:
            mask: which heads are on; all when not given.
            ablation: what a head that is off contributes.
            means: the heads' mean outputs (`Profile.means`), for `mean`.
            keep: remember the states on the way; False for searches, which would only push out what
                people will ask for again.

        Raises:
            MaskError: the mask is of another model.
            MethodError: an unknown ablation, or `mean` without means.
        """
        mask = mask or self.full
        if mask.heads != self.full.heads:
            raise MaskError(f"the mask has {mask.heads} heads a layer, the model {self.full.heads}")
        check_ablation(ablation, means)
        known = self._known(Pass(self.full, "zero", ""))
        least = FEWEST if known is None else 1
        full = self._running(self.full, "zero", None, keep=True, least=least)
        if mask.is_full:
            yield from full
            return
        means = means if ablation == "mean" else None
        masked = self._running(mask, ablation, means, keep=keep, least=least)
        if known is None:
            yield from self._side_by_side(full, masked)
            return
        baseline = judged(self.full, known, 0.0)
        for step in masked:
            found = compared(step.result, baseline) if step.result else None
            yield Step(step.done, step.total, step.unit, found)

    def _side_by_side(
        self, full: Iterator[Step[Evaluation]], masked: Iterator[Step[Evaluation]]
    ) -> Iterator[Step[Evaluation]]:
        """Both passes in turns, so that the masked one finds what the full one has just left for it to begin with."""
        mine: Step[Evaluation] | None = None
        known: Evaluation | None = None
        for theirs in full:
            yield Step(theirs.done + (mine.done if mine else 0), 2 * self.n, theirs.unit, known)
            while mine is None or mine.done < theirs.done:
                mine = next(masked)
                found, full_found = mine.result, theirs.result
                if found and full_found and mine.done <= theirs.done:
                    known = compared(found, full_found)
                yield Step(theirs.done + mine.done, 2 * self.n, mine.unit, known)
        if known is None and mine is not None and mine.result is not None:
            # The masked pass was known all along, so it was never as far as the full one.
            yield Step(2 * self.n, 2 * self.n, mine.unit, compared(mine.result, theirs.result))

    def without_each(
        self,
        mask: HeadMask | None = None,
        *,
        ablation: Ablation = "zero",
        means: Means | None = None,
    ) -> Iterator[Step[Neighbours]]:
        """Predictions with one more head off at a time, for every head that is on.

        Leave-one-out when the mask is full; one round of greedy elimination otherwise. Reports after each
        head of each chunk; only the last step carries the result.

        Raises:
            ProtocolError: the sentences are the test split's.
            MethodError: as `evaluating`.
        """
        unchosen(self.split.name, "losses without each head")
        mask = mask or self.full
        check_ablation(ablation, means)
        means = means if ablation == "mean" else None
        full = self.evaluate().predictions
        gathered = Gathering(mask, full, keep=self.subject.task is TEXTS)
        total, done = len(mask.on_heads) * self.n, 0
        for chunk in self._course.chunks:
            numbers = self._numbering.of(chunk)
            for answers in self._course.without_each(chunk, mask, means, mask.on_heads):
                for head, found in answers.items():
                    gathered.add(head, self._read(chunk, numbers, found))
                done += len(numbers)
                yield Step(done, total, "answers")
        yield Step(total, total, "answers", gathered.neighbours())

    def _read(self, chunk: Any, numbers: Tensor, logits: Tensor) -> Predictions:
        found = predictions(self.subject.task, self.subject.labels, logits, chunk, numbers)
        if self._course.dtype is torch.float16 and not found.logits.isfinite().all():
            raise MethodError(
                f"{self.subject.name} computes numbers that are too large for float16; choose bfloat16 or float32"
            )
        return found

    def _running(
        self, mask: HeadMask, ablation: Ablation, means: Means | None, *, keep: bool, least: int
    ) -> Iterator[Step[Evaluation]]:
        """A pass of its own, which reports after at least so many chunks."""
        wanted = Pass(mask, ablation if not mask.is_full else "zero", _digest(means))
        known = self._known(wanted)
        if known is not None:
            yield Step(self.n, self.n, self.subject.task.item, judged(mask, known, 0.0))
            return
        parts: list[Predictions] = []
        prepared = self._course.prepare(mask, means)
        seconds = 0.0
        for number in self._order:
            start = time.perf_counter()
            parts.append(self._part(number, wanted, prepared, keep))
            known = joined(parts)
            seconds += time.perf_counter() - start  # not what the caller does between two steps
            if not len(known):
                continue  # texts of one token, after which nothing comes
            found = judged(mask, known, seconds)
            if found.n == self.n:
                self._finish(wanted, known)
            is_telling = len(parts) >= least or found.n == self.n
            yield Step(found.n, self.n, self.subject.task.item, found if is_telling else None)

    def _part(self, number: int, wanted: Pass, prepared: Any, keep: bool) -> Predictions:
        """The answers to one chunk; those of the full model, which everybody needs, outlast a pass that was stopped."""
        if (begun := self._begun.get(number)) is not None and wanted.mask.is_full:
            return begun
        chunk = self._course.chunks[number]
        logits = self._run(number, chunk, wanted, prepared, keep)
        found = self._read(chunk, self._numbering.of(chunk), logits)
        if wanted.mask.is_full:
            self._begun[number] = found
        return found

    def _run(self, number: int, chunk: Any, wanted: Pass, prepared: Any, keep: bool) -> Tensor:
        layer, state = self._entrance(number, wanted)
        states, logits = self._course.run(chunk, layer, state, prepared)
        if keep:
            for above, found in states.items():
                key = wanted.entrance(above)
                # The full model's states serve every mask; a mask's own serve its neighbours.
                self.memory.put(self, (number, key), found, pinned=isinstance(key, int))
        return logits

    def _entrance(self, number: int, wanted: Pass) -> tuple[int, State | None]:
        """The highest layer whose entrance is remembered for this chunk."""
        for layer in range(self.subject.anatomy.layers - 1, 0, -1):
            state = self.memory.get(self, (number, wanted.entrance(layer)))
            if state is not None:
                return layer, state
        return 0, None

    def _known(self, wanted: Pass) -> Predictions | None:
        with self._lock:
            if wanted in self._finished:
                self._finished.move_to_end(wanted)
            return self._finished.get(wanted)

    def _finish(self, wanted: Pass, found: Predictions) -> None:
        with self._lock:
            self._finished[wanted] = found
            most = max(FINISHED_BYTES // max(found.logits.nbytes, 1), 1)
            while len(self._finished) > min(FINISHED, most):
                self._finished.popitem(last=False)


def _spread_out(count: int) -> list[int]:
    """The numbers below `count` in the order of the van der Corput sequence, evenly spread at any stop."""
    bits = max(count - 1, 1).bit_length()
    reversed_ = (int(format(number, f"0{bits}b")[::-1], 2) for number in range(1 << bits))
    return [number for number in reversed_ if number < count]


def _digest(means: Means | None) -> str:
    if means is None:
        return ""
    digest = hashlib.sha256()
    for layer in means:
        digest.update(layer.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
