"""Importance of each head, by a named method: higher = keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from analysis.errors import MethodError, ProtocolError, unknown
from analysis.mask import HasHeads, Head, HeadMask
from analysis.models import Subject
from analysis.scores import attention, weights
from analysis.text import Calibration, LabelledText


@dataclass(frozen=True)
class Method:
    """A way of scoring heads."""

    name: str
    title: str
    needs: str
    """What it looks at: `nothing`, `weights`, `texts` or `labels`."""
    meaning: str
    """One sentence: which heads it keeps."""
    source: str
    """Where it comes from."""
    score: Callable[[Subject, Calibration | None, int], Iterable[float]]
    """Scores of all heads by layer, then head, from the model, the calibration split and a seed."""


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "attention-guided",
            "Attention-guided",
            "texts",
            "Keeps heads whose attention is focused, sparse and unlike that of the other heads of their layer.",
            "Our definition of the idea of Fardeen NB and Sameer NB 2022, whose own formula is not public",
            attention.guided,
        ),
        Method(
            "entropy-low",
            "Low entropy",
            "texts",
            "Keeps heads that look at few tokens and removes the diffuse ones first.",
            "Entropy as in Clark et al. 2019; the direction of HIES (Choi et al. 2025)",
            attention.entropy_low,
        ),
        Method(
            "entropy-high",
            "High entropy",
            "texts",
            "Keeps heads that look at many tokens and removes the focused ones first.",
            "The opposite direction, which published raw data often favours",
            attention.entropy_high,
        ),
        Method(
            "sparsity-high",
            "High sparsity",
            "texts",
            "Keeps heads that ignore most tokens.",
            "Sparsity as the share of keys under a tenth of the even share",
            attention.sparsity_high,
        ),
        Method(
            "sparsity-low",
            "Low sparsity",
            "texts",
            "Keeps heads that ignore few tokens.",
            "The opposite direction",
            attention.sparsity_low,
        ),
        Method(
            "magnitude",
            "Magnitude",
            "weights",
            "Keeps heads with large weights in query, key, value and output projection.",
            "Frobenius norm of the head's four slices, the usual magnitude baseline",
            weights.magnitude,
        ),
        Method(
            "random",
            "Random",
            "nothing",
            "Keeps heads by chance: the yardstick that every method must beat.",
            "A permutation drawn with the seed",
            weights.random,
        ),
    )
}


@dataclass(frozen=True, eq=False)
class Ranking:
    """The heads of a model in order of importance by one method."""

    method: str
    values: pd.DataFrame
    """One row a head: `layer`, `head`, `score`; higher = keep."""

    @property
    def order(self) -> tuple[Head, ...]:
        """The heads, most important first; equal scores by layer, then head."""
        ranked = self.values.sort_values(["score", "layer", "head"], ascending=[False, True, True])
        return tuple(zip(ranked["layer"].tolist(), ranked["head"].tolist(), strict=True))

    def mask(self, anatomy: HasHeads, keep: int) -> HeadMask:
        """The mask that leaves the `keep` most important heads on.

        Raises:
            MethodError: `keep` is not between 0 and the number of heads.
        """
        if not 0 <= keep <= len(self.values):
            raise MethodError(f"cannot keep {keep} heads: the model has {len(self.values)}")
        return HeadMask.off(anatomy, self.order[keep:])


def rank(
    subject: Subject, data: LabelledText | Calibration | None, method: str, *, seed: int = 0
) -> Ranking:
    """Score every head of a model.

    Args:
        subject: the model.
        data: labelled text, of which the calibration split is used, or that split itself; methods that
            need only weights or nothing take None.
        method: a name from `METHODS`.
        seed: of the random method.

    Raises:
        MethodError: an unknown method, or one that needs texts without any.
        ProtocolError: another split than the calibration split was given.
    """
    if method not in METHODS:
        raise MethodError(unknown("method", method, METHODS))
    chosen = METHODS[method]
    split = _calibration(data)
    if split is None and chosen.needs in ("texts", "labels"):
        raise MethodError(
            f"the method {method!r} needs {chosen.needs}; give data with a calibration split"
        )
    scores = list(chosen.score(subject, split, seed))
    heads = HeadMask.full(subject.anatomy).on_heads
    table = pd.DataFrame(
        [(layer, head, float(score)) for (layer, head), score in zip(heads, scores, strict=True)],
        columns=["layer", "head", "score"],
    )
    return Ranking(method, table)


def _calibration(data: LabelledText | Calibration | None) -> Calibration | None:
    split = data.split(Calibration.name) if isinstance(data, LabelledText) else data
    if split is not None and not isinstance(split, Calibration):
        raise ProtocolError(
            f"heads are scored on the calibration split, not on {getattr(split, 'name', type(split).__name__)!r}: "
            "a score that has seen the sentences it is judged on says nothing"
        )
    return split
