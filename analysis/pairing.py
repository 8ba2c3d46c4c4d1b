"""Two masks of one model on the same sentences: which answers better, and how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.evaluation import Evaluation, compared


@dataclass(frozen=True, eq=False)
class Pairing:
    """A second evaluation against a first one."""

    first: Evaluation
    second: Evaluation
    """Its `baseline` is the first, so `change` and `flips` are those between the two."""
    apart: float
    """Share of sentences to which the two give different answers, 0 to 1; right or wrong does not matter."""


def pair(first: Evaluation, second: Evaluation) -> Pairing:
    """Compare two evaluations of the same sentences.

    Raises:
        DataError: they were measured on other sentences.
    """
    judged = compared(second, first)
    return Pairing(first, judged, disagreement(first, second))


def disagreement(first: Evaluation, second: Evaluation) -> float:
    """Share of the same sentences to which two masks give different answers, 0 to 1."""
    mine, theirs = first.predictions.answers, second.predictions.answers
    return float((mine != theirs).float().mean())
