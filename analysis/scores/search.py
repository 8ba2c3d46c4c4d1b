"""Greedy backward elimination with swaps: the dear upper reference that cheap methods are held against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.answers import divergences
from analysis.journal import Notes
from analysis.mask import Head, HeadMask
from analysis.models import Subject
from analysis.progress import Step, finish
from analysis.replay import Replay
from analysis.scores.ablation import answers_of
from analysis.scores.method import Evidence, Found, by_head

SWAPPED_AT = (0.25, 0.5, 0.75)
"""Shares of heads removed at which the search tries to swap."""
SWAPS = 3
"""Swaps at most at each of them."""


def greedy(subject: Subject, evidence: Evidence) -> Iterator[Step[Found]]:
    """Remove, one by one, the head without which the answers stay nearest to the full model's.

    Every step evaluates all masks with one more head off, by `E_s KL(p_full(s) || p_mask(s))` on the
    selection split (on the calibration split where there is no other). The divergence, not the loss: a model
    that is too sure of itself gets a lower loss from any damage that makes it doubt, and a search on the loss
    finds such damage. After a quarter, a half and three quarters of the heads, swaps follow: the removed head
    whose return helps most comes back and the best head to go instead goes, as long as the divergence falls.
    `H (H + 1) / 2` masks for H heads: an upper reference, not a bound, since greedy is not optimal. Backward
    elimination whose removals can be taken back is the sequential floating search of Pudil, Novovicova and Kittler
    1994 (their SFBS, here floating at three sizes only); that of heads by their effect is the greedy form of the
    iterative pruning of Michel et al. 2019 (section 4).
    """
    replay = answers_of(subject, evidence.selection or evidence.texts)
    full = HeadMask.full(subject.anatomy)
    total = full.heads_total
    stops = {round(share * total) for share in SWAPPED_AT}
    mask, order = full, list[Head]()
    masks: dict[int, HeadMask] = {}
    while mask.heads_on:
        order.append(_next(replay, mask, evidence.notes))
        mask = mask.switched(order[-1:], on=False)
        if len(order) in stops and mask.heads_on:
            mask, order = _swapped(replay, mask, order, evidence.notes)
        masks[mask.heads_on] = mask
        yield Step(
            len(order),
            total,
            "heads",
            None if mask.heads_on else _found(subject, order, masks),
        )


def _found(subject: Subject, order: list[Head], masks: dict[int, HeadMask]) -> Found:
    place = {head: float(step) for step, head in enumerate(order)}
    return Found(by_head(subject, place), masks)


def _next(replay: Replay, mask: HeadMask, notes: Notes) -> Head:
    """The head without which the answers stay nearest to the full model's."""

    def look() -> dict[str, Any]:
        neighbours = finish(replay.without_each(mask))
        found = neighbours.divergences
        best = int(found.argmin())
        return {"next": neighbours.heads[best], "divergence": float(found[best])}

    noted = notes.once(f"next after {mask.encode()}", look)
    layer, head = noted["next"]
    return layer, head


def _swapped(
    replay: Replay, mask: HeadMask, order: list[Head], notes: Notes
) -> tuple[HeadMask, list[Head]]:
    now = _divergence(replay, mask, notes)
    for _ in range(SWAPS):
        returned = {
            head: _divergence(replay, mask.switched([head], on=True), notes) for head in order
        }
        back = min(returned, key=lambda head: returned[head])
        wider = mask.switched([back], on=True)
        gone = _next(replay, wider, notes)
        swapped = wider.switched([gone], on=False)
        # Both sides of the comparison computed alike: a pass without each head rounds otherwise than a pass of its own.
        if gone == back or (reached := _divergence(replay, swapped, notes)) >= now:
            break
        mask, now = swapped, reached
        order = [head for head in order if head != back] + [gone]
    return mask, order


def _divergence(replay: Replay, mask: HeadMask, notes: Notes) -> float:
    def look() -> dict[str, Any]:
        full = replay.evaluate().predictions.logits
        found = replay.evaluate(mask, keep=False).predictions.logits
        return {"divergence": float(divergences(found, full))}

    return float(notes.once(f"divergence of {mask.encode()}", look)["divergence"])
