from __future__ import annotations

import pytest
import torch
from tiny import ENCODERS, tiny_model
from torch import nn
from transformers import GPTJConfig, GPTJModel

from analysis.anatomy import attentions_of, dissect, layers_of, outputs_of, positions_of
from analysis.errors import ModelError


def test_the_anatomy_is_that_of_the_config(subject):
    anatomy = subject.anatomy
    assert anatomy.heads == (4, 4, 4)
    assert (anatomy.layers, anatomy.heads_total) == (3, 12)
    assert (anatomy.head_size, anatomy.hidden_size) == (8, 32)
    assert anatomy.family == subject.model.config.model_type


def test_layers_attentions_and_outputs_stand_in_the_order_of_the_model(subject):
    names = {module: name for name, module in subject.model.named_modules()}
    for parts in (layers_of, attentions_of, outputs_of):
        found = [names[module] for module in parts(subject.model)]
        assert found == sorted(found)
        assert len(found) == subject.anatomy.layers
    for attention, layer in zip(
        attentions_of(subject.model), layers_of(subject.model), strict=True
    ):
        assert attention in list(layer.modules())


def test_output_projections_read_all_heads_side_by_side(subject):
    for output, count in zip(outputs_of(subject.model), subject.anatomy.heads, strict=True):
        assert output.in_features == count * subject.anatomy.head_size
        assert output.out_features == subject.anatomy.hidden_size


@pytest.mark.parametrize("family", ENCODERS)
def test_every_position_that_is_counted_can_be_used(family):
    model = tiny_model(family)
    longest = positions_of(model)
    with torch.inference_mode():
        for length in (longest, longest + 1):
            ids = torch.full((1, length), 5)
            call = model, dict(input_ids=ids, attention_mask=torch.ones_like(ids))
            if length == longest:
                assert call[0](**call[1]).logits.isfinite().all()
            else:
                with pytest.raises((IndexError, RuntimeError)):
                    call[0](**call[1])


@pytest.mark.parametrize("model", [nn.Linear(2, 2), "gptj"])
def test_an_unsupported_family_is_refused_with_the_choices(model):
    if model == "gptj":
        model = GPTJModel(GPTJConfig(vocab_size=8, n_embd=8, n_layer=1, n_head=2, rotary_dim=2))
    with pytest.raises(ModelError, match=r"unknown model family .* distilbert"):
        dissect(model)
