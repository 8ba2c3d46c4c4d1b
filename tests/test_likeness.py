from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import attention, eager
from tiny import sentences

from analysis import likeness as module
from analysis.errors import DataError, MaskError
from analysis.likeness import Likeness, likeness
from analysis.mask import HeadMask
from analysis.surgery import prune
from analysis.text import Calibration


@pytest.fixture(scope="module")
def split():
    return Calibration(*sentences(23, seed=8))


def naive(subject, split, longest: int = 10_000) -> np.ndarray:
    """Mean cosine of every two heads' maps, sentence by sentence and head by head."""
    twin = eager(subject.model)
    total = 0.0
    for text in split.texts:
        layers = attention(twin, subject.tokenizer(text)["input_ids"])
        maps = [head[:longest, :longest].ravel() for layer in layers for head in layer]
        cosine = [[float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)) for b in maps] for a in maps]
        total = total + np.array(cosine)
    return total / len(split.texts)


def test_it_is_the_mean_cosine_of_the_maps(subject, split) -> None:
    found = likeness(subject, split)
    assert found.n == 23
    assert np.allclose(found.cosines, naive(subject, split), atol=1e-5)


def test_a_head_is_wholly_like_itself_and_likeness_goes_both_ways(distilbert, split) -> None:
    cosines = likeness(distilbert, split).cosines
    assert torch.allclose(cosines.diagonal(), torch.ones(12), atol=1e-5)
    assert torch.allclose(cosines, cosines.T, atol=1e-6)


def test_of_a_long_text_the_beginning_is_compared(distilbert, split, monkeypatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 6)
    found = likeness(distilbert, split)
    assert np.allclose(found.cosines, naive(distilbert, split, 6), atol=1e-5)


def test_the_nearest_come_first_and_never_the_head_itself() -> None:
    cosines = torch.tensor([[1, 0.2, 0.9, 0.9], [0.2, 1, 0, 0], [0.9, 0, 1, 0], [0.9, 0, 0, 1]])
    found = Likeness(((0, 0), (0, 1), (1, 0), (2, 5)), cosines, 3)
    nearest = found.nearest((0, 0), 2)
    assert [head for head, _ in nearest] == [(1, 0), (2, 5)]
    assert nearest[0][1] == pytest.approx(0.9)
    assert len(found.nearest((0, 0), 99)) == 3


def test_layers_may_differ_in_size_and_a_single_head_has_no_likes(distilbert, split) -> None:
    few = prune(distilbert, HeadMask.off(distilbert.anatomy, [(0, 0), (0, 1), (2, 3)]))
    assert np.allclose(likeness(few, split).cosines.diagonal(), 1, atol=1e-5)
    assert likeness(few, split).cosines.shape == (9, 9)
    all_but_one = HeadMask.full(distilbert.anatomy).on_heads[1:]
    one = likeness(prune(distilbert, HeadMask.off(distilbert.anatomy, all_but_one)), split)
    assert one.nearest((0, 0), 5) == ()


def test_what_is_not_there_is_named(distilbert, split) -> None:
    with pytest.raises(MaskError, match=r"L9\.H0"):
        likeness(distilbert, split).nearest((9, 0), 1)
    with pytest.raises(DataError, match="no sentences"):
        likeness(distilbert, Calibration((), ()))
