"""Do the methods agree, and does a method agree with itself on other sentences?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import DataError, MethodError
from analysis.mask import HasHeads, Head, HeadMask
from analysis.models import Subject
from analysis.protocol import only
from analysis.scores import Ranking, rank
from analysis.text import Calibration

SAMPLES = 5
"""Calibration samples that stability is measured between."""
OPPOSITE = -0.999
"""Rank correlation below which one order is the reverse of the other."""
SMALLEST = 20
"""Sentences that each sample needs."""


@dataclass(frozen=True)
class Consensus:
    """Heads on which all methods agree at one number of heads kept."""

    keep: int
    kept: tuple[Head, ...]
    """Heads that every method keeps."""
    dropped: tuple[Head, ...]
    """Heads that every method removes."""


def correlation(rankings: Sequence[Ranking], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Spearman's rank correlation between rankings, -1 to 1, as a square table.

    A ranking without any order (all scores equal) has no correlation with another: NaN.

    Args:
        rankings: of one model.
        names: what to call them; their methods when not given.

    Raises:
        MethodError: fewer than two, or of different models.
    """
    if len(rankings) < 2:
        raise MethodError("agreement needs two rankings or more")
    if len({len(each.values) for each in rankings}) > 1:
        raise MethodError("the rankings are of models with different heads")
    titles = list(names or [each.method for each in rankings])
    scores = pd.DataFrame(
        np.stack([each.values["score"].to_numpy() for each in rankings], axis=1), columns=titles
    )
    # Pearson's correlation of the ranks, without scipy's warning about constant scores.
    return scores.rank().corr(method="pearson")


def opposed(matrix: pd.DataFrame) -> list[str]:
    """Names in a table of `correlation` whose order is the reverse of another's: the two never agree."""
    return [str(name) for name in matrix if (matrix[name] < OPPOSITE).any()]


def consensus(rankings: Sequence[Ranking], anatomy: HasHeads, keep: int) -> Consensus:
    """The heads that all methods would keep, or remove, when `keep` heads stay."""
    masks = [each.mask(anatomy, keep) for each in rankings]
    heads = HeadMask.full(anatomy).on_heads
    votes = {head: sum(mask.rows[head[0]][head[1]] for mask in masks) for head in heads}
    return Consensus(
        keep=keep,
        kept=tuple(head for head in heads if votes[head] == len(masks)),
        dropped=tuple(head for head in heads if votes[head] == 0),
    )


def samples(split: Calibration, count: int = SAMPLES, seed: int = 0) -> list[Calibration]:
    """Disjoint random parts of the calibration split, equal in size to one sentence.

    Raises:
        DataError: the parts would be too small; the sentence says how many texts are needed.
        ProtocolError: another split than the calibration split was given.
    """
    only(
        split,
        Calibration,
        "stability is that of scores, which see the calibration split, not {name}",
    )
    if count < 2:
        raise MethodError(f"stability needs two samples or more, not {count}")
    if len(split) < count * SMALLEST:
        raise DataError(
            f"{count} samples of {SMALLEST} texts need {count * SMALLEST} in the calibration split, "
            f"which has {len(split)}"
        )
    order = np.random.default_rng(seed).permutation(len(split))
    return [
        Calibration(
            tuple(split.texts[row] for row in rows), tuple(split.labels[row] for row in rows)
        )
        for rows in (sorted(part.tolist()) for part in np.array_split(order, count))
    ]


def stability(
    subject: Subject, split: Calibration, method: str, *, count: int = SAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Rank correlation of one method between disjoint calibration samples, `sample 1` and so on."""
    parts = samples(split, count, seed)
    rankings = [
        rank(subject, part, method, seed=seed + number) for number, part in enumerate(parts)
    ]
    return correlation(rankings, [f"sample {number + 1}" for number in range(count)])
