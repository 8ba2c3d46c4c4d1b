"""A product with fixed weights is the product."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers.activations import ACT2FN
from transformers.pytorch_utils import Conv1D

from analysis.passes.products import Product, is_exact_gelu, quick_copy, quickened, times_transposed


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", [None, "gelu", "gelu_new", "relu"])
@pytest.mark.parametrize("rows", [1, 7, 1024])
def test_a_product_is_the_linear_layer_and_its_activation(dtype, name, rows):
    generator = torch.Generator().manual_seed(0)
    states, weight, bias = (
        torch.randn(size, generator=generator).to(dtype) for size in ((rows, 48), (32, 48), (32,))
    )
    activation = ACT2FN[name] if name else None
    wanted = F.linear(states.double(), weight.double(), bias.double())
    wanted = activation(wanted) if activation else wanted
    with torch.inference_mode():
        found = Product(weight, bias, activation)(states)
    assert found.dtype == dtype
    near = 1e-5 if dtype is torch.float32 else 0.02
    torch.testing.assert_close(found.double(), wanted, atol=4 * near, rtol=near)


def test_only_the_exact_gelu_counts_as_such():
    assert is_exact_gelu(nn.GELU())
    assert is_exact_gelu(ACT2FN["gelu"])
    assert not is_exact_gelu(nn.GELU(approximate="tanh"))
    assert not is_exact_gelu(ACT2FN["gelu_new"])
    assert not is_exact_gelu(ACT2FN["gelu_python"])
    assert not is_exact_gelu(nn.ReLU())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_a_quick_linear_layer_is_the_linear_layer_with_its_own_weights(dtype, bias):
    generator = torch.Generator().manual_seed(0)
    linear = nn.Linear(48, 32, bias=bias, dtype=dtype)
    model = nn.Sequential(linear, nn.ReLU())
    states = torch.randn((2, 5, 48), generator=generator).to(dtype)
    with torch.inference_mode():
        wanted = model(states)
        quick = quick_copy(model, dtype)
        found = quick(states)
    assert quick[0].weight.data_ptr() == linear.weight.data_ptr()
    assert "forward" not in vars(linear)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_a_quick_linear_layer_takes_states_of_any_strides():
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(48, 32))
    wide = torch.randn((48, 6, 10), generator=generator)
    for states in (wide.permute(1, 2, 0), wide.permute(2, 1, 0)[:, 2], wide.permute(2, 1, 0)[::2]):
        with torch.inference_mode():
            wanted = model(states)
            with quickened(model):
                found = model(states)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_a_model_that_was_quickened_for_a_while_is_as_it_was():
    model = nn.Sequential(nn.Linear(48, 32), nn.Linear(32, 4))
    with quickened(model):
        assert "forward" in vars(model[0])
        model[1] = nn.Linear(32, 2)  # as a repair does
    assert all("forward" not in vars(linear) for linear in model)
    model(torch.ones(3, 48)).sum().backward()
    assert all(linear.weight.grad is not None for linear in model)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [(7, 5, 48), (7, 5, 0), (0, 5, 48), (7, 0, 48)])
def test_rows_times_rows_are_the_product_with_the_transposed_matrix(dtype, sizes):
    rows, columns, inner = sizes
    generator = torch.Generator().manual_seed(0)
    left = torch.randn((rows, inner), generator=generator, dtype=dtype)
    right = torch.randn((inner, columns), generator=generator, dtype=dtype).T
    torch.testing.assert_close(times_transposed(left, right), left @ right.T, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "linear", [nn.Linear(48, 32), nn.Linear(48, 32, bias=False), Conv1D(32, 48)]
)
def test_a_quick_linear_layer_has_the_derivative_by_its_states(linear):
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(linear, nn.Tanh())
    states = torch.randn((2, 5, 48), generator=generator, requires_grad=True)
    direction = torch.randn((2, 32, 5), generator=generator).transpose(1, 2)
    (wanted,) = torch.autograd.grad((model(states) * direction).sum(), states)
    quick = quick_copy(model)
    assert "forward" in vars(quick[0])
    (found,) = torch.autograd.grad((quick(states) * direction).sum(), states)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
