"""Methods x fractions x seeds x ablation or repair: how accuracy falls as heads are removed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.attention import ABLATIONS, Ablation, Means
from analysis.errors import DataError, MaskError, MethodError, ProtocolError, unknown
from analysis.evaluation import Evaluation, compared
from analysis.journal import Journal, Notes, check_table, digest, journal_of, key_of, save_table
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.pace import Pace
from analysis.profiling import profile
from analysis.progress import UNKNOWN, Step, finish
from analysis.protocol import disjoint
from analysis.removal import Removal, removal_of
from analysis.repair import REPAIRS, repair, teacher_of
from analysis.replay import Replay
from analysis.scores import METHODS, Ranking, ranking
from analysis.scores.ablation import replay_of
from analysis.scores.method import Evidence
from analysis.scores.record import read, written
from analysis.solving import Teacher
from analysis.surgery import check_removable
from analysis.sweep_table import COLUMNS, USUAL, pack, row_of, table_of
from analysis.swept import Swept
from analysis.text import Calibration, LabelledText, Selection, Split, Test
from analysis.tuning import tune

__all__ = ["COLUMNS", "FRACTIONS", "SEEDS", "Sweep", "sweep", "sweeping", "swept"]

FORMAT = 2
"""Of what is kept of a sweep: another number measures anew, so it rises when rows or scores mean something else."""
FRACTIONS = (0.1, 0.25, 0.5, 0.75, 0.9)
SEEDS = tuple(range(20))
"""Seeds of the random masks: 20, since a method is placed in their distribution."""


@dataclass(frozen=True)
class Sweep:
    """What to compare, and how."""

    methods: Sequence[str]
    fractions: Sequence[float] = FRACTIONS
    """Shares of heads removed, 0 to 1."""
    seeds: Sequence[int] = SEEDS
    """Of the random method; the others run once, with the first."""
    split: str = "selection"
    """What accuracy is measured on: `selection`, or `test` to report."""
    limit: int | None = None
    """Sentences of it at most."""
    ablations: Sequence[Ablation] = ("zero",)
    """Each mask is measured with each of them, as long as its heads are only switched off."""
    repairs: Sequence[str] = ("none",)
    """Each mask is measured with each of them; with any but `none` the heads are really removed, and what heads that
    are off would contribute plays no part: those rows say `zero`, once."""
    tuned: bool = False
    """Choose the settings of methods that have some, on the selection split."""
    timed: bool = False
    """Really remove the heads and time that model against the full one."""
    precision: str = "auto"
    """See `precision.PRECISIONS`."""

    def check(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            MethodError: an unknown method, ablation or repair; a fraction outside 0 to 1; nothing to do.
            ProtocolError: a split that accuracy is not measured on.
        """
        for name in self.methods:
            if name not in METHODS:
                raise MethodError(unknown("method", name, METHODS))
        for kind, name, choices in (
            *(("ablation", each, ABLATIONS) for each in self.ablations),
            *(("repair", each, REPAIRS) for each in self.repairs),
        ):
            if name not in choices:
                raise MethodError(unknown(kind, name, choices))
        for fraction in self.fractions:
            if not 0 <= fraction <= 1:
                raise MethodError(f"the fraction {fraction} is not between 0 and 1")
        for what in ("methods", "fractions", "seeds", "ablations", "repairs"):
            given = list(getattr(self, what))
            if not given:
                raise MethodError(f"a sweep needs {what}")
            if twice := [each for each in given if given.count(each) > 1]:
                raise MethodError(f"a sweep's {what} name {twice[0]!r} twice")
        if self.split not in (Selection.name, Test.name):
            raise ProtocolError(
                f"a sweep measures on the selection or the test split, not on {self.split!r}: "
                "heads are scored on the calibration split"
            )


def sweep(
    subject: Subject, data: LabelledText, methods: Sequence[str], **options: Any
) -> pd.DataFrame:
    """The whole table at once; see `sweeping`."""
    return finish(sweeping(subject, data, methods, **options))


def swept(subject: Subject, data: LabelledText, methods: Sequence[str], **options: Any) -> Swept:
    """The whole sweep with the split that it measured on, from which `tuning.choose` chooses; see `sweeping`."""
    table = sweep(subject, data, methods, **options)
    return Swept._of(
        subject.anatomy, _judged(data, Sweep(tuple(methods), **_of_plan(options))), table
    )


