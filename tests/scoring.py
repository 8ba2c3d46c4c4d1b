"""What the tests of scores share: sentences to score on, and the heads of the tiny model."""

from __future__ import annotations

import numpy as np
from tiny import sentences

from analysis.batches import batches
from analysis.mask import HeadMask
from analysis.scores import rank
from analysis.text import Calibration, Selection

HEADS = [(layer, head) for layer in range(3) for head in range(4)]
CALIBRATION = Calibration(*sentences(12))
SELECTION = Selection(*sentences(10, seed=1))


def scores(subject, method, **options):
    return rank(subject, CALIBRATION, method, **options).values["score"].to_numpy()


def one_by_one(subject, split):
    """Each sentence alone, without padding, with its true label."""
    for text, label in zip(split.texts, split.labels, strict=True):
        (batch,) = batches(subject, type(split)((text,), (label,)), multiple=1)
        yield batch


def full(subject):
    return HeadMask.full(subject.anatomy)


def order_of(values):
    return [HEADS[number] for number in np.argsort(values)]
