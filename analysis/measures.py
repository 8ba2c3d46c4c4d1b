"""The measures of a task on a model's answers: values, intervals and changes in the task's own units.

Every measure is a ratio of two sums over texts (or its exponential): right answers to answers, losses to answers,
twice the entities found to those named and true. Words and tokens of one text depend on each other, so intervals
come from the spread of whole texts: with text `i` adding `a_i` and `b_i`, the ratio `R = A / B` moves by
`(a_i - R b_i) / B` for each text, and the variance is the sum of their squares times `m / (m - 1)` for `m` texts
(the linearised ratio estimator; Cochran 1977, section 6.4). An interval of a share reaches at least as far as so many
texts leave open where none of them differs, `intervals.OPEN` / m to either side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.answers import Predictions
from analysis.intervals import OPEN, Change, Interval, Z
from analysis.tasks import Measure


@dataclass(frozen=True)
class Measured:
    """One measure of a model."""

    measure: Measure
    value: float
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end of it."""
    change: Change | None = None
    """Against the full model on the same texts, paired; in points (hundredths) for shares, else in the
    measure's unit."""

    @property
    def title(self) -> str:
        """The measure's title inside a sentence: `accuracy`, `entity F1`."""
        return self.measure.told

    @property
    def told(self) -> str:
        """The value with its unit: `84.2 %`, `12.34`, `0.512 nats`."""
        return told(self.measure, self.value)

    @property
    def interval(self) -> str:
        """The interval with its unit."""
        low, high = (told(self.measure, end) for end in (self.low, self.high))
        return f"{low.removesuffix(' %').removesuffix(' nats')} to {high}"

    @property
    def changed(self) -> str:
        """The change with its interval and unit; empty where there is none."""
        if self.change is None:
            return ""
        unit = "points" if self.measure.unit == "share" else self.measure.unit
        digits = ".2f" if self.measure.unit == "share" or not self.measure.unit else ".3f"
        by, low, high = self.change.points, self.change.low, self.change.high
        told = f"{by:+{digits}} {unit} ({low:+{digits}} to {high:+{digits}})"
        return " ".join(told.replace("-", "−").split())

    @property
    def is_worse(self) -> bool | None:
        """Whether the change is for the worse beyond chance, for the better (False), or neither (None)."""
        if self.change is None or self.change.low <= 0 <= self.change.high:
            return None
        return (self.change.high < 0) == self.measure.higher_is_better


def told(measure: Measure, value: float) -> str:
    """A value with the measure's unit, for people."""
    if measure.unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:,.3f} {measure.unit}".strip() if measure.unit else f"{value:,.2f}"


def measured(
    measure: Measure, predictions: Predictions, baseline: Predictions | None = None
) -> Measured:
    """A measure of some predictions, and its change against others on the same texts."""
    mine = _ratio(measure, predictions)
    ends = mine.interval(measure.unit)
    change = None
    if baseline is not None:
        theirs = _ratio(measure, baseline)
        scale = 100 if measure.unit == "share" else 1
        spread = _spread(measure.unit, _error(mine.moves - theirs.moves), len(mine.moves))
        by = mine.value - theirs.value
        change = Change(scale * by, scale * (by - spread), scale * (by + spread))
    return Measured(measure, mine.value, ends.low, ends.high, change)


def expected(some: Measured, there: Measured, full: Measured) -> Measured:
    """What all texts are expected to give: the full model's value on all of them, moved by the change on some.

    The difference estimator (Cochran 1977, chapter 7, the slope given as 1): which texts are hard, a model with a few
    heads off shares with the full one, so the change on some texts says far more than the value there. The two
    intervals are put together by square-and-add (Newcombe 1998; Zou and Donner 2008). A perplexity, an exponential,
    moves by a factor instead.

    Args:
        some: the measure on some texts, with its change against the full model there.
        there: the full model's on these texts.
        full: the full model's on all of them.
    """
    change = some.change
    assert change is not None
    unit = 100 if some.measure.unit == "share" else 1
    scale = full.value / there.value if some.measure.name == "perplexity" else 1.0
    by, low, high = (scale * each / unit for each in (change.points, change.low, change.high))
    top = 1.0 if some.measure.unit == "share" else math.inf
    value = min(max(full.value + by, 0.0), top)
    return Measured(
        some.measure,
        value,
        max(value - math.hypot(full.value - full.low, by - low), 0.0),
        min(value + math.hypot(full.high - full.value, high - by), top),
        Change(*(unit * each for each in (by, low, high))),
    )


