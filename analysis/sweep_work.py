"""A sweep's work: rankings and rows, from the journal or made now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from analysis.attention import Means
from analysis.errors import DataError, MaskError, MethodError
from analysis.evaluation import Evaluation, compared
from analysis.journal import Journal, Notes, digest, key_of
from analysis.latency import computer
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.pace import Pace
from analysis.profiling import profile
from analysis.progress import Step
from analysis.protocol import disjoint
from analysis.removal import Removal, removal_of
from analysis.repair import check_solvable, repair, teacher_of
from analysis.replay import Replay
from analysis.scores import METHODS, Ranking, ranking
from analysis.scores.ablation import replay_of
from analysis.scores.method import Evidence
from analysis.scores.record import read, written
from analysis.solving import Teacher
from analysis.surgery import check_removable
from analysis.sweep_plan import Cell, Sweep, judged_of, plan_rows, seeds_of
from analysis.sweep_table import COLUMNS, USUAL, is_row, pack, row_of
from analysis.text import Calibration, LabelledText, Selection
from analysis.tuning import tune

FORMAT = 2
"""Of what is kept of a sweep: another number measures all anew, so it rises when scores mean something else."""
ROW_FORMAT = 2
"""The same of its rows alone."""


class Work:
    """A sweep's state: rankings, the full model's answers, and what the journal knows."""

    def __init__(self, subject: Subject, data: LabelledText, plan: Sweep, journal: Journal) -> None:
        self.subject, self.data, self.plan, self.journal = subject, data, plan, journal
        disjoint(data, data.split(plan.split))
        self.judged = judged_of(data, plan)
        self.calibration = _calibration(data)
        self._check()
        self.found: dict[tuple[str, int], Ranking] = {}
        self.removals: dict[tuple[int, ...], Removal] = {}
        self.mended: dict[tuple[HeadMask, str], Evaluation] = {}
        left: dict[str, int] = {}
        for one in plan_rows(plan):
            left[one.repair] = left.get(one.repair, 0) + 1
        self.pace = Pace(left)
        self._means: Means | None = None
        scored = (digest(self.calibration), digest(data.splits.get(Selection.name)))
        self._scored = (FORMAT, subject.fingerprint, *scored, plan.tuned)
        timed = computer(subject) if plan.timed else False
        kind = (ROW_FORMAT, tuple(COLUMNS))
        self._key = (self._scored, kind, digest(self.judged), plan.numbers, timed)

    def _check(self) -> None:
        """Refuse at once what splits that are not there would stop hours later."""
        plan, name = self.plan, self.data.name
        needs = [f"the repair {each!r}" for each in plan.repairs if each != "none"]
        if "none" in plan.repairs and "mean" in plan.ablations:
            needs.append("mean ablation")
        if needs and self.calibration is None:
            raise DataError(f"{name}: {needs[0]} needs a calibration split")
        if set(plan.repairs) != {"none"}:
            check_removable(self.subject, HeadMask.full(self.subject.anatomy))
        for kind in plan.repairs:
            check_solvable(self.subject, kind)
        tunable = [method for method in plan.methods if METHODS[method].choices]
        if plan.tuned and tunable and Selection.name not in self.data.splits:
            raise DataError(
                f"{name}: weights of {tunable[0]!r} are tuned on a selection split, which is not there"
            )

    @property
    def replay(self) -> Replay:
        """The judged sentences; made when the first row is not in the journal, and shared with later sweeps."""
        return replay_of(self.subject, self.judged, self.plan.numbers)

    def rankings(self) -> Iterator[Step[Ranking]]:
        """Score the heads by every method, reporting on the way; one that cannot run is refused before any has."""
        for method in self.plan.methods:
            METHODS[method].check(self.subject, Evidence(self.calibration, None))
        for method in self.plan.methods:
            for seed in seeds_of(self.plan, method):
                key = key_of("ranking", self._scored, method, seed)
                known = read(self.subject, method, self.journal.get(key) or {})
                if known is not None:
                    self.found[method, seed] = known
                    continue
                spent = key_of("spent", key)
                before = (self.journal.get(spent) or {"spent": 0.0})["spent"]
                start = time.perf_counter() - before
                for step in self._ranking(method, seed):
                    if step.result is not None:
                        self.found[method, seed] = step.result
                        seconds = time.perf_counter() - start
                        self.journal.put(key, {**written(step.result), "seconds": seconds})
                    elif METHODS[method].long:
                        self.journal.put(spent, {"spent": time.perf_counter() - start})
                    yield replace(step, unit=f"{step.unit} to score by {METHODS[method].title}")

    def _ranking(self, method: str, seed: int) -> Iterator[Step[Ranking]]:
        setting = None
        selection = self.data.splits.get(Selection.name)
        if self.plan.tuned and METHODS[method].choices and isinstance(selection, Selection):
            assert self.calibration is not None
            setting = tune(self.subject, self.calibration, selection, method).setting
        notes = Notes(self.journal, (self._scored, method, seed))
        yield from ranking(self.subject, self.data, method, seed=seed, setting=setting, notes=notes)

    def check_masks(self) -> None:
        """Refuse masks that are to be repaired and cannot be removed, before any row is measured."""
        seen: set[HeadMask] = set()
        for one in plan_rows(self.plan):
            mask = self._mask(one)
            if one.repair == "none" or mask in seen:
                continue
            seen.add(mask)
            try:
                check_removable(self.subject, mask)
            except MaskError as error:
                raise MethodError(
                    f"the mask of {one.method} (seed {one.seed}) at {one.fraction:.0%} cannot be removed, so it cannot "
                    f"be repaired by {one.repair}: {error}; sweep with the repair none alone"
                ) from error

    def _mask(self, one: Cell) -> HeadMask:
        total = self.subject.anatomy.heads_total
        ranking = self.found[one.method, one.seed]
        return ranking.mask(self.subject.anatomy, total - round(one.fraction * total))

    def row(self, one: Cell) -> dict[str, Any]:
        """One row, from the journal or measured now."""
        mask, weights = self._mask(one), self.found[one.method, one.seed].setting
        setting = USUAL if weights is None else ",".join(f"{weight:.3g}" for weight in weights)
        label = {**asdict(one), "setting": setting, "split": self.plan.split}
        key = key_of("row", self._key, tuple(label.values()), mask.encode())
        known = self.journal.get(key)
        if known is not None and is_row(known):
            self.pace.done(one.repair, None)
            return known
        start = time.perf_counter()
        found = self._evaluated(mask, one)
        row = {**label, **row_of(found), "right": pack(found.predictions.correct)}
        row |= self._removed(mask)
        self.journal.put(key, row)
        self.pace.done(one.repair, time.perf_counter() - start)
        return row

    def _evaluated(self, mask: HeadMask, one: Cell) -> Evaluation:
        if one.repair == "none" or mask.is_full:
            means = self._mean_outputs() if one.ablation == "mean" else None
            return self.replay.evaluate(mask, ablation=one.ablation, means=means, keep=False)
        baseline = self.replay.evaluate()
        if (mask, one.repair) not in self.mended:  # methods often agree on a mask
            mended = _mended(self.subject, mask, self.calibration, one.repair)
            found = Replay(mended, self.judged, precision=self.plan.numbers, memory=0).evaluate()
            self.mended[mask, one.repair] = compared(replace(found, mask=mask), baseline)
        return self.mended[mask, one.repair]

    def _mean_outputs(self) -> Means:
        if self.calibration is None:
            raise DataError(f"{self.data.name}: mean ablation needs a calibration split")
        if self._means is None:
            self._means = profile(self.subject, self.calibration).means
        return self._means

    def _removed(self, mask: HeadMask) -> dict[str, float]:
        """What the model without the heads costs; masks with equal counts a layer share the answer."""
        counts = tuple(sum(row) for row in mask.rows)
        if counts not in self.removals:
            self.removals[counts] = removal_of(self.subject, mask, timed=self.plan.timed)
        return self.removals[counts].columns


@lru_cache(maxsize=1)
def _mended(
    subject: Subject, mask: HeadMask, calibration: Calibration | None, kind: str
) -> Subject:
    """The repaired model; the last one is kept for a sweep on another split."""
    teacher = None if calibration is None else _teacher(subject, calibration)
    return repair(subject, mask, calibration, kind, teacher=teacher).subject


@lru_cache(maxsize=1)
def _teacher(subject: Subject, calibration: Calibration) -> Teacher:
    """The full model's streams, which all repairs share."""
    return teacher_of(subject, calibration)


def _calibration(data: LabelledText) -> Calibration | None:
    found = data.splits.get(Calibration.name)
    return found if isinstance(found, Calibration) else None
