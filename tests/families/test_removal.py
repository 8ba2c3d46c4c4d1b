"""Removing equals masking, in every family."""

from __future__ import annotations

import pytest
import torch
from families.tiny import MODELS, REMOVABLE, build, padded

from analysis.anatomy import outputs_of
from analysis.attention import Intervention, gates_of, intervening
from analysis.errors import MaskError, ModelError
from analysis.mask import HeadMask
from analysis.models import fingerprint, load_model
from analysis.surgery import prune
from analysis.tasks import answers


@pytest.fixture(scope="module")
def subjects(tokenizer):
    return {name: load_model(build(name), tokenizer=tokenizer) for name in MODELS}


@torch.inference_mode()
def answer(subject, inputs, mask=None):
    gates = gates_of(mask or HeadMask.full(subject.anatomy), subject.device)
    with intervening(Intervention(gates=gates)):
        result = answers(subject.model(**inputs))
    if result.shape[:2] == inputs.get("attention_mask", torch.zeros(0, 0)).shape:
        result = result[inputs["attention_mask"].bool()]  # states of padding mean nothing
    return result


def uneven(anatomy, seed=0):
    """A lawful mask with another number of heads in each layer."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for layer, (heads, groups) in enumerate(zip(anatomy.heads, anatomy.groups, strict=True)):
        share = heads // groups
        keep = 1 + (layer + seed) % share if share > 1 else 1
        group_on = torch.rand(groups, generator=generator) < 0.6
        group_on[layer % groups] = True
        row = []
        for group in range(groups):
            order = torch.randperm(share, generator=generator)[:keep].tolist()
            row += [bool(group_on[group]) and head in order for head in range(share)]
        rows.append(tuple(row))
    return HeadMask(tuple(rows))


def close(first, second):
    scale = max(float(first.abs().max()), 1.0)
    torch.testing.assert_close(first / scale, second / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", REMOVABLE)
@pytest.mark.parametrize("seed", range(3))
def test_removing_equals_masking_on_padded_batches(subjects, name, seed):
    subject = subjects[name]
    mask = uneven(subject.anatomy, seed)
    inputs = padded(subject.model, seed)
    before = answer(subject, inputs)
    masked = answer(subject, inputs, mask)
    smaller = prune(subject, mask)
    assert (before - masked).abs().max() > 1e-3  # the heads do matter
    close(answer(smaller, inputs), masked)
    assert smaller.anatomy.heads == tuple(sum(row) for row in mask.rows)
    assert smaller.parameters < subject.parameters


@pytest.mark.parametrize("name", REMOVABLE)
def test_the_model_that_was_given_does_not_change(tokenizer, name):
    model = build(name)
    before = fingerprint(model)
    subject = load_model(model, tokenizer=tokenizer)
    anatomy, mark = subject.anatomy, subject.fingerprint
    prune(subject, uneven(anatomy))
    assert fingerprint(model) == before
    assert fingerprint(subject.model) == mark
    assert subject.anatomy == anatomy


@pytest.mark.parametrize("name", REMOVABLE)
def test_a_layer_without_heads_is_bypassed(subjects, name):
    subject = subjects[name]
    layer = 1 % subject.anatomy.layers
    heads = range(subject.anatomy.heads[layer])
    mask = HeadMask.off(subject.anatomy, [(layer, head) for head in heads])
    inputs = padded(subject.model)
    smaller = prune(subject, mask)
    assert 0 in smaller.anatomy.heads
    close(answer(smaller, inputs), answer(subject, inputs, mask))


@pytest.mark.parametrize("name", REMOVABLE)
def test_a_model_without_any_head_still_runs(subjects, name):
    subject = subjects[name]
    nothing = HeadMask(tuple((False,) * heads for heads in subject.anatomy.heads))
    inputs = padded(subject.model)
    close(answer(prune(subject, nothing), inputs), answer(subject, inputs, nothing))


@pytest.mark.parametrize("name", REMOVABLE)
def test_a_smaller_model_can_be_masked_and_made_smaller_again(subjects, name):
    subject = subjects[name]
    once = prune(subject, uneven(subject.anatomy))
    again = uneven(once.anatomy, 1)
    inputs = padded(subject.model)
    close(answer(prune(once, again), inputs), answer(once, inputs, again))


@pytest.mark.parametrize("name", MODELS)
def test_a_gate_acts_on_its_head_alone(subjects, name):
    """Zero in a head's columns of the output projection is what a gate of zero is."""
    subject = subjects[name]
    layer = subject.anatomy.layers - 1
    mask = HeadMask.off(subject.anatomy, [(layer, 1)])
    inputs = padded(subject.model)
    expected = answer(subject, inputs, mask)
    by_hand = load_model(build(name), tokenizer=subject.tokenizer)
    size = subject.anatomy.head_size
    weight = outputs_of(by_hand.model)[layer].weight
    columns = weight.T if type(outputs_of(by_hand.model)[layer]).__name__ == "Conv1D" else weight
    columns[:, size : 2 * size] = 0
    close(answer(by_hand, inputs), expected)


