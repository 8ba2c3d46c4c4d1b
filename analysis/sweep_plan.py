"""What a sweep compares, and which rows that makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.attention import ABLATIONS, Ablation
from analysis.errors import MethodError, ProtocolError, unknown
from analysis.precision import PRECISIONS
from analysis.repair import REPAIRS
from analysis.scores import METHODS, check_seed
from analysis.text import LabelledText, Selection, Split, Test

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
    """Of the random method; the others run once, with the first, from which Shapley draws its orders."""
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
    """See `precision.PRECISIONS`; `auto` is float32 on the test split, whose results are handed on."""

    @property
    def numbers(self) -> str:
        """The precision that the sentences are really judged in."""
        return "float32" if (self.precision, self.split) == ("auto", Test.name) else self.precision

    def check(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            MethodError: an unknown method, ablation, repair or precision; a fraction outside 0 to 1; a seed below 0;
                nothing to do.
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
        if self.precision not in PRECISIONS:
            raise MethodError(unknown("precision", self.precision, PRECISIONS))
        for seed in self.seeds:
            check_seed(seed)
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
                for seed in seeds_of(plan, method):
                    for fraction in plan.fractions:
                        yield Cell(method, fraction, seed, ablation, kind)


def seeds_of(plan: Sweep, method: str) -> Sequence[int]:
    """The seeds that a method runs with: `random` with each."""
    return plan.seeds if method == "random" else plan.seeds[:1]


def judged_of(data: LabelledText, plan: Sweep) -> Split:
    """The sentences that a sweep measures on."""
    judged = data.split(plan.split)
    return judged if plan.limit is None else judged.limited(plan.limit)
