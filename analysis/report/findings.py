"""What a report tells, measured as far as it is not known yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis.cost import Cost, cost
from analysis.errors import MethodError
from analysis.evaluation import Evaluation, compared
from analysis.handover.delivered import Delivery
from analysis.handover.judging import Standing
from analysis.intervals import Change
from analysis.latency import Latency, Runner, timing
from analysis.models import Subject
from analysis.plan import Plan
from analysis.profiling import Profile, profiling
from analysis.progress import Step
from analysis.protocol import unseen, untraced
from analysis.repair import repairing
from analysis.replay import Replay
from analysis.surgery import mask_of, prune
from analysis.sweep import sweeping
from analysis.text import Calibration, LabelledText, Selection, Test

FULL, OFF, SMALLER = "full model", "heads switched off", "heads removed and repaired"
"""Forms of the model that accuracy is measured of."""
FORMS = {"before": FULL, "masked": OFF, "removed": "heads removed", "repaired": SMALLER}
"""What a delivery calls them."""


@dataclass(frozen=True)
class Measured:
    """The accuracy of a form of the model on a split."""

    form: str
    split: str
    n: int
    """Sentences."""
    accuracy: float
    """Share of right answers, 0 to 1."""
    low: float
    high: float
    """Ends of its 95 % Wilson interval."""
    change: Change | None = None
    """Against the full model on the same sentences, in points; None for the full model itself."""


@dataclass(frozen=True)
class Wish:
    """What a report shall hold, and how its times are taken."""

    methods: tuple[str, ...] = ("taylor", "magnitude", "random")
    """Of the curve; none leaves it out."""
    fractions: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    """Shares of heads removed on the curve."""
    seeds: tuple[int, ...] = tuple(range(10))
    """Random masks of the curve at each share."""
    limit: int | None = 500
    """Sentences of the selection split that the curve is measured on."""
    test: bool = False
    """Measure on the test split too. Only when the person says so: it is for once, at the end."""
    precision: str = "float32"
    """What accuracy on the selection split is computed in, a name from `precision.PRECISIONS`; that on the test split
    and times are always float32."""
    batch: int = 1
    length: int = 128
    rounds: int = 15


@dataclass(frozen=True, eq=False)
class Known:
    """What was measured before and need not be again."""

    profile: Profile | None = None
    selection: Evaluation | None = None
    test: Evaluation | None = None
    """Only where a person has asked for it."""
    delivery: Delivery | None = None
    curve: pd.DataFrame | None = None

    @property
    def has_test(self) -> bool:
        """True when a person has had something measured on the test split."""
        return self.test is not None or (
            self.delivery is not None and self.delivery.split == "test"
        )


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that a report tells about one plan."""

    subject: Subject
    data: LabelledText
    plan: Plan
    profile: Profile
    selection: Evaluation
    """The masked model on the selection split, with the full model's answers."""
    rows: tuple[Measured, ...]
    """Accuracy of every form of the model on every split that it was measured on."""
    before: Cost
    after: Cost
    latency: Latency
    """`full`, `masked` and `removed`, timed in turns."""
    repair: str
    """What the repair did, in a sentence; empty without one."""
    curve: pd.DataFrame | None
    precision: str
    """What accuracy was computed in: `float32` or `bfloat16`."""

    @property
    def has_test(self) -> bool:
        """True when something was measured on the test split."""
        return any(row.split == "test" for row in self.rows)


def gathering(
    subject: Subject,
    data: LabelledText,
    plan: Plan,
    *,
    wish: Wish | None = None,
    known: Known | None = None,
) -> Iterator[Step[Findings]]:
    """Measure what a report needs and is not known yet, part by part.

    Args:
        subject: the full model.
        data: with the splits `calibration` and `selection`.
        plan: which heads go, what they contribute while they are off, and how the rest is repaired.
        wish: what to include.
        known: what need not be measured again.

    Raises:
        HeadcountError: the plan is of another model, its heads cannot be removed, a split is missing, or test
            sentences are among those that the repair sees or that the plan was chosen by.
    """
    if subject.task.reads != "labelled texts":
        raise MethodError(
            f"{subject.name} is a model for {subject.task.title.lower()}; reports are about classifiers of texts so far"
        )
    unseen(data)
    wish, known = wish or Wish(), known or Known()
    if wish.test:
        untraced(data.split(Test.name), plan.trace, f"the plan {plan.name!r}")
    mask = mask_of(subject, plan)
    profile = known.profile or (
        yield from _part(0, profiling(subject, data.split(Calibration.name)))
    )
    means = profile.means if plan.ablation == "mean" else None
    how: dict[str, Any] = {"ablation": plan.ablation, "means": means}
    replay = Replay(subject, data.split(Selection.name), precision=wish.precision)
    selection = known.selection or (yield from _part(1, replay.evaluating(mask, **how)))
    rows = list(measured(selection, OFF, Selection.name))
    smaller, told = yield from _smaller(subject, data, plan, known.delivery)
    if plan.repair != "none":
        rows.append(_repaired(smaller, data, selection, Selection.name, wish))
    rows += yield from _on_test(subject, smaller, data, plan, wish, known, how)
    length = min(wish.length, subject.max_length)
    before, after = (cost(each, batch=wish.batch, length=length) for each in (subject, smaller))
    runners = {"full": Runner(subject), "masked": Runner(subject, mask), "removed": Runner(smaller)}
    steps = timing(runners, batch=wish.batch, length=length, rounds=wish.rounds)
    latency = yield from _part(4, steps)
    curve = known.curve
    if curve is None and wish.methods:
        curve = yield from _curve(subject, data, plan, wish)
    found = Findings(
        subject, data, plan, profile, selection, tuple(rows), before, after, latency, told, curve, replay.precision
    )  # fmt: skip
    yield Step(PARTS, PARTS, "parts", found)


