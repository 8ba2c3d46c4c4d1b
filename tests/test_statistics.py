from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import statistics as stats
from analysis.statistics import STATISTICS

shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(2, 12))


def even(n: int) -> torch.Tensor:
    return torch.full((1, 1, n, n), 1 / n)


def single(n: int, offset: int = 0) -> torch.Tensor:
    """Each query looks at the key `offset` places away, in a ring."""
    return torch.eye(n).roll(offset, 1)[None, None]


def keys(weights: torch.Tensor) -> torch.Tensor:
    return torch.full(weights.shape[:-1], float(weights.shape[-1]))


def random_weights(shape: tuple[int, int, int], seed: int, scale: float) -> torch.Tensor:
    batch, heads, n = shape
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(batch, heads, n, n, generator=generator)).softmax(-1)


def by_query(weights: torch.Tensor) -> dict[str, torch.Tensor]:
    return {
        "entropy": stats.entropy(weights, keys(weights)),
        "sparsity": stats.sparsity(weights, keys(weights)),
        "hoyer": stats.hoyer(weights, keys(weights)),
        "confidence": stats.confidence(weights),
        "distance": stats.distance(weights),
        "self": stats.on_offset(weights, 0),
        "previous": stats.on_offset(weights, -1),
        "next": stats.on_offset(weights, 1),
    }


@pytest.mark.parametrize("n", [2, 3, 7, 64, 512])
def test_even_attention(n):
    found = {name: values.flatten() for name, values in by_query(even(n)).items()}
    assert torch.allclose(found["entropy"], torch.tensor(1.0), atol=1e-5)
    assert torch.allclose(found["hoyer"], torch.tensor(0.0), atol=1e-5)
    assert not found["sparsity"].any()
    assert torch.allclose(found["confidence"], torch.tensor(1 / n))


@pytest.mark.parametrize("n", [2, 3, 7, 64, 512])
def test_attention_on_a_single_token(n):
    found = {name: values.flatten() for name, values in by_query(single(n)).items()}
    assert not found["entropy"].any()
    assert torch.allclose(found["hoyer"], torch.tensor(1.0), atol=1e-5)
    assert torch.allclose(found["sparsity"], torch.tensor((n - 1) / n))
    assert torch.equal(found["confidence"], torch.ones(n))
    assert not found["distance"].any()
    assert torch.equal(found["self"], torch.ones(n))


def test_a_previous_token_head():
    found = by_query(single(5, -1))
    assert found["previous"].flatten().tolist() == [0, 1, 1, 1, 1]
    assert found["next"].flatten().tolist() == [0, 0, 0, 0, 0]
    assert found["distance"].flatten().tolist() == [4, 1, 1, 1, 1]


def test_a_next_token_head():
    found = by_query(single(5, 1))
    assert found["next"].flatten().tolist() == [1, 1, 1, 1, 0]
    assert found["previous"].flatten().tolist() == [0, 0, 0, 0, 0]


def test_a_sentence_of_one_token():
    found = by_query(torch.ones(1, 1, 1, 1))
    expected = {"confidence": 1, "self": 1, "hoyer": 1}
    assert {name: float(value) for name, value in found.items()} == {
        name: expected.get(name, 0) for name in found
    }
    assert stats.similarity(torch.ones(1, 2, 1, 1)).tolist() == [[1, 1]]


@settings(deadline=None)
@given(shapes, st.integers(0, 99), st.sampled_from([0.1, 1.0, 10.0, 100.0]))
def test_values_keep_their_bounds(shape, seed, scale):
    weights = random_weights(shape, seed, scale)
    found = by_query(weights) | {"similarity": stats.similarity(weights)}
    for name, values in found.items():
        statistic = STATISTICS[name]
        assert values.isfinite().all(), name
        assert values.min() >= statistic.low - 1e-5, name
        assert values.max() <= statistic.high + 1e-5, name


@settings(deadline=None, max_examples=30)
@given(shapes, st.integers(0, 99))
def test_the_order_of_the_keys_does_not_matter_to_concentration(shape, seed):
    weights = random_weights(shape, seed, 3.0)
    shuffled = weights[..., torch.randperm(shape[-1])]
    for name in ("entropy", "sparsity", "hoyer", "confidence"):
        assert torch.allclose(by_query(weights)[name], by_query(shuffled)[name], atol=1e-5), name


@settings(deadline=None, max_examples=30)
@given(shapes, st.integers(0, 99), st.integers(1, 6))
def test_keys_that_are_forbidden_do_not_count(shape, seed, padding):
    weights = random_weights(shape, seed, 3.0)
    padded = torch.nn.functional.pad(weights, (0, padding))
    n = keys(weights)
    for measure in (stats.entropy, stats.sparsity, stats.hoyer):
        assert torch.allclose(measure(padded, n), measure(weights, n), atol=1e-5)


def test_a_weight_at_the_threshold_is_kept():
    """A key is ignored below a tenth of its even share, not at it."""
    row = torch.tensor([[[[0.05, 0.95], [0.049, 0.951]]]])
    assert stats.sparsity(row, torch.tensor(2.0)).flatten().tolist() == [0, 0.5]


@settings(deadline=None, max_examples=30)
@given(shapes, st.integers(0, 99))
def test_offsets_are_diagonals(shape, seed):
    weights = random_weights(shape, seed, 1.0)
    n = shape[-1]
    for offset in range(-n, n + 1):
        found = stats.on_offset(weights, offset)
        for query in range(n):
            key = query + offset
            wanted = weights[..., query, key] if 0 <= key < n else torch.zeros(shape[:2])
            assert torch.equal(found[..., query], wanted)


def test_kinds_add_up_the_weights_of_their_keys():
    weights = random_weights((2, 3, 5), 0, 1.0)
    kinds = torch.rand(2, 5, 3) > 0.5
    found = stats.on_kinds(weights, kinds)
    expected = torch.einsum("bhqk,bkc->bhqc", weights, kinds.float())
    assert torch.allclose(found, expected)


def test_output_norm_is_the_length_after_the_projection():
    output, projection = torch.randn(2, 5, 3, 4), torch.randn(7, 12)
    found = stats.output_norm(output, stats.gram(projection, output.shape[2]))
    for head in range(3):
        part = output[..., head, :] @ projection[:, 4 * head : 4 * head + 4].T
        assert torch.allclose(found[:, head], part.norm(dim=-1), atol=1e-5)


def test_equal_heads_are_similar_and_disjoint_ones_are_not():
    weights = torch.cat([single(6), single(6), single(6, 1), single(6, 2)], 1)
    assert torch.allclose(stats.similarity(weights), torch.tensor([[1.0, 1, 0, 0]]))


def test_a_lone_head_has_nobody_to_be_similar_to():
    assert stats.similarity(even(4)).tolist() == [[0]]


def test_a_head_is_never_compared_with_itself():
    weights = torch.cat([single(6), even(6)], 1)
    assert torch.allclose(stats.similarity(weights), torch.tensor(1 / math.sqrt(6)))


def test_every_statistic_says_what_it_is():
    for name, statistic in STATISTICS.items():
        assert statistic.name == name
        assert statistic.title
        assert statistic.unit
        assert statistic.meaning.endswith(".")
        assert statistic.low == 0 < statistic.high


def test_entropy_is_scipy_s():
    from scipy.stats import entropy

    weights = random_weights((1, 2, 9), 3, 2.0)
    expected = entropy(weights.double().numpy(), axis=-1) / np.log(9)
    assert np.allclose(stats.entropy(weights, keys(weights)), expected, atol=1e-6)
