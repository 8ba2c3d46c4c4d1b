from __future__ import annotations

import threading

import pytest
import torch
from oracles import attention, eager, heads_off, projection_inputs
from tiny import sentences

from analysis.attention import (
    Intervention,
    View,
    check_ablation,
    gates_of,
    intervening,
)
from analysis.batches import batches
from analysis.errors import MethodError
from analysis.evaluation import logits
from analysis.mask import HeadMask
from analysis.text import Split

MASKS = {
    "one": [(1, 2)],
    "one of each layer": [(0, 0), (1, 3), (2, 1)],
    "unequal": [(0, 0), (0, 1), (0, 3), (2, 2)],
    "a layer": [(1, head) for head in range(4)],
    "all": [(layer, head) for layer in range(3) for head in range(4)],
}


@pytest.fixture(scope="module")
def split():
    return Split(*sentences(24, seed=5))


@pytest.fixture(scope="module")
def padded(subject, split):
    """One batch of sentences of many lengths, so that there is padding to get wrong."""
    return batches(subject, Split(split.texts[:8], split.labels[:8]), tokens=10**6)[-1]


def run(subject, batch, **intervention):
    with torch.inference_mode(), intervening(Intervention(**intervention)):
        return subject.model(**batch.inputs).logits


def test_the_full_mask_changes_nothing_bit_for_bit(subject, padded):
    with torch.inference_mode():
        plain = subject.model(**padded.inputs).logits
    assert torch.equal(logits(subject, padded, HeadMask.full(subject.anatomy)), plain)
    ones = [torch.ones(count) for count in subject.anatomy.heads]
    assert torch.equal(run(subject, padded, gates=ones), plain)


def test_our_attention_is_that_of_the_eager_function(subject, padded):
    with torch.inference_mode():
        expected = eager(subject.model)(**padded.inputs).logits
    full = HeadMask.full(subject.anatomy)
    assert torch.allclose(logits(subject, padded, full), expected, atol=1e-5)


@pytest.mark.parametrize("off", MASKS.values(), ids=list(MASKS))
def test_a_mask_zeroes_exactly_the_heads_it_names(subject, padded, off):
    """In the lowest layer that it touches nothing else changes; in every layer the named heads are 0."""
    mask = HeadMask.off(subject.anatomy, off)
    full = projection_inputs(
        subject.model, lambda: logits(subject, padded, HeadMask.full(subject.anatomy))
    )
    seen = projection_inputs(subject.model, lambda: logits(subject, padded, mask))
    lowest = min(layer for layer, _ in off)
    for layer, (before, after) in enumerate(zip(full, seen, strict=True)):
        before, after = before.unflatten(-1, (4, -1)), after.unflatten(-1, (4, -1))
        for head in range(4):
            if (layer, head) in off:
                assert not after[..., head, :].any()
            else:
                assert after[..., head, :].any()
                if layer <= lowest:
                    assert torch.equal(after[..., head, :], before[..., head, :])


@pytest.mark.parametrize("off", MASKS.values(), ids=list(MASKS))
def test_gating_is_an_independent_hook_on_eager_attention(subject, padded, off):
    mask = HeadMask.off(subject.anatomy, off)
    with heads_off(eager(subject.model), mask) as twin, torch.inference_mode():
        expected = twin(**padded.inputs).logits
    found = logits(subject, padded, mask)
    assert torch.allclose(found, expected, atol=1e-5)
    assert not torch.allclose(
        found, logits(subject, padded, HeadMask.full(subject.anatomy)), atol=1e-2
    )


def test_mean_ablation_puts_the_means_in_place(subject, padded):
    mask = HeadMask.off(subject.anatomy, MASKS["unequal"])
    generator = torch.Generator().manual_seed(1)
    means = [torch.randn(4, 8, generator=generator) for _ in range(3)]
    with heads_off(eager(subject.model), mask, means) as twin, torch.inference_mode():
        expected = twin(**padded.inputs).logits
    found = logits(subject, padded, mask, ablation="mean", means=means)
    assert torch.allclose(found, expected, atol=1e-5)


def test_gates_of_a_batch_gate_each_sentence_by_itself(subject, padded):
    n = len(padded)
    generator = torch.Generator().manual_seed(2)
    gates = [torch.randint(2, (n, 4), generator=generator).float() for _ in range(3)]
    means = [torch.randn(4, 8, generator=generator) for _ in range(3)]
    together = run(subject, padded, gates=gates, means=means)
    for row in range(n):
        alone = run(subject, padded, gates=[gate[row] for gate in gates], means=means)
        assert torch.allclose(together[row], alone[row], atol=1e-6)


