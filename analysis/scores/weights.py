"""Scores that look at no text: the size of the weights, and chance."""

from __future__ import annotations

import numpy as np
import torch

from analysis.anatomy import family_of, layers_of, part
from analysis.models import Subject
from analysis.text import Calibration


def magnitude(subject: Subject, split: Calibration | None, seed: int) -> list[float]:
    """Frobenius norm `|W_Q,h| + |W_K,h| + |W_V,h| + |W_O,h|` of a head's four slices, without biases."""
    family = family_of(subject.model)
    scores: list[float] = []
    for layer, count in zip(layers_of(subject.model), subject.anatomy.heads, strict=True):
        if count == 0:
            continue
        rows = [part(layer, path).weight for path in (family.query, family.key, family.value)]
        slices = [*rows, part(layer, family.output).weight.T]
        norms = sum(weight.unflatten(0, (count, -1)).norm(dim=(1, 2)) for weight in slices)
        scores.extend(torch.as_tensor(norms).tolist())
    return scores


def random(subject: Subject, split: Calibration | None, seed: int) -> list[float]:
    """Numbers drawn evenly from 0 to 1 with the seed."""
    return np.random.default_rng(seed).random(subject.anatomy.heads_total).tolist()
