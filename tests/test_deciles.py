from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from oracles import attention, eager
from tiny import sentences

from analysis.deciles import DECILES, deciles, entropies, examples
from analysis.errors import DataError, MaskError, ModelError
from analysis.maps import maps
from analysis.mask import HeadMask
from analysis.profiling import profile
from analysis.progress import finish
from analysis.surgery import prune
from analysis.text import Calibration


@pytest.fixture(scope="module")
def split():
    return Calibration(*sentences(33, seed=4))


def naive(subject, text: str) -> list[float]:
    """Every head's entropy in one sentence, query by query."""
    twin = eager(subject.model)
    found = []
    for layer in attention(twin, subject.tokenizer(text)["input_ids"]):
        for head in layer:
            rows = [
                -sum(p * math.log(p) for p in row if p > 0) / math.log(len(row)) for row in head
            ]
            found.append(sum(rows) / len(rows))
    return found


def test_each_sentence_has_the_entropies_of_the_definition(subject, split) -> None:
    found = entropies(subject, split, tokens=100)
    assert found.values.shape == (33, subject.anatomy.heads_total)
    for row in (0, 7, 32):
        assert found.values[row].tolist() == pytest.approx(
            naive(subject, split.texts[row]), abs=1e-5
        )


def test_their_mean_is_the_statistic(distilbert, split) -> None:
    found = entropies(distilbert, split)
    table = profile(distilbert, split).table
    assert np.allclose(found.values.mean(0), table["entropy"], atol=1e-6)
    assert found.heads == tuple(zip(table["layer"], table["head"], strict=True))


def test_layers_may_differ_in_size(distilbert, split) -> None:
    mask = HeadMask.off(distilbert.anatomy, [(0, 0), (0, 1), *((1, head) for head in range(4))])
    smaller = prune(distilbert, mask)
    found = entropies(smaller, split)
    table = profile(smaller, split).table
    assert np.allclose(found.values.mean(0), table["entropy"], atol=1e-6)


def test_deciles_are_the_middles_of_ten_equal_parts_in_order() -> None:
    values = torch.rand(1000, generator=torch.Generator().manual_seed(1))
    order = np.argsort(values.numpy(), kind="stable")
    assert deciles(values) == tuple((d + 1, int(order[100 * d + 50])) for d in range(DECILES))


def test_equal_values_are_taken_in_the_order_of_rows() -> None:
    assert deciles(torch.zeros(20)) == tuple((d + 1, 2 * d + 1) for d in range(DECILES))


@pytest.mark.parametrize("n", [1, 2, 5, 9, 10])
def test_few_sentences_are_shown_once_each(n) -> None:
    rows = [row for _, row in deciles(torch.arange(float(n)))]
    assert rows == list(range(n))


def test_examples_are_those_sentences_with_the_heads_own_map(distilbert, split) -> None:
    found = entropies(distilbert, split)
    shown = finish(examples(distilbert, split, found, (2, 1)))
    assert [each.decile for each in shown] == list(range(1, DECILES + 1))
    assert [each.entropy for each in shown] == sorted(each.entropy for each in shown)
    for each in shown[::4]:
        assert each.text == split.texts[each.row]
        seen = maps(distilbert, each.text)
        assert torch.equal(each.weights, seen.weights[2][1])
        assert each.entropy == pytest.approx(naive(distilbert, each.text)[2 * 4 + 1], abs=1e-5)


def test_what_is_not_there_is_named(distilbert, split) -> None:
    found = entropies(distilbert, split)
    with pytest.raises(MaskError, match=r"L9\.H1"):
        found.of((9, 1))
    with pytest.raises(DataError, match="no sentences"):
        entropies(distilbert, Calibration((), ()))
    nothing = HeadMask.off(distilbert.anatomy, HeadMask.full(distilbert.anatomy).on_heads)
    with pytest.raises(ModelError, match="no heads left"):
        entropies(prune(distilbert, nothing), split)
