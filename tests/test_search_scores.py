"""The greedy search removes and swaps what a slow search over plain evaluations does."""

from __future__ import annotations

from scoring import CALIBRATION, HEADS, SELECTION, full, order_of

from analysis.answers import divergences
from analysis.batches import batches
from analysis.evaluation import evaluate
from analysis.replay import Replay
from analysis.scores import rank, search


def searched_slowly(subject):
    """Order of removal and the masks after swaps, by one full evaluation a mask."""
    ready = batches(subject, SELECTION)
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
        if len(order) in (3, 6, 9):
            masks[mask.heads_on] = mask
    return order, masks


def test_greedy_is_the_slow_search(distilbert, monkeypatch):
    exact = Replay(distilbert, SELECTION, precision="float32")
    monkeypatch.setattr(search, "replay_of", lambda *_: exact)
    found = rank(distilbert, CALIBRATION, "greedy", selection=SELECTION)
    order, masks = searched_slowly(distilbert)
    assert order_of(found.values["score"].to_numpy()) == order
    assert dict(found.masks) == masks
    assert set(order) == set(HEADS)
