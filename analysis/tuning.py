"""Everything that is chosen is chosen on the selection split; these values cannot be made of another."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.answers import divergences
from analysis.errors import DataError, MethodError, ProtocolError, unknown
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.protocol import only
from analysis.scores import METHODS, Ranking, rank
from analysis.scores.ablation import answers_of
from analysis.swept import Swept
from analysis.text import Calibration, Selection

FRACTIONS = (0.25, 0.5)
"""Shares of heads removed at which settings are compared."""
_REFUSAL = (
    "what is tuned or chosen is chosen on the selection split, not on {name}: "
    "numbers of the test split are reported, never chosen by"
)


@dataclass(frozen=True, eq=False)
class Tuned:
    """A method's setting, chosen on the selection split."""

    method: str
    setting: tuple[float, ...]
    split: Selection
    """The sentences that it was chosen on."""
    table: pd.DataFrame
    """What each setting reached: `setting`, `divergence` (nats, mean over the fractions)."""

    def __post_init__(self) -> None:
        _on_selection(self.split)

    def rank(self, subject: Subject, calibration: Calibration) -> Ranking:
        """The ranking by the method with this setting."""
        return rank(subject, calibration, self.method, setting=self.setting, selection=self.split)


@dataclass(frozen=True)
class Chosen:
    """The best row of a sweep, chosen on the selection split."""

    method: str
    fraction: float
    mask: HeadMask
    split: Selection
    """The sentences that it was chosen on."""
    ablation: str = "zero"
    """What its heads contributed while it was measured."""
    repair: str = "none"
    """What was done after they were removed, and must be done again."""

    def __post_init__(self) -> None:
        _on_selection(self.split)


def tune(subject: Subject, calibration: Calibration, selection: Selection, method: str) -> Tuned:
    """Choose a method's setting: the one whose masks stay nearest to the full model's answers.

    Heads are scored on `calibration`; the mean divergence of the masks at `FRACTIONS` is measured on
    `selection`.

    Raises:
        MethodError: an unknown method, or one without settings.
        ProtocolError: another split than these.
    """
    check_tunable(method)
    _on_selection(selection)
    replay = answers_of(subject, selection)
    full = replay.evaluate().predictions.logits
    total = subject.anatomy.heads_total
    rows: list[tuple[tuple[float, ...], float]] = []
    for setting in METHODS[method].choices:
        found = rank(subject, calibration, method, setting=setting, selection=selection)
        reached = [
            divergences(
                replay.evaluate(
                    found.mask(subject.anatomy, total - round(share * total)), keep=False
                ).predictions.logits,
                full,
            )
            for share in FRACTIONS
        ]
        rows.append((tuple(setting), float(sum(reached)) / len(reached)))
    best = min(rows, key=lambda row: row[1])
    return Tuned(method, best[0], selection, pd.DataFrame(rows, columns=["setting", "divergence"]))


def check_tunable(method: str) -> None:
    """Refuse a method without settings.

    Raises:
        MethodError: an unknown method, or one without settings.
    """
    if method not in METHODS:
        raise MethodError(unknown("method", method, METHODS))
    if not METHODS[method].choices:
        have = ", ".join(name for name, each in METHODS.items() if each.choices)
        raise MethodError(f"the method {method!r} has nothing to tune; {have} have")


def choose(found: Swept, fraction: float) -> Chosen:
    """The method whose mask at a fraction was best on the selection split: highest accuracy, then lowest loss.

    Args:
        found: what `sweep.swept` measured on the selection split; a table says too little, since anybody can write
            another split's name into it.
        fraction: share of heads removed.

    Raises:
        ProtocolError: it was measured on another split, or is no sweep's result.
        DataError: the sweep has no such fraction.
    """
    if type(found) is not Swept:
        raise ProtocolError(
            f"a choice is made from what sweep.swept returns, not from {type(found).__name__}: "
            "a table does not prove what it was measured on"
        )
    _on_selection(found.split)
    rows = [row for row in found.rows if row.method != "random"]
    there = [row for row in rows if row.fraction == fraction]
    if not there:
        raise DataError(
            f"the sweep has no fraction {fraction:g}; it has "
            f"{', '.join(f'{each:g}' for each in sorted({row.fraction for row in rows}))}"
        )
    best = min(there, key=lambda row: (-row.accuracy, row.loss))
    return Chosen(
        best.method,
        fraction,
        best.mask,
        found.split,  # type: ignore[arg-type]
        best.ablation,
        best.repair,
    )


def _on_selection(split: object) -> None:
    only(split, Selection, _REFUSAL)
