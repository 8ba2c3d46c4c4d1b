"""Replay gives the answers of a full pass, whatever it remembers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from analysis import attention
from analysis.batches import batches
from analysis.errors import DataError, MaskError, MethodError
from analysis.evaluation import evaluate
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.passes import course, packed, packs, tapped
from analysis.passes.shown import show
from analysis.passes.tapped import TappedCourse
from analysis.profiling import profile
from analysis.progress import finish, sharing
from analysis.replay import Replay, _spread_out
from analysis.surgery import prune
from analysis.text import Selection
from tests.families.tiny import build
from tests.tiny import sentences

MASKS = ([(0, 1), (2, 2)], [(2, 2)], [(1, 0), (1, 1), (1, 2), (1, 3)], [(0, 0), (1, 3), (2, 0)])


@pytest.fixture(params=["packed", "tapped"])
def way(request, monkeypatch):
    if request.param == "tapped":
        monkeypatch.setattr(course, "packs_truly", lambda subject, split: False)
    return request.param


@pytest.fixture(scope="module")
def split():
    return Selection(*sentences(120))


def test_replay_answers_like_the_model_itself(subject, split, way):
    replay = Replay(subject, split, precision="float32")
    for heads in MASKS:
        mask = HeadMask.off(subject.anatomy, heads)
        plain = evaluate(subject, batches(subject, split), mask)
        found = replay.evaluate(mask)
        # float32 sums in another order; the random models' logits are of the order of 10.
        torch.testing.assert_close(
            found.predictions.logits, plain.predictions.logits, atol=1e-4, rtol=1e-5
        )
        assert found.flips == plain.flips
        assert found.change == plain.change


def test_float16_answers_like_float32(subject, split, way):
    short, exact = (Replay(subject, split, precision=name) for name in ("float16", "float32"))
    assert short.precision == "float16"
    for heads in MASKS:
        mask = HeadMask.off(subject.anatomy, heads)
        found, wanted = (each.evaluate(mask).predictions.logits for each in (short, exact))
        torch.testing.assert_close(found, wanted, atol=0.05, rtol=0.01)
    found, wanted = (finish(each.without_each()).divergences for each in (short, exact))
    assert abs(found - wanted).max() < 0.05


def test_numbers_too_large_for_float16_are_said(tokenizer, split, way):
    large = load_model(build("distilbert"), tokenizer=tokenizer)
    with torch.no_grad():
        large.model.distilbert.transformer.layer[1].ffn.lin2.bias.fill_(1e5)
    assert Replay(large, split, precision="float32").evaluate().predictions.logits.isfinite().all()
    with pytest.raises(MethodError, match="too large for float16; choose bfloat16 or float32"):
        Replay(large, split, precision="float16").evaluate()


def test_float16_is_chosen_only_where_layers_end_with_a_norm(tokenizer, split, monkeypatch):
    monkeypatch.setattr("analysis.passes.course.dtype_of", lambda *_: torch.float16)
    encoder, decoder = (
        load_model(build(name), tokenizer=tokenizer) for name in ("distilbert", "gpt2-classifier")
    )
    assert Replay(encoder, split).precision == "float16"
    assert Replay(decoder, split).precision == "float32"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_remembered_changes_no_bit(subject, split, way, precision):
    warm = Replay(subject, split, precision=precision)
    for heads in MASKS:
        mask = HeadMask.off(subject.anatomy, heads)
        cold = Replay(subject, split, precision=precision).evaluate(mask)
        assert torch.equal(warm.evaluate(mask).predictions.logits, cold.predictions.logits)


def test_a_budget_is_kept_and_costs_no_bit(distilbert, split, way):
    roomy = Replay(distilbert, split)
    tight = Replay(distilbert, split, memory=20_000)
    none = Replay(distilbert, split, memory=0)
    for heads in MASKS:
        mask = HeadMask.off(distilbert.anatomy, heads)
        wanted = roomy.evaluate(mask).predictions.logits
        for replay in (tight, none):
            assert torch.equal(replay.evaluate(mask).predictions.logits, wanted)
            assert replay.memory.used <= replay.memory.budget
    assert roomy.memory.used > 20_000


def test_mean_ablation_is_replayed_with_its_means(distilbert, split, way):
    means = profile(distilbert, split).means
    other = [2 * layer for layer in means]
    replay = Replay(distilbert, split, precision="float32")
    mask = HeadMask.off(distilbert.anatomy, [(0, 1), (2, 2)])
    seen = []
    for given in (means, other, means):
        plain = evaluate(distilbert, batches(distilbert, split), mask, ablation="mean", means=given)
        found = replay.evaluate(mask, ablation="mean", means=given)
        torch.testing.assert_close(
            found.predictions.logits, plain.predictions.logits, atol=1e-4, rtol=1e-5
        )
        seen.append(found.predictions.logits)
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], seen[1])


def test_without_each_is_every_neighbour_evaluated(subject, split, way):
    replay = Replay(subject, split, precision="float32")
    mask = HeadMask.off(subject.anatomy, [(0, 1), (1, 2)])
    neighbours = list(replay.without_each(mask))[-1].result
    assert neighbours.heads == mask.on_heads
    for place in (0, 4, len(neighbours.heads) - 1):
        alone = replay.evaluate(mask.switched([neighbours.heads[place]], on=False))
        torch.testing.assert_close(
            neighbours.logits[place], alone.predictions.logits, atol=1e-4, rtol=1e-5
        )
        assert neighbours.losses[place] == pytest.approx(alone.loss, abs=1e-4)
        assert neighbours.accuracies[place] == pytest.approx(alone.accuracy)


def test_without_each_replaces_heads_by_their_means(distilbert, split, way):
    means = profile(distilbert, split).means
    replay = Replay(distilbert, split, precision="float32")
    mask = HeadMask.off(distilbert.anatomy, [(0, 1), (1, 2)])
    how = {"ablation": "mean", "means": means}
    neighbours = list(replay.without_each(mask, **how))[-1].result
    for place, head in enumerate(neighbours.heads):
        alone = replay.evaluate(mask.switched([head], on=False), **how)
        torch.testing.assert_close(
            neighbours.logits[place], alone.predictions.logits, atol=1e-4, rtol=1e-5
        )


def test_every_report_is_about_the_sentences_seen_so_far(distilbert, split):
    replay = Replay(distilbert, split)
    mask = HeadMask.off(distilbert.anatomy, MASKS[0])
    steps = list(replay.evaluating(mask))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == 2 * len(split)
    final = steps[-1].result
    known = [step.result is not None for step in steps]
    assert known == sorted(known)  # what has been shown is not taken back
    assert sum(step.done == step.total for step in steps) == 1
    for step in steps:
        if step.result is not None:
            rows = step.result.predictions.rows
            assert torch.equal(step.result.predictions.logits, final.predictions.logits[rows])
            assert set(step.result.flips.broken) <= set(final.flips.broken)


@pytest.mark.parametrize("is_known", [False, True], ids=["unknown", "known"])
def test_the_first_comparison_comes_after_two_chunks_or_one_where_the_full_model_is_known(
    distilbert, split, monkeypatch, is_known
):
    monkeypatch.setattr(packs, "REFERENCE_PACK", 128)
    replay = Replay(distilbert, split, precision="float32")
    assert len(replay._course.chunks) > 3
    if is_known:
        replay.evaluate()
    ran = []
    run = replay._course.run
    monkeypatch.setattr(replay._course, "run", lambda *given: ran.append(given[1]) or run(*given))
    steps = replay.evaluating(HeadMask.off(distilbert.anatomy, [(2, 1)]))
    first = next(step for step in steps if step.result is not None)
    assert first.result.change is not None
    assert first.result.n < len(split)
    assert first.total == len(split) * (1 if is_known else 2)
    # The full model from below, the masked one from the layer that differs.
    assert ran == ([2] if is_known else [0, 2, 0, 2])


def test_no_report_lacks_the_full_model_when_somebody_else_finishes_it_meanwhile(
    distilbert, split, monkeypatch
):
    monkeypatch.setattr(packs, "REFERENCE_PACK", 128)
    replay = Replay(distilbert, split, precision="float32")
    steps = replay.evaluating(HeadMask.off(distilbert.anatomy, [(0, 1)]))
    known = [next(steps).result]
    replay.evaluate()
    known += [step.result for step in steps]
    assert all(found.baseline is not None for found in known if found is not None)
    assert known[-1].n == len(split)


def test_a_full_pass_that_was_stopped_goes_on_where_it_was(distilbert, split, monkeypatch):
    monkeypatch.setattr(packs, "REFERENCE_PACK", 128)
    replay = Replay(distilbert, split, precision="float32")
    stopped = replay.evaluating()
    for _ in range(2):
        next(stopped)
    stopped.close()
    ran = []
    run = replay._course.run
    monkeypatch.setattr(replay._course, "run", lambda *given: ran.append(given[1]) or run(*given))
    found = replay.evaluate()
    assert len(ran) == len(replay._course.chunks) - 2
    fresh = Replay(distilbert, split, precision="float32").evaluate()
    assert torch.equal(found.predictions.logits, fresh.predictions.logits)


class Between:
    """A turn in which somebody else does something at each moment that is left to others, in a thread of their own."""

    def __init__(self, do) -> None:
        self.do = do
        self.times = 0

    def give_way(self) -> None:
        self.times += 1
        with ThreadPoolExecutor(1) as other:
            other.submit(self.do).result()

    def wait_for(self, event) -> None: ...


class StopAt(Between):
    """A turn that ends at one of the moments that are left to others."""

    def __init__(self, number) -> None:
        super().__init__(lambda: None)
        self.number = number

    def give_way(self) -> None:
        self.times += 1
        if self.times == self.number:
            raise Stop


class Stop(BaseException):
    pass


def test_others_go_first_in_the_middle_of_a_pass_and_change_no_bit_of_it(subject, split, way):
    mine, theirs = (HeadMask.off(subject.anatomy, heads) for heads in MASKS[:2])
    replay = Replay(subject, split)
    turn = Between(lambda: replay.evaluate(theirs, keep=False))
    with sharing(turn):
        found = replay.evaluate(mine)
    assert turn.times > 2 * len(replay._order) * (subject.anatomy.layers - 1)
    wanted = Replay(subject, split).evaluate(mine)
    assert torch.equal(found.predictions.logits, wanted.predictions.logits)


@pytest.mark.parametrize("number", [1, 2, 5, 9, 14])
def test_a_pass_that_was_stopped_in_the_middle_leaves_the_next_as_it_was(
    subject, split, way, number
):
    mask = HeadMask.off(subject.anatomy, MASKS[0])
    replay = Replay(subject, split)
    with sharing(StopAt(number)), pytest.raises(Stop):
        replay.evaluate(mask)
    assert tapped._flow.get(None) is None
    assert attention._intervention.get() is None
    assert not torch.is_inference_mode_enabled()
    wanted = Replay(subject, split).evaluate(mask)
    assert torch.equal(replay.evaluate(mask).predictions.logits, wanted.predictions.logits)


def test_others_go_first_in_the_middle_of_a_profile_and_change_no_number_of_it(subject, split, way):
    turn = Between(lambda: profile(subject, split.limited(3)))
    with sharing(turn):
        found = profile(subject, split)
    assert found.table.equals(profile(subject, split).table)
    turn = Between(lambda: None)
    with sharing(turn):
        next(show(subject, split).parts).run(lambda *_: None)
    assert turn.times >= subject.anatomy.layers


def test_a_known_mask_is_compared_with_a_full_model_that_was_forgotten(distilbert, split):
    replay = Replay(distilbert, split)
    mask = HeadMask.off(distilbert.anatomy, MASKS[0])
    first = replay.evaluate(mask)
    del replay._finished[next(key for key in replay._finished if key.mask.is_full)]
    again = replay.evaluate(mask)
    assert again.change == first.change
    assert again.flips == first.flips


def test_a_finished_mask_is_not_computed_twice(distilbert, split, monkeypatch):
    replay = Replay(distilbert, split)
    mask = HeadMask.off(distilbert.anatomy, MASKS[0])
    first = replay.evaluate(mask)
    monkeypatch.setattr(replay, "_course", None)
    assert torch.equal(replay.evaluate(mask).predictions.logits, first.predictions.logits)


def test_the_order_of_chunks_is_spread_at_any_stop():
    order = _spread_out(11)
    assert sorted(order) == list(range(11))
    assert order[:4] == [0, 8, 4, 2]


def test_a_layer_that_is_not_what_its_family_promises_takes_the_general_way(tokenizer, split):
    from analysis import models
    from tests.tiny import tiny_model

    odd = tiny_model("distilbert")
    odd.distilbert.transformer.layer[1].ffn.activation = torch.nn.Tanh()
    odd.distilbert.transformer.layer[0].ffn.forward = lambda states: 2 * states
    replay = Replay(models.load_model(odd, tokenizer=tokenizer), split)
    assert isinstance(replay._course, TappedCourse)


def test_what_cannot_be_replayed_is_said(distilbert, split):
    with pytest.raises(DataError, match="no sentences"):
        Replay(distilbert, Selection((), ()))
    with pytest.raises(DataError, match="label number 7"):
        Replay(distilbert, Selection(("good",), (7,)))
    with pytest.raises(MethodError, match="unknown precision 'int4'"):
        Replay(distilbert, split, precision="int4")
    replay = Replay(distilbert, split)
    with pytest.raises(MaskError, match="heads a layer"):
        replay.evaluate(HeadMask(((True, False),)))
    with pytest.raises(MethodError, match="mean"):
        replay.evaluate(HeadMask.off(distilbert.anatomy, MASKS[0]), ablation="mean")


@pytest.mark.parametrize("code", ["f.0.0", "0.f.1", "0.0.f", "f.f.f"])
def test_a_smaller_model_without_any_head_in_a_layer_answers_as_the_masked_one(distilbert, code):
    split = Selection(*sentences(9))
    mask = HeadMask.decode(distilbert.anatomy, code)
    masked = Replay(distilbert, split, precision="float32").evaluate(mask)
    smaller = Replay(prune(distilbert, mask), split, precision="float32").evaluate()
    assert torch.allclose(smaller.predictions.logits, masked.predictions.logits, atol=1e-4)


def test_packs_but_the_first_are_equally_full_and_hold_no_rows_that_are_no_tokens(
    distilbert, split
):
    model = packed.PackedModel(distilbert, torch.float32)
    made = list(model.packs(split, size=256))
    assert len(made) > 2
    assert sorted(torch.cat([pack.rows for pack in made]).tolist()) == list(range(len(split)))
    filled = [pack.spans[-1].stop for pack in made]
    longest = max(span.length for pack in made for span in pack.spans)
    first, *others = filled
    assert max(others) - min(others) < longest + packs.ROUND
    assert first <= max(others) / 2
    for pack, tokens in zip(made, filled, strict=True):
        assert len(pack.hidden) % packs.ROUND == 0
        assert 0 <= len(pack.hidden) - tokens < packs.ROUND


@pytest.mark.parametrize("ablation", ["zero", "mean"])
@pytest.mark.parametrize("code", ["7.f.f", "3.1.f", "0.6.8", "0.0.0"])
def test_heads_that_are_not_computed_answer_as_heads_that_are_zeroed(
    distilbert, split, text, monkeypatch, code, ablation
):
    mask = HeadMask.decode(distilbert.anatomy, code)
    means = profile(distilbert, text.split("calibration")).means if ablation == "mean" else None
    counts, found, beside = [], [], []
    for share in (2, 1 / 4):
        monkeypatch.setattr(packed, "CUT", share)
        replay = Replay(distilbert, split, precision="float32")
        found.append(replay.evaluate(mask, ablation=ablation, means=means).predictions.logits)
        each = finish(replay.without_each(mask, ablation=ablation, means=means))
        beside.append(each.losses)
        prepared = replay._course.prepare(mask, means)
        counts.append([len(prepared[layer].numbers) for layer in range(3)])
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(*beside, atol=1e-4, rtol=1e-5)
    assert counts[0] == [4, 4, 4]
    assert counts[1] == [*map(sum, mask.rows[:2]), 4]  # the last layer serves every mask


def test_a_pack_in_a_row_answers_each_time_as_by_itself(distilbert, split):
    way = course.PackedCourse(distilbert, split, torch.float32)
    pack = way.chunks[0]
    prepared = way.prepare(HeadMask.full(distilbert.anatomy), None)
    _, once = way.run(pack, 0, None, prepared)
    _, thrice = way.run(pack.times(3), 0, None, prepared)
    assert torch.allclose(thrice, once.repeat(3, 1), atol=1e-5)
