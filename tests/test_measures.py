"""What some texts say of all of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import sentences

from analysis.answers import TEXTS, Predictions, chosen
from analysis.evaluation import compared, judged
from analysis.mask import HeadMask
from analysis.measures import expected, measured
from analysis.passes import packs
from analysis.replay import Replay
from analysis.tasks import TASKS
from analysis.text import Selection

ACCURACY, LOSS = TEXTS.measures
MASK = HeadMask(((True, False),))


def drawn(seed: int, count: int = 800):
    """Answers of a full model and of a masked one to sentences of which the later ones are harder."""
    generator = np.random.default_rng(seed)
    lead = generator.normal(np.linspace(3.0, 0.5, count), 1.0)
    moved = lead + generator.normal(-0.1, 0.5, count)
    rows, labels = torch.arange(count), torch.zeros(count, dtype=torch.long)
    return tuple(
        Predictions(rows, torch.tensor(np.stack([each / 2, -each / 2], 1)).float(), labels)
        for each in (lead, moved)
    )


def partial(full: Predictions, masked: Predictions, places: torch.Tensor):
    every = HeadMask(((True, True),))
    return compared(judged(MASK, chosen(masked, places), 0.0), judged(every, full, 0.0))


def test_of_a_part_without_choice_the_interval_holds_the_value_of_all():
    inside = {"accuracy": [], "loss": []}
    for seed in range(150):
        full, masked = drawn(seed)
        places = np.random.default_rng(seed + 1000).choice(len(full), 60, replace=False)
        whole = compared(judged(MASK, masked, 0.0), judged(MASK, full, 0.0)).measured
        for some, each in zip(
            partial(full, masked, torch.tensor(np.sort(places))).measured, whole, strict=True
        ):
            inside[each.measure.name].append(some.low <= each.value <= some.high)
            assert some.change.low <= some.change.points <= some.change.high
    assert all(np.mean(found) >= 0.95 for found in inside.values())


def test_of_easy_sentences_it_is_nearer_to_the_value_of_all_than_the_value_there():
    for seed in range(20):
        full, masked = drawn(seed)
        found = partial(full, masked, torch.arange(60))
        for measure in (ACCURACY, LOSS):
            mine = next(each for each in found.measured if each.measure is measure)
            whole = measured(measure, masked).value
            there = {"accuracy": found.accuracy, "loss": found.loss}[measure.name]
            assert abs(mine.value - whole) < abs(there - whole)


def test_once_all_sentences_are_there_it_is_what_was_measured():
    full, masked = drawn(1)
    found = partial(full, masked, torch.arange(len(full)))
    assert (found.main.value, found.main.low, found.main.high) == (
        found.accuracy,
        found.low,
        found.high,
    )
    assert found.measured[1].value == pytest.approx(found.loss)


@pytest.mark.parametrize("worse", [0.3, 36.0, 200.0])
def test_a_perplexity_moves_by_a_factor(worse):
    perplexity = next(each for each in TASKS["causal-lm"].measures if each.name == "perplexity")
    full, _ = drawn(2)
    before, after = (
        Predictions(
            full.rows,
            full.logits,
            full.labels,
            TASKS["causal-lm"],
            (),
            (full.texts, full.answers, full.losses + more),
        )
        for more in (0, worse)
    )
    few = torch.arange(60)
    there = measured(perplexity, chosen(before, few))
    some = measured(perplexity, chosen(after, few), chosen(before, few))
    wanted = measured(perplexity, after, before)
    found = expected(some, there, measured(perplexity, before))
    assert found.value == pytest.approx(wanted.value)
    assert found.change.points == pytest.approx(wanted.change.points)


def test_a_first_report_starts_from_the_full_model_on_all_sentences(subject, monkeypatch):
    monkeypatch.setattr(packs, "REFERENCE_PACK", 128)
    monkeypatch.setattr("analysis.batches.TOKENS", 128)
    replay = Replay(subject, Selection(*sentences(60)), precision="float32")
    full = replay.evaluate()
    steps = replay.evaluating(HeadMask.off(subject.anatomy, [(0, 0), (1, 1)]))
    first = next(step.result for step in steps if step.result is not None)
    assert first.n < full.n
    assert first.main.value == pytest.approx(full.accuracy + first.change.points / 100)
    assert first.main.low <= first.main.value <= first.main.high