def test_layers_of_an_encoder_and_its_decoder_say_which_they_are(subjects):
    assert subjects["bart"].anatomy.stacks[0] == "encoder 0"
    assert subjects["bart"].anatomy.stacks[-1].endswith(", cross")
    assert subjects["bert"].anatomy.stacks == ()


def test_albert_says_that_a_head_is_gone_at_every_depth(subjects):
    assert subjects["albert"].anatomy.heads == (4,)
    assert "3 depths" in subjects["albert"].anatomy.note
    assert subjects["albert-groups"].anatomy.heads == (4, 4)


def test_t5_can_be_gated_and_says_why_it_cannot_be_made_smaller(subjects):
    subject = subjects["t5"]
    mask = HeadMask.off(subject.anatomy, [(0, 0)])
    with pytest.raises(ModelError, match="switched off, not removed: all layers share the table"):
        prune(subject, mask)


def test_unlawful_groups_are_refused_with_the_nearest_lawful_masks(subjects):
    subject = subjects["llama"]  # 8 heads in 2 groups
    mask = HeadMask.off(subject.anatomy, [(1, 0), (1, 1), (1, 5)])
    with pytest.raises(
        MaskError, match="layer 1 keeps 2, 3 heads in its 2 key/value groups"
    ) as caught:
        prune(subject, mask)
    codes = [word for word in str(caught.value).split() if word.count(".") == 2]
    assert len(codes) == 2
    fewer, more = (HeadMask.decode(subject.anatomy, code) for code in codes)
    assert set(fewer.on_heads) < set(mask.on_heads) < set(more.on_heads)
    assert (fewer.heads_on, more.heads_on) == (20, 22)
    inputs = padded(subject.model)
    for lawful in (fewer, more):
        close(answer(prune(subject, lawful), inputs), answer(subject, inputs, lawful))


@pytest.mark.parametrize("empty", [None, 0, 1])
@pytest.mark.parametrize("name", ["gpt2", "opt", "gpt_neox", "llama", "qwen3", "gemma"])
def test_a_smaller_language_model_generates_as_the_masked_one(subjects, name, empty):
    subject = subjects[name]
    mask = uneven(subject.anatomy)
    if empty is not None:
        heads = range(subject.anatomy.heads[empty])
        mask = mask.switched([(empty, head) for head in heads], on=False)
    ids = padded(subject.model, lengths=(6,))["input_ids"][:, :5]
    options = dict(
        attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False, pad_token_id=0
    )
    with torch.inference_mode(), intervening(Intervention(gates=gates_of(mask, subject.device))):
        masked = subject.model.generate(ids, **options)
    assert torch.equal(prune(subject, mask).model.generate(ids, **options), masked)
