from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import eager, heads_off
from tiny import sentences

from analysis.anatomy import outputs_of
from analysis.batches import Batch, batches
from analysis.errors import DataError, MaskError, MethodError
from analysis.evaluation import (
    Evaluation,
    Predictions,
    compared,
    evaluate,
    evaluating,
    judged,
    logits,
)
from analysis.intervals import paired_change, wilson
from analysis.mask import HeadMask
from analysis.models import fingerprint
from analysis.profiling import profile
from analysis.surgery import prune
from analysis.text import Calibration, Split

OFF = [(0, 0), (0, 1), (1, 3), (2, 2)]


@pytest.fixture(scope="module")
def split():
    return Split(*sentences(60, seed=21))


@pytest.fixture(scope="module")
def ready(subject, split):
    return batches(subject, split, tokens=200)


@torch.no_grad()
def one_by_one(subject, split, mask) -> torch.Tensor:
    """Logits of every sentence alone, by eager attention with hooks."""
    with heads_off(eager(subject.model), mask) as twin:
        rows = []
        for text in split.texts:
            ids = torch.tensor([subject.tokenizer(text)["input_ids"]])
            rows.append(twin(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0])
    return torch.stack(rows)


def test_an_evaluation_is_what_counting_gives(subject, split, ready):
    mask = HeadMask.off(subject.anatomy, OFF)
    labels = torch.tensor(split.labels)
    before = one_by_one(subject, split, HeadMask.full(subject.anatomy))
    after = one_by_one(subject, split, mask)
    was, now = before.argmax(-1) == labels, after.argmax(-1) == labels
    found = evaluate(subject, ready, mask)

    assert torch.allclose(found.predictions.logits, after, atol=1e-5)
    assert found.predictions.rows.tolist() == list(range(len(split)))
    assert torch.equal(found.predictions.labels, labels)
    assert torch.equal(found.predictions.answers, after.argmax(-1))
    assert found.n == len(split)
    assert found.accuracy == pytest.approx(now.float().mean().item())
    losses = [-after[row].log_softmax(-1)[label] for row, label in enumerate(split.labels)]
    assert found.loss == pytest.approx(torch.stack(losses).mean().item(), abs=1e-5)
    interval = wilson(int(now.sum()), len(split))
    assert (found.low, found.high) == (interval.low, interval.high)
    assert found.baseline.accuracy == pytest.approx(was.float().mean().item())
    assert found.flips.fixed == tuple((~was & now).nonzero().flatten().tolist())
    assert found.flips.broken == tuple((was & ~now).nonzero().flatten().tolist())
    assert (found.heads_on, found.heads_total) == (8, 12)


def test_flips_and_change_are_consistent(subject, ready):
    found = evaluate(subject, ready, HeadMask.off(subject.anatomy, OFF))
    fixed, broken = len(found.flips.fixed), len(found.flips.broken)
    assert fixed + broken > 0
    assert found.change == paired_change(fixed, broken, found.n)
    assert found.change.points == pytest.approx(
        100 * (found.accuracy - found.baseline.accuracy), abs=1e-9
    )
    assert not set(found.flips.fixed) & set(found.flips.broken)


def test_the_full_mask_is_its_own_baseline(subject, ready):
    found = evaluate(subject, ready)
    assert found.mask.is_full
    assert found.baseline is found.change is found.flips is None
    assert torch.equal(
        found.predictions.logits,
        evaluate(subject, ready, HeadMask.full(subject.anatomy)).predictions.logits,
    )


def test_a_given_baseline_changes_nothing_but_the_work(subject, ready):
    mask = HeadMask.off(subject.anatomy, OFF)
    once = evaluate(subject, ready, mask)
    again = evaluate(subject, ready, mask, baseline=evaluate(subject, ready))
    assert torch.equal(once.predictions.logits, again.predictions.logits)
    assert (once.change, once.flips) == (again.change, again.flips)
    assert len(list(evaluating(subject, ready, mask, baseline=once.baseline))) == len(ready)


def test_the_size_of_a_batch_does_not_matter(subject, split):
    mask = HeadMask.off(subject.anatomy, OFF)
    found = [
        evaluate(subject, batches(subject, split, tokens=tokens), mask) for tokens in (1, 10**6)
    ]
    assert torch.allclose(found[0].predictions.logits, found[1].predictions.logits, atol=1e-5)


def test_steps_grow_to_the_whole(subject, ready):
    mask = HeadMask.off(subject.anatomy, OFF)
    steps = list(evaluating(subject, ready, mask))
    n = sum(len(batch) for batch in ready)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == 2 * n
    partial = [step.result for step in steps if step.result is not None]
    assert [found.n for found in partial] == sorted(found.n for found in partial)
    for found in partial:
        rows = found.predictions.rows
        before = found.baseline.predictions.correct[
            torch.searchsorted(found.baseline.predictions.rows, rows)
        ]
        points = 100 * (found.predictions.correct.float() - before.float()).mean().item()
        assert found.change.points == pytest.approx(points, abs=1e-4)


