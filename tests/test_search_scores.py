"""The greedy search removes and swaps what a slow search over plain evaluations does."""

from __future__ import annotations

import pytest
from scoring import CALIBRATION, HEADS, full, order_of
from tiny import sentences

from analysis.answers import divergences
from analysis.batches import batches
from analysis.evaluation import evaluate
from analysis.replay import Replay
from analysis.scores import rank, search
from analysis.text import Selection


def searched_slowly(subject, selection):
    """Order of removal and the masks on the way, after their swaps, by one full evaluation a mask."""
    ready = batches(subject, selection)
    wanted = evaluate(subject, ready).predictions.logits

    def moved(mask):
        return float(divergences(evaluate(subject, ready, mask).predictions.logits, wanted))

    def without_best(mask):
        return min(mask.on_heads, key=lambda head: moved(mask.switched([head], on=False)))

    mask, order, masks = full(subject), [], {}
    while mask.heads_on:
        order.append(without_best(mask))
        mask = mask.switched(order[-1:], on=False)
        for _ in range(3 if len(order) in (3, 6, 9) else 0):
            back = min(order, key=lambda head: moved(mask.switched([head], on=True)))
            wider = mask.switched([back], on=True)
            gone = without_best(wider)
            swapped = wider.switched([gone], on=False)
            if gone == back or moved(swapped) >= moved(mask):
                break
            mask = swapped
            order = [head for head in order if head != back] + [gone]
        masks[mask.heads_on] = mask
    return order, masks


@pytest.mark.parametrize("seed", [1, 7])
def test_greedy_is_the_slow_search(distilbert, monkeypatch, seed):
    selection = Selection(*sentences(10, seed=seed))
    exact = Replay(distilbert, selection, precision="float32")
    monkeypatch.setattr(search, "answers_of", lambda *_: exact)
    found = rank(distilbert, CALIBRATION, "greedy", selection=selection)
    order, masks = searched_slowly(distilbert, selection)
    assert order_of(found.values["score"].to_numpy()) == order
    assert dict(found.masks) == masks
    assert set(order) == set(HEADS)


def test_at_every_size_a_search_keeps_the_mask_that_it_went_through(distilbert):
    """A swap brings a head back, after which the order alone would tell of masks that nobody evaluated."""
    selection = Selection(*sentences(10, seed=7))
    found = rank(distilbert, CALIBRATION, "greedy", selection=selection)
    by_order = [full(distilbert).switched(found.order[keep:], on=False) for keep in range(12)]
    masks = [found.mask(distilbert.anatomy, keep) for keep in range(12)]
    assert [mask.heads_on for mask in masks] == list(range(12))
    assert masks != by_order
