from __future__ import annotations

import pytest
import torch
from oracles import eager
from tiny import ENCODERS, tiny_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from analysis.cost import cost
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.surgery import prune

OFF = [(0, 0), (0, 1), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3), (2, 2)]


def counted(subject, batch: int, length: int) -> int:
    ids = torch.full((batch, length), 5)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        eager(subject.model)(input_ids=ids, attention_mask=torch.ones_like(ids))
    return counter.get_total_flops()


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 32), (3, 7)])
def test_operations_are_those_that_pytorch_counts_in_a_real_pass(subject, batch, length):
    assert cost(subject, batch=batch, length=length).flops == counted(subject, batch, length)


def test_operations_are_those_of_the_formula(tokenizer):
    """Two for each multiply-add: projections, feed-forward part, scores and mixtures; then the two-layer head."""
    subject = load_model(tiny_model("distilbert"), tokenizer=tokenizer)
    config = subject.model.config
    batch, length, width = 3, 7, config.dim
    of_a_token = 4 * width**2 + 2 * width * config.hidden_dim + 2 * length * width
    head = width**2 + width * config.num_labels
    products = batch * (config.n_layers * length * of_a_token + head)
    assert cost(subject, batch=batch, length=length).flops == 2 * products


def test_operations_of_a_smaller_model_are_fewer_and_counted_right(subject):
    pruned = prune(subject, HeadMask.off(subject.anatomy, OFF))
    mine, full = (cost(each, batch=2, length=16) for each in (pruned, subject))
    layers, size, width = 2 * 16, subject.anatomy.head_size, subject.anatomy.hidden_size
    of_a_head = 2 * layers * 4 * size * width + 4 * 2 * 16**2 * size
    assert full.flops - mine.flops == len(OFF) * of_a_head
    assert full.parameters - mine.parameters == full.layer_parameters - mine.layer_parameters
    assert full.bytes - mine.bytes == 4 * (full.parameters - mine.parameters)


def test_narrow_embeddings_are_counted_at_every_token(tokenizer):
    subject = load_model(tiny_model("electra", embedding_size=16), tokenizer=tokenizer)
    assert cost(subject, batch=2, length=9).flops == counted(subject, 2, 9)


@pytest.mark.parametrize("family", ENCODERS)
def test_parameters_are_those_of_the_model(family, tokenizer):
    model = tiny_model(family)
    found = cost(load_model(model, tokenizer=tokenizer), batch=1, length=8)
    assert found.parameters == model.num_parameters()
    assert found.bytes == 4 * model.num_parameters()
    assert 0 < found.layer_parameters < found.parameters


def test_distilbert_s_known_numbers(tokenizer):
    """66.96 M parameters, 42.53 M of them in the layers, as published for DistilBERT-base with two labels."""
    with torch.device("meta"):
        empty = DistilBertForSequenceClassification(DistilBertConfig())
    parameters = sum(parameter.numel() for parameter in empty.parameters())
    layers = sum(parameter.numel() for parameter in empty.distilbert.transformer.parameters())
    assert (round(parameters / 1e6, 2), round(layers / 1e6, 2)) == (66.96, 42.53)


def test_counting_leaves_the_model_as_it_was(distilbert):
    ids = torch.tensor([[2, 5, 3]])
    with torch.inference_mode():
        before = distilbert.model(input_ids=ids).logits
        cost(distilbert, batch=4, length=8)
        assert torch.equal(distilbert.model(input_ids=ids).logits, before)
    assert all(type(p) is torch.nn.Parameter for p in distilbert.model.parameters())
