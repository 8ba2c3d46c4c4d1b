"""Two masks of one model on the same sentences: which answers better, and how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.evaluation import Evaluation, compared
from analysis.intervals import Change
from analysis.significance import mcnemar


@dataclass(frozen=True, eq=False)
class Pairing:
    """A second evaluation against a first one."""

    first: Evaluation
    second: Evaluation
    """Its `baseline` is the first, so `change` and `flips` are those between the two."""
    p: float
    """Exact two-sided p of McNemar's test that both are right equally often."""
    apart: float
    """Share of sentences to which the two give different answers, 0 to 1; right or wrong does not matter."""

    @property
    def change(self) -> Change:
        """Accuracy of the second against the first, in points, with its paired 95 % interval."""
        assert self.second.change is not None
        return self.second.change

    @property
    def is_decided(self) -> bool:
        """Whether the interval of the change leaves out 0."""
        return self.change.low > 0 or self.change.high < 0


def pair(first: Evaluation, second: Evaluation) -> Pairing:
    """Compare two evaluations of the same sentences.

    Raises:
        DataError: they were measured on other sentences.
    """
    judged = compared(second, first)
    assert judged.flips is not None
    p = mcnemar(len(judged.flips.fixed), len(judged.flips.broken))
    return Pairing(first, judged, p, disagreement(first, second))


def disagreement(first: Evaluation, second: Evaluation) -> float:
    """Share of the same sentences to which two masks give different answers, 0 to 1."""
    mine, theirs = first.predictions.answers, second.predictions.answers
    return float((mine != theirs).float().mean())
