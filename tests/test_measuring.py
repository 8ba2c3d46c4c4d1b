from __future__ import annotations

import pytest
from families.tiny import build

from analysis import evaluate, load_model
from analysis.batches import batches
from analysis.cost import cost
from analysis.mask import HeadMask
from analysis.measuring import (
    Treatment,
    appraising,
    is_removable,
    occasion,
    one_after_another,
    saving,
)
from analysis.profiling import profile
from analysis.progress import Step, finish
from analysis.repair import repair
from analysis.replay import Replay
from analysis.surgery import prune


@pytest.fixture(scope="module")
def replay(distilbert, text):
    return Replay(distilbert, text.split("selection"), precision="float32")


@pytest.fixture(scope="module")
def mask(distilbert):
    return HeadMask.off(distilbert.anatomy, [(0, 0), (1, 2), (1, 3)])


@pytest.mark.parametrize("ablation", ["zero", "mean"])
def test_a_plan_without_repair_is_measured_as_masked(distilbert, text, replay, mask, ablation):
    means = profile(distilbert, text.split("calibration")).means
    found = finish(appraising(replay, text, Treatment(mask, ablation), means))
    sentences = batches(distilbert, text.split("selection"))
    wanted = evaluate(distilbert, sentences, mask, ablation=ablation, means=means)
    assert found.accuracy == wanted.accuracy
    assert found.change == wanted.change


@pytest.mark.parametrize("kind", ["mean", "least-squares"])
def test_a_plan_with_repair_is_measured_repaired(distilbert, text, replay, mask, kind):
    found = finish(appraising(replay, text, Treatment(mask, repair=kind)))
    given = text.split("calibration"), kind
    mended = repair(distilbert, mask, *given, selection=text.split("selection"))
    wanted = evaluate(mended.subject, batches(mended.subject, text.split("selection")))
    assert found.accuracy == wanted.accuracy
    assert found.mask == mask
    assert found.change.points == pytest.approx(
        100 * (wanted.accuracy - replay.evaluate().accuracy)
    )


def test_all_heads_need_no_repair(distilbert, text, replay):
    full = HeadMask.full(distilbert.anatomy)
    found = finish(appraising(replay, text, Treatment(full, repair="least-squares")))
    assert found.accuracy == replay.evaluate().accuracy
    assert found.change is None


def test_a_saving_is_that_of_the_smaller_model(distilbert, mask):
    found = finish(saving(distilbert, mask))
    on = occasion(distilbert, mask)
    wanted = cost(prune(distilbert, mask), batch=on.batch, length=on.length)
    assert (found.parameters, found.flops) == (wanted.parameters, wanted.flops)
    assert 0 < found.latency_low <= found.latency_ratio <= found.latency_high


def test_the_full_model_is_counted_and_not_timed(distilbert):
    full = HeadMask.full(distilbert.anatomy)
    found = finish(saving(distilbert, full))
    assert found.parameters == distilbert.parameters
    assert found.latency_ratio is None


def test_heads_of_a_group_can_only_be_removed_together(tokenizer):
    grouped = load_model(build("llama"), tokenizer=tokenizer)
    assert is_removable(grouped, HeadMask.off(grouped.anatomy, [(0, 0), (0, 4)]))
    assert not is_removable(grouped, HeadMask.off(grouped.anatomy, [(0, 0), (0, 1), (0, 4)]))


def counting(total: int, result: str):
    for done in range(1, total + 1):
        yield Step(done, total, "sentences", result if done == total else None)


def test_pieces_hand_on_their_results_as_soon_as_they_are_whole():
    taken = []
    pieces = [(lambda n=n: counting(n, f"result {n}"), taken.append) for n in (2, 4)]
    steps = one_after_another(pieces)
    shares = []
    for step in steps:
        shares.append(step.share)
        if step.result == 1:
            break
    assert taken == ["result 2"]
    shares += [step.share for step in steps]
    assert taken == ["result 2", "result 4"]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
