from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import eager, heads_off, state
from tiny import sentences, tiny_model

from analysis.anatomy import attentions_of, outputs_of
from analysis.batches import batches
from analysis.errors import MaskError
from analysis.evaluation import evaluate, logits
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.surgery import prune
from analysis.text import Split

MASKS = {
    "one head": [(1, 2)],
    "unequal counts": [(0, 0), (0, 1), (0, 3), (2, 2)],
    "an emptied layer": [(1, head) for head in range(4)],
    "the first layer emptied": [(0, head) for head in range(4)] + [(2, 3)],
    "the last layer emptied": [(2, head) for head in range(4)] + [(0, 1)],
    "every head": [(layer, head) for layer in range(3) for head in range(4)],
}
off_heads = st.sets(st.tuples(st.integers(0, 2), st.integers(0, 3)))


@pytest.fixture(scope="module")
def ready(subject):
    return batches(subject, Split(*sentences(24, seed=31)), tokens=300)


@pytest.mark.parametrize("off", MASKS.values(), ids=list(MASKS))
def test_removing_equals_masking(subject, ready, off):
    mask = HeadMask.off(subject.anatomy, off)
    pruned = prune(subject, mask)
    masked = evaluate(subject, ready, mask).predictions.logits
    removed = evaluate(pruned, ready).predictions.logits
    assert torch.allclose(masked, removed, atol=1e-5)
    with heads_off(eager(subject.model), mask) as twin, torch.inference_mode():
        independent = twin(**ready[0].inputs).logits
    assert torch.allclose(removed[ready[0].rows], independent, atol=1e-5)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=off_heads, second=off_heads)
def test_removing_twice_is_removing_both(distilbert, first, second):
    """What is left of a second mask after a first removal, removed, is what masking both does."""
    anatomy = distilbert.anatomy
    batch = batches(distilbert, Split(*sentences(6, seed=3)), tokens=10**6)[0]
    both = HeadMask.off(anatomy, first | second)
    once = prune(distilbert, HeadMask.off(anatomy, first))
    rows = [
        [(layer, head) not in second for head in range(4) if (layer, head) not in first]
        for layer in range(3)
    ]
    twice = prune(once, HeadMask(tuple(map(tuple, rows))))
    assert twice.anatomy.heads == tuple(map(sum, both.rows))
    found = logits(twice, batch, HeadMask.full(twice.anatomy))
    assert torch.allclose(found, logits(distilbert, batch, both), atol=1e-5)


@pytest.mark.parametrize("off", MASKS.values(), ids=list(MASKS))
def test_the_input_model_is_untouched(subject, ready, off):
    before, answers = state(subject.model), evaluate(subject, ready).predictions.logits
    anatomy = subject.anatomy
    prune(subject, HeadMask.off(anatomy, off))
    assert state(subject.model) == before
    assert subject.anatomy == anatomy
    assert torch.equal(evaluate(subject, ready).predictions.logits, answers)


def test_the_live_model_behind_it_is_untouched(tokenizer):
    live = tiny_model("bert").train()
    before = state(live)
    subject = load_model(live, tokenizer=tokenizer)
    prune(subject, HeadMask.off(subject.anatomy, MASKS["unequal counts"]))
    assert state(live) == before


@pytest.mark.parametrize("off", MASKS.values(), ids=list(MASKS))
def test_the_weights_of_a_removed_head_are_gone(subject, off):
    mask = HeadMask.off(subject.anatomy, off)
    pruned = prune(subject, mask)
    size, width = subject.anatomy.head_size, subject.anatomy.hidden_size
    # Rows and biases of query, key and value, and columns of the output projection.
    of_a_head = 3 * (size * width + size) + width * size
    assert subject.parameters - pruned.parameters == of_a_head * len(off)
    assert pruned.anatomy.heads == tuple(map(sum, mask.rows))
    for output, row in zip(outputs_of(pruned.model), mask.rows, strict=True):
        assert tuple(output.weight.shape) == (width, sum(row) * size)


def test_everything_else_is_shared(subject):
    pruned = prune(subject, HeadMask.off(subject.anatomy, [(1, 2)]))
    mine = {parameter.data_ptr() for parameter in subject.model.parameters()}
    own = [p for p in pruned.model.parameters() if p.data_ptr() not in mine]
    assert len(own) == 7  # three rows and biases, one column; the output's bias is shared


def test_removing_nothing_changes_nothing(subject, ready):
    pruned = prune(subject, HeadMask.full(subject.anatomy))
    assert pruned.fingerprint == subject.fingerprint
    assert torch.equal(
        evaluate(pruned, ready).predictions.logits, evaluate(subject, ready).predictions.logits
    )


def test_a_pruned_subject_has_a_fingerprint_of_its_own(subject):
    found = {
        prune(subject, HeadMask.off(subject.anatomy, off)).fingerprint for off in MASKS.values()
    }
    assert len(found | {subject.fingerprint}) == len(MASKS) + 1


def test_modules_state_the_heads_they_have(subject):
    pruned = prune(subject, HeadMask.off(subject.anatomy, MASKS["unequal counts"]))
    for module, count in zip(attentions_of(pruned.model), (1, 4, 3), strict=True):
        stated = getattr(module, "num_attention_heads", getattr(module, "n_heads", None))
        assert stated == count


def test_a_pruned_model_answers_padding_as_it_answers_without(subject):
    split = Split(*sentences(24, seed=32))
    pruned = prune(subject, HeadMask.off(subject.anatomy, MASKS["unequal counts"]))
    together, alone = (
        evaluate(pruned, batches(pruned, split, tokens=tokens)).predictions.logits
        for tokens in (10**6, 1)
    )
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("rows", [((True,) * 4,) * 2, ((True,),) * 3, ((False,) * 5,) * 3])
def test_a_mask_of_another_model_is_refused(subject, rows):
    with pytest.raises(MaskError, match=r"the mask has .* the model"):
        prune(subject, HeadMask(rows))
