"""Scores read off attention alone, without labels: one pass over the calibration split serves them all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.models import Subject
from analysis.profiling import profile
from analysis.progress import once_at_a_time
from analysis.scores.method import Evidence
from analysis.text import Calibration

GUIDED_WEIGHTS = (1 / 3, 1 / 3, 1 / 3)
"""Weights of entropy, sparsity and distribution in the attention-guided score, unless they are tuned."""
GUIDED_CHOICES: tuple[tuple[float, ...], ...] = (
    GUIDED_WEIGHTS,
    (1, 0, 0),
    (0, 1, 0),
    (0, 0, 1),
    (0.5, 0.5, 0),
    (0.5, 0, 0.5),
    (0, 0.5, 0.5),
)
"""Weights that tuning chooses among."""


def guided(
    subject: Subject, evidence: Evidence, weights: Sequence[float] = GUIDED_WEIGHTS
) -> list[float]:
    """Attention-guided importance.

    `a (1 - rank E) + b rank S + c rank D`, where E is the normalised entropy, S the sparsity, D the
    attention distribution's difference from the nearest head of the layer (1 - similarity), `rank`
    maps the heads' values to even steps from 0 to 1, and a, b, c are the weights. Ranks, not values,
    because the three have different scales and long tails.

    The paper (Fardeen NB and Sameer NB 2022) names the three ingredients (entropy, sparsity, attention
    distribution) and not their formula, which is not public; this is our definition.
    """
    table = statistics(subject, evidence.texts)
    parts = (-table["entropy"], table["sparsity"], -table["similarity"])
    ranks = np.stack([_ranks(part) for part in parts])
    return (np.array(weights) @ ranks).tolist()


def entropy_low(subject: Subject, evidence: Evidence) -> list[float]:
    """`-E`: focused heads are kept and diffuse ones go first, as in HIES (Choi et al. 2025).

    `E = E_i [-sum_j p_ij ln p_ij / ln n_i]`, the entropy of Clark et al. 2019 (section 3.3) divided by that of an even
    spread: `p_ij` is the weight that query i gives to key j of the `n_i` keys that it may see, and `E_i` is the mean
    over queries and then over sentences. 0 where all weight is on one token, 1 where it is spread evenly.
    """
    return list(-statistics(subject, evidence.texts)["entropy"])


def entropy_high(subject: Subject, evidence: Evidence) -> list[float]:
    """`E`, with E as in `entropy_low`: diffuse heads are kept and focused ones go first.

    The direction in which published raw data often points: heads that look at one token, such as a separator, are
    often those that can go (Clark et al. 2019, section 3.2, on attention to separators as doing nothing).
    """
    return list(statistics(subject, evidence.texts)["entropy"])


def sparsity_high(subject: Subject, evidence: Evidence) -> list[float]:
    """`S = E_i |{j : p_ij < 0.1 / n_i}| / n_i`: heads that ignore most tokens are kept.

    `p_ij` is the weight that query i gives to key j of the `n_i` keys that it may see, so an even share is `1 / n_i`;
    `E_i` is the mean over queries and then over sentences. Fardeen NB and Sameer NB 2022 name sparsity as one of
    their metrics; their formula and their direction are not public, so the threshold (`statistics.SPARSE`) and the
    two directions are ours.
    """
    return list(statistics(subject, evidence.texts)["sparsity"])


def sparsity_low(subject: Subject, evidence: Evidence) -> list[float]:
    """`-S`, with S as in `sparsity_high`: heads that ignore few tokens are kept."""
    return list(-statistics(subject, evidence.texts)["sparsity"])


def confidence(subject: Subject, evidence: Evidence) -> list[float]:
    """`C = E_i max_j p_ij`: heads that give much weight to a single token are kept (Voita et al. 2019, section 4).

    `p_ij` is the weight that query i gives to key j; `E_i` is the mean over queries and then over sentences. Voita et
    al. leave the end-of-sentence token out; here every token counts.
    """
    return list(statistics(subject, evidence.texts)["confidence"])


def output_norm(subject: Subject, evidence: Evidence) -> list[float]:
    """The mean over tokens of `|W_O,h z_h|`, what a head adds to the residual stream (Kobayashi et al. 2020)."""
    return list(statistics(subject, evidence.texts)["output_norm"])


@once_at_a_time
@lru_cache(maxsize=8)
def statistics(subject: Subject, split: Calibration) -> pd.DataFrame:
    """Every statistic of every head on the split; computed once for all methods that read it."""
    return profile(subject, split).table


def _ranks(values: pd.Series) -> np.ndarray:
    return ((values.rank(method="average") - 1) / max(len(values) - 1, 1)).to_numpy()