def test_an_evaluation_can_be_left_in_the_middle(subject, ready):
    steps = evaluating(subject, ready, HeadMask.off(subject.anatomy, OFF))
    next(steps)
    steps.close()
    with torch.inference_mode():
        plain = subject.model(**ready[0].inputs).logits
    assert torch.equal(logits(subject, ready[0], HeadMask.full(subject.anatomy)), plain)


def test_mean_ablation_is_the_mean_folded_into_the_projection_s_bias(subject, ready, split):
    """`b + W_h mu_h` for every head that is off, which is how a smaller model would carry it."""
    mask = HeadMask.off(subject.anatomy, [*OFF, (1, 0), (1, 1), (1, 2)])
    means = profile(subject, Calibration(split.texts, split.labels)).means
    pruned = prune(subject, mask)
    outputs = zip(outputs_of(subject.model), outputs_of(pruned.model), strict=True)
    for layer, (whole, left) in enumerate(outputs):
        columns = whole.weight.unflatten(1, (4, -1))
        share = sum(
            columns[:, head] @ means[layer][head] for at, head in mask.off_heads if at == layer
        )
        left.bias = torch.nn.Parameter(whole.bias + share, requires_grad=False)
    folded = evaluate(pruned, ready).predictions.logits
    masked = evaluate(subject, ready, mask, ablation="mean", means=means).predictions.logits
    zero = evaluate(subject, ready, mask).predictions.logits
    assert torch.allclose(masked, folded, atol=1e-5)
    assert not torch.allclose(masked, zero, atol=1e-2)


def test_every_head_off_is_a_model_that_still_answers(subject, ready):
    everything = HeadMask.off(subject.anatomy, HeadMask.full(subject.anatomy).on_heads)
    found = evaluate(subject, ready, everything)
    assert found.heads_on == 0
    assert found.predictions.logits.isfinite().all()


def test_nothing_on_the_model_changes(distilbert, split):
    before = fingerprint(distilbert.model), sorted(vars(distilbert.model))
    evaluate(distilbert, batches(distilbert, split), HeadMask.off(distilbert.anatomy, OFF))
    assert (fingerprint(distilbert.model), sorted(vars(distilbert.model))) == before


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 50).flatmap(lambda n: st.lists(st.booleans(), min_size=2 * n, max_size=2 * n))
)
def test_flips_are_counted_right_for_any_answers(right):
    n = len(right) // 2
    was, now = right[:n], right[n:]

    def made(correct: list[bool]) -> Evaluation:
        logits = torch.nn.functional.one_hot(torch.tensor(correct).long(), 2).float()
        ones = torch.ones(n, dtype=torch.long)
        return judged(HeadMask(((True,),)), Predictions(torch.arange(n), logits, ones), 0.0)

    found = compared(made(now), made(was))
    assert found.accuracy == pytest.approx(sum(now) / n)
    assert set(found.flips.fixed) == {row for row in range(n) if now[row] and not was[row]}
    assert set(found.flips.broken) == {row for row in range(n) if was[row] and not now[row]}


# --- what is refused ---


def test_a_mask_of_another_model(subject, ready):
    for rows in (((True,) * 4,) * 2, ((True,) * 4,) * 4, ((False,),) * 3, ((True,) * 5,) * 3):
        with pytest.raises(MaskError, match="the model has 3 layers of 4 heads"):
            logits(subject, ready[0], HeadMask(rows))
        with pytest.raises(MaskError, match="the model has 3 layers of 4 heads"):
            evaluate(subject, ready, HeadMask(rows))


def test_an_unknown_ablation(distilbert, split):
    ready = batches(distilbert, split)
    with pytest.raises(MethodError, match="unknown ablation 'median'"):
        evaluate(distilbert, ready, ablation="median")
    with pytest.raises(MethodError, match="profile the calibration split first"):
        evaluate(distilbert, ready, HeadMask.off(distilbert.anatomy, OFF), ablation="mean")


def test_no_sentences(distilbert):
    with pytest.raises(DataError, match="no sentences"):
        evaluate(distilbert, [])


@pytest.mark.parametrize("label", [2, 7, -1])
def test_labels_that_the_model_does_not_have(distilbert, label):
    ready = batches(distilbert, Split(("good", "bad"), (0, label)))
    with pytest.raises(DataError, match=rf"label number {label}.* negative, positive"):
        evaluate(distilbert, ready)


def test_a_baseline_on_other_sentences(distilbert, split):
    mask = HeadMask.off(distilbert.anatomy, OFF)
    half = Split(split.texts[:30], split.labels[:30])
    other = evaluate(distilbert, batches(distilbert, half))
    with pytest.raises(DataError, match="other sentences"):
        evaluate(distilbert, batches(distilbert, split), mask, baseline=other)


def test_a_batch_knows_its_padding():
    ids = torch.tensor([[2, 4, 3, 0]])
    batch = Batch(
        {"input_ids": ids, "attention_mask": (ids != 0).long()},
        torch.tensor([0]),
        torch.tensor([0]),
    )
    assert batch.real.tolist() == [[True, True, True, False]]
