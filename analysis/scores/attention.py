"""Scores read off attention alone, without labels: one pass over the calibration split serves them all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.models import Subject
from analysis.profiling import profile
from analysis.text import Calibration

GUIDED_WEIGHTS = (1 / 3, 1 / 3, 1 / 3)
"""Weights of entropy, sparsity and distribution in the attention-guided score."""


def guided(subject: Subject, split: Calibration | None, seed: int) -> list[float]:
    """Attention-guided importance.

    `a (1 - rank E) + b rank S + c rank D`, where E is the normalised entropy, S the sparsity, D the
    attention distribution's difference from the nearest head of the layer (1 - similarity), `rank`
    maps the heads' values to even steps from 0 to 1, and a, b, c are `GUIDED_WEIGHTS`. Ranks, not values,
    because the three have different scales and long tails.

    The paper names the three ingredients (entropy, sparsity, attention distribution) and not their
    formula, which is not public; this is our definition.
    """
    table = _table(subject, split)
    parts = (-table["entropy"], table["sparsity"], -table["similarity"])
    ranks = np.stack([_ranks(part) for part in parts])
    return (np.array(GUIDED_WEIGHTS) @ ranks).tolist()


def entropy_low(subject: Subject, split: Calibration | None, seed: int) -> list[float]:
    """`-E`, the negative normalised entropy: focused heads are kept."""
    return list(-_table(subject, split)["entropy"])


def entropy_high(subject: Subject, split: Calibration | None, seed: int) -> list[float]:
    """`E`, the normalised entropy: diffuse heads are kept."""
    return list(_table(subject, split)["entropy"])


def sparsity_high(subject: Subject, split: Calibration | None, seed: int) -> list[float]:
    """The share of ignored keys: heads that ignore most tokens are kept."""
    return list(_table(subject, split)["sparsity"])


def sparsity_low(subject: Subject, split: Calibration | None, seed: int) -> list[float]:
    """The negative share of ignored keys: heads that ignore few tokens are kept."""
    return list(-_table(subject, split)["sparsity"])


def _ranks(values: pd.Series) -> np.ndarray:
    return ((values.rank(method="average") - 1) / max(len(values) - 1, 1)).to_numpy()


def _table(subject: Subject, split: Calibration | None) -> pd.DataFrame:
    assert split is not None, "rank() refuses methods that need texts without any"
    return _profiled(subject, split)


@lru_cache(maxsize=4)
def _profiled(subject: Subject, split: Calibration) -> pd.DataFrame:
    return profile(subject, split).table