def sweeping(
    subject: Subject,
    data: LabelledText,
    methods: Sequence[str],
    *,
    save: Path | None = None,
    journal: Path | None = None,
    **options: Any,
) -> Iterator[Step[pd.DataFrame]]:
    """Evaluate each method at each fraction; the table grows by a row a step.

    Heads are scored on the calibration split, searched and tuned on the selection split, and judged on
    `split`. Only `random` depends on the seed; the other methods run once and carry the first seed.

    Args:
        subject: the model.
        data: labelled text with these splits.
        methods: names from `METHODS`.
        save: a file ending in .csv or .parquet. Rankings and rows are kept beside it as they come, and a
            sweep that was stopped or crashed goes on where it was; the table is written at the end, also when
            the sweep is cancelled.
        journal: another place for rankings and rows; several sweeps of one model and its sentences may share it,
            and none measures what another has.
        options: see `Sweep`.

    Raises:
        MethodError, ProtocolError: see `Sweep.check`; splits that share texts are refused too, and masks that are
            to be repaired and cannot be removed.
        DataError: the data lacks a split.
        ModelError: a repair of a model whose heads cannot be removed.
        PlaceError: the file cannot be written.
    """
    plan = Sweep(tuple(methods), **options)
    plan.check()
    if save is not None:
        check_table(save)
    if journal is None and save is not None:
        journal = journal_of(save)
    work = _Work(subject, data, plan, Journal(journal))
    rows: list[dict[str, Any]] = []
    total = sum(1 for _ in plan_rows(plan))
    yield Step(0, total, "masks", table_of(rows, whole=False), UNKNOWN)
    try:
        for inner in work.rankings():
            known = table_of(rows, whole=False)
            if inner.result is None:
                yield Step(inner.done, inner.total, inner.unit, known, UNKNOWN)
            else:
                yield Step(0, total, "masks", known, UNKNOWN)
        work.check_masks()
        for number, one in enumerate(plan_rows(plan), 1):
            rows.append(work.row(one))
            table = table_of(rows, whole=number == total)
            yield Step(number, total, "masks", table, work.pace.remaining)
    finally:
        if save is not None and rows:
            save_table(table_of(rows, whole=len(rows) == total), save)


@dataclass(frozen=True)
class Cell:
    """What a row of the table measures."""

    method: str
    fraction: float
    seed: int
    ablation: Ablation
    repair: str


def plan_rows(plan: Sweep) -> Iterator[Cell]:
    """What every row measures, the cheap repairs first."""
    for kind in sorted(plan.repairs, key=list(REPAIRS).index):
        for ablation in plan.ablations if kind == "none" else ("zero",):
            for method in plan.methods:
                for seed in _seeds(plan, method):
                    for fraction in plan.fractions:
                        yield Cell(method, fraction, seed, ablation, kind)


def _judged(data: LabelledText, plan: Sweep) -> Split:
    """The sentences that a sweep measures on."""
    judged = data.split(plan.split)
    return judged if plan.limit is None else judged.limited(plan.limit)


def _of_plan(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("save", "journal")}


def _seeds(plan: Sweep, method: str) -> Sequence[int]:
    return plan.seeds if method == "random" else plan.seeds[:1]


class _Work:
    """A sweep's state: rankings, the full model's answers, and what the journal knows."""

    def __init__(self, subject: Subject, data: LabelledText, plan: Sweep, journal: Journal) -> None:
        self.subject, self.data, self.plan, self.journal = subject, data, plan, journal
        disjoint(data, data.split(plan.split))
        self.judged = _judged(data, plan)
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
        self._key = (self._scored, tuple(COLUMNS), digest(self.judged), plan.precision, plan.timed)

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
        tunable = [method for method in plan.methods if METHODS[method].choices]
        if plan.tuned and tunable and Selection.name not in self.data.splits:
            raise DataError(
                f"{name}: weights of {tunable[0]!r} are tuned on a selection split, which is not there"
            )

    @property
    def replay(self) -> Replay:
        """The judged sentences; made when the first row is not in the journal, and shared with later sweeps."""
        return replay_of(self.subject, self.judged, self.plan.precision)

    def rankings(self) -> Iterator[Step[Ranking]]:
        """Score the heads by every method, reporting on the way; one that cannot run is refused before any has."""
        if self.calibration is not None:
            for method in self.plan.methods:
                METHODS[method].check(self.subject, Evidence(self.calibration, None))
        for method in self.plan.methods:
            for seed in _seeds(self.plan, method):
                key = key_of("ranking", self._scored, method, seed)
                known = self.journal.get(key)
                if known is not None:
                    self.found[method, seed] = read(self.subject, method, known)
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
        if known is not None:
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
            found = Replay(mended, self.judged, precision=self.plan.precision, memory=0).evaluate()
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