def over_texts(values: Tensor, texts: Tensor, unit: str) -> Interval:
    """95 % interval of the mean of numbers that are not negative, over whole texts.

    Args:
        values: a number an answer, `[n]`.
        texts: place of each answer's text, `[n]`.
        unit: `share` of numbers between 0 and 1, else as of a `Measure`.
    """
    return _Ratio.of(*_by_text(values, texts)).interval(unit)


def _spread(unit: str, error: float, texts: int) -> float:
    """Half of a 95 % interval."""
    least = OPEN / texts if unit == "share" else 0.0
    return max(Z * error, least)


@dataclass(frozen=True, eq=False)
class _Ratio:
    """A measure's value and how each text moves it."""

    value: float
    moves: Tensor
    """By how much the value moves for each text, float64 `[texts]`."""
    log_error: float
    """Standard error of the ratio before the exponential is taken."""
    is_exponential: bool = False

    @classmethod
    def of(cls, above: Tensor, below: Tensor, *, exponential: bool = False) -> _Ratio:
        total = float(below.sum())
        ratio = float(above.sum()) / total if total else 1.0
        moves = (above - ratio * below) / max(total, 1.0)
        if not exponential:
            return cls(ratio, moves, _error(moves))
        value = math.exp(min(ratio, 700))
        return cls(value, moves * value, _error(moves), is_exponential=True)

    def interval(self, unit: str) -> Interval:
        if self.is_exponential:  # symmetric in the loss, not in its exponential
            factor = math.exp(min(Z * self.log_error, 700))
            return Interval(self.value / factor, self.value * factor)
        spread = _spread(unit, self.log_error, len(self.moves))
        top = 1.0 if unit == "share" else math.inf
        return Interval(max(self.value - spread, 0.0), min(self.value + spread, top))


def _error(moves: Tensor) -> float:
    """Standard error; infinite for a single text, which says nothing about the spread of texts."""
    texts = len(moves)
    return math.inf if texts < 2 else float((moves.square().sum() * texts / (texts - 1)).sqrt())


def _ratio(measure: Measure, predictions: Predictions) -> _Ratio:
    return _Ratio.of(*_sums(measure, predictions), exponential=measure.name == "perplexity")


def _sums(measure: Measure, predictions: Predictions) -> tuple[Tensor, Tensor]:
    """What each text adds above and below the line of the ratio, float64 `[texts]`."""
    if measure.name == "entity_f1":
        present, places = predictions.texts.unique(return_inverse=True)
        return _entity_sums(predictions, places, len(present))
    values = predictions.correct if measure.name == "accuracy" else predictions.losses
    return _by_text(values, predictions.texts)


def _by_text(values: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
    """Sum and number of the answers of each text that is there, float64 `[texts]`."""
    present, places = texts.unique(return_inverse=True)
    above = torch.zeros(len(present), dtype=torch.float64).index_add_(0, places, values.double())
    return above, places.bincount(minlength=len(present)).double()


def _entity_sums(predictions: Predictions, places: Tensor, texts: int) -> tuple[Tensor, Tensor]:
    above, below = (torch.zeros(texts, dtype=torch.float64) for _ in range(2))
    rows = places.tolist()
    got, true = (
        entities(predictions.names, rows, tags.tolist())
        for tags in (predictions.answers, predictions.labels)
    )
    for found, into, weight in ((got & true, above, 2), (got, below, 1), (true, below, 1)):
        for start, _, _ in found:
            into[rows[start]] += weight
    return above, below


def entities(
    names: Sequence[str], rows: Sequence[int], tags: Sequence[int]
) -> set[tuple[int, int, str]]:
    """First word, word after the last, and type of each entity; words are counted over all sentences.

    Tags are read as BIO: `B-PER` begins an entity of type PER, `I-PER` goes on with it, `O` is outside;
    an `I-` that nothing precedes begins one, and names without such a prefix make runs of equal names.
    """
    entities: set[tuple[int, int, str]] = set()
    start, kind, row = 0, "", -1
    for place in range(len(tags) + 1):
        name = names[tags[place]] if place < len(tags) else "O"
        now = rows[place] if place < len(tags) else -1
        prefix, dash, rest = name.partition("-")
        found = "" if name == "O" else rest if dash else name
        goes_on = found == kind and now == row and not (dash and prefix == "B")
        if kind and not goes_on:
            entities.add((start, place, kind))
        if found and not (kind and goes_on):
            start = place
        kind, row = found, now
    return entities