def measured(found: Evaluation, form: str, split: str) -> Iterator[Measured]:
    """An evaluation, and that of the full model before it, as rows of the report."""
    base = found.baseline
    if base is not None:
        yield Measured(FULL, split, base.n, base.accuracy, base.low, base.high)
    yield Measured(
        form if base is not None else FULL,
        split,
        found.n,
        found.accuracy,
        found.low,
        found.high,
        found.change,
    )


PARTS = 6
"""Statistics, selection, removal, test, timing, curve."""


def _part(number: int, steps: Iterator[Step[Any]]) -> Any:
    """Do one of the parts, passing its progress on; returns its result."""
    result = None
    for step in steps:
        result = step.result
        yield Step(number, PARTS, "parts", remaining=step.remaining if number == 5 else None)
    return result


def _smaller(subject: Subject, data: LabelledText, plan: Plan, delivery: Delivery | None) -> Any:
    """The model without the heads, repaired as the plan says, and what the repair did."""
    if delivery is not None:
        return delivery.subject, delivery.report.sentence if plan.repair != "none" else ""
    if plan.repair == "none":
        return prune(subject, plan), ""
    splits: Any = data.splits
    steps = repairing(
        subject,
        mask_of(subject, plan),
        splits.get(Calibration.name),
        plan.repair,
        selection=splits.get(Selection.name),
    )
    repaired = yield from _part(2, steps)
    return repaired.subject, repaired.report.sentence


def _repaired(
    smaller: Subject, data: LabelledText, masked: Evaluation, split: str, wish: Wish
) -> Measured:
    """The repaired model on a split, against the full model's answers there."""
    precision = "float32" if split == "test" else wish.precision
    found = Replay(smaller, data.split(split), precision=precision).evaluate()
    change = compared(replace(found, baseline=None), masked.baseline or masked).change
    return Measured(SMALLER, split, found.n, found.accuracy, found.low, found.high, change)


def _on_test(
    subject: Subject,
    smaller: Subject,
    data: LabelledText,
    plan: Plan,
    wish: Wish,
    known: Known,
    how: dict[str, Any],
) -> Any:
    """Rows on the test split: what a person has measured there, or now asks for."""
    split = data.splits.get("test")
    delivery = known.delivery
    if split is None:
        return []
    if delivery is not None and delivery.split == "test" and delivery.standings:
        return [
            _standing(name, standing, len(split)) for name, standing in delivery.standings.items()
        ]
    found = known.test
    if found is None and wish.test:
        replay = Replay(subject, split, precision="float32")
        found = yield from _part(3, replay.evaluating(plan.mask, **how))
    if found is None:
        return []
    rows = list(measured(found, OFF, "test"))
    if wish.test and plan.repair != "none":
        rows.append(_repaired(smaller, data, found, "test", wish))
    return rows


def _standing(name: str, standing: Standing, n: int) -> Measured:
    main = standing.main
    return Measured(FORMS[name], "test", n, main.value, main.low, main.high, main.change)


def _curve(subject: Subject, data: LabelledText, plan: Plan, wish: Wish) -> Any:
    """The sweep of the curve; None when a method cannot score this model."""
    steps = sweeping(
        subject,
        data,
        wish.methods,
        fractions=wish.fractions,
        seeds=wish.seeds,
        limit=wish.limit,
        ablations=(plan.ablation,),
        precision=wish.precision,
    )
    try:
        return (yield from _part(5, steps))
    except MethodError:
        return None