def test_a_gate_may_be_any_number(subject, padded):
    """Half a gate is half of the head's output, and the gradient reaches it."""
    gates = [torch.full((4,), 0.5) for _ in range(3)]
    full = projection_inputs(subject.model, lambda: run(subject, padded, gates=None))
    half = projection_inputs(subject.model, lambda: run(subject, padded, gates=gates))
    assert torch.allclose(half[0], full[0] / 2)
    gate = torch.ones(4, requires_grad=True)
    with intervening(Intervention(gates=[gate, None, None])):
        subject.model(**padded.inputs).logits.sum().backward()
    assert gate.grad.abs().min() > 0


def test_padding_changes_nothing(subject, split):
    """All in one batch, cut into many, or one by one: the same answers, masked or not."""
    mask = HeadMask.off(subject.anatomy, MASKS["one of each layer"])
    for chosen in (HeadMask.full(subject.anatomy), mask):
        answers = {}
        for tokens in (1, 100, 10**6):
            for batch in batches(subject, split, tokens=tokens):
                for row, answer in zip(
                    batch.rows.tolist(), logits(subject, batch, chosen), strict=True
                ):
                    answers.setdefault(row, []).append(answer)
        for row, text in enumerate(split.texts):
            ids = torch.tensor([subject.tokenizer(text)["input_ids"]])
            with torch.inference_mode(), heads_off(eager(subject.model), chosen) as twin:
                alone = twin(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
            assert all(torch.allclose(answer, alone, atol=1e-5) for answer in answers[row])


def test_a_watcher_changes_no_answer_and_sees_every_layer(subject, padded):
    views: list[View] = []
    watched = run(subject, padded, watch=views.append)
    assert torch.allclose(watched, run(subject, padded), atol=1e-5)
    assert [view.layer for view in views] == [0, 1, 2]


def test_a_watcher_sees_eager_attention(subject, split):
    views: list[View] = []
    ids = subject.tokenizer(split.texts[0])["input_ids"]
    tensor = torch.tensor([ids])
    with torch.inference_mode(), intervening(Intervention(watch=views.append)):
        subject.model(input_ids=tensor, attention_mask=torch.ones_like(tensor))
    for view, expected in zip(views, attention(eager(subject.model), ids), strict=True):
        assert torch.allclose(view.weights[0].double(), torch.tensor(expected), atol=1e-6)


def test_a_watcher_sees_no_weight_on_padding(subject, padded):
    views: list[View] = []
    run(subject, padded, watch=views.append)
    padding = ~padded.real[:, None, None]
    assert padding.any()
    for view in views:
        assert not view.weights.masked_select(padding).any()
        assert torch.allclose(view.weights.sum(-1), torch.tensor(1.0))


def test_an_intervention_ends_with_its_block_even_by_an_error(subject, padded):
    before = run(subject, padded)

    def fail(view: View) -> None:
        raise ZeroDivisionError

    off = gates_of(HeadMask.off(subject.anatomy, MASKS["all"]), subject.device)
    with pytest.raises(ZeroDivisionError):
        run(subject, padded, gates=off, watch=fail)
    assert torch.equal(run(subject, padded), before)
    with torch.inference_mode():
        assert torch.equal(subject.model(**padded.inputs).logits, before)


def test_blocks_nest(subject, padded):
    full, off = HeadMask.full(subject.anatomy), HeadMask.off(subject.anatomy, MASKS["all"])
    with torch.inference_mode(), intervening(Intervention(gates=gates_of(off, subject.device))):
        outer = subject.model(**padded.inputs).logits
        assert torch.equal(
            logits(subject, padded, full), run(subject, padded)
        )  # an inner block replaces the outer one
        assert torch.equal(subject.model(**padded.inputs).logits, outer)


def test_two_threads_with_two_masks_on_one_model_never_meet(subject, padded):
    """Each thread takes turns with the others on one shared model, layer by layer, and sees its own mask."""
    masks = [HeadMask.off(subject.anatomy, off) for off in MASKS.values()]
    expected = [logits(subject, padded, mask) for mask in masks]
    start = threading.Barrier(len(masks))
    wrong: list[int] = []

    def work(index: int) -> None:
        start.wait()
        for _ in range(15):
            if not torch.equal(logits(subject, padded, masks[index]), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(masks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_meet_inside_one_forward_pass_and_keep_their_masks(subject, padded):
    """Both threads are held inside the attention of every layer at the same time."""
    meeting = threading.Barrier(2, timeout=20)
    masks = [HeadMask.off(subject.anatomy, MASKS[name]) for name in ("one", "unequal")]
    seen: dict[int, torch.Tensor] = {}

    def work(index: int) -> None:
        gates = gates_of(masks[index], subject.device)
        seen[index] = run(subject, padded, gates=gates, watch=lambda view: meeting.wait())

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, mask in enumerate(masks):
        assert torch.allclose(seen[index], logits(subject, padded, mask), atol=1e-5)


def test_an_unknown_ablation_is_refused():
    with pytest.raises(MethodError, match="did you mean 'mean'"):
        check_ablation("meen", None)


def test_mean_ablation_without_means_is_refused():
    with pytest.raises(MethodError, match="profile the calibration split first"):
        check_ablation("mean", None)
