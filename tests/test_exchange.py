"""A mask is judged as least squares will leave it, and heads are exchanged only where that helps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from oracles import projection_inputs
from scoring import CALIBRATION, HEADS, full, one_by_one, order_of

from analysis.anatomy import outputs_of
from analysis.mask import HeadMask
from analysis.scores import exchange, rank, reconstruction

RIDGE = 0.1


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    monkeypatch.setattr(exchange, "dtype_of", lambda *_: torch.float32)


@pytest.fixture(scope="module")
def outputs(distilbert):
    """Heads' outputs of each layer for every token, `[tokens, 32]`."""
    seen = [
        projection_inputs(distilbert.model, lambda batch=batch: distilbert.model(**batch.inputs))
        for batch in one_by_one(distilbert, CALIBRATION)
    ]
    return [torch.cat([each[layer][0] for each in seen]).double().numpy() for layer in range(3)]


def places(row, on):
    return [8 * head + place for head, state in enumerate(row) if state == on for place in range(8)]


def stand_in(z, row):
    """Map and shift from the kept heads' outputs to the removed ones', by ridge regression over tokens."""
    kept, gone = places(row, True), places(row, False)
    x, y = z[:, kept] - z[:, kept].mean(0), z[:, gone] - z[:, gone].mean(0)
    pull = np.sqrt(RIDGE * x.var(0).mean() * len(x)) * np.eye(len(kept))
    share = np.linalg.lstsq(
        np.vstack([x, pull]), np.vstack([y, np.zeros((len(kept), len(gone)))]), rcond=None
    )[0]
    return share, z[:, gone].mean(0) - z[:, kept].mean(0) @ share


@torch.no_grad()
def moved(subject, outputs, mask):
    """Divergence with the removed heads' outputs replaced on their way into the projections."""
    before = [subject.model(**b.inputs).logits for b in one_by_one(subject, CALIBRATION)]
    hooks = []
    for row, z, projection in zip(mask.rows, outputs, outputs_of(subject.model), strict=True):
        share, shift = map(torch.tensor, stand_in(z, row)) if any(row) else (None, z.mean(0))

        def replace(_, given, row=row, share=share, shift=shift):
            states = given[0].clone()
            said = 0 if share is None else given[0][..., places(row, True)].double() @ share
            states[..., places(row, False)] = (said + torch.as_tensor(shift)).float()
            return (states,)

        hooks.append(projection.register_forward_pre_hook(replace))
    after = [subject.model(**b.inputs).logits for b in one_by_one(subject, CALIBRATION)]
    for hook in hooks:
        hook.remove()
    p, q = (torch.cat(logits).double().log_softmax(-1) for logits in (before, after))
    return float((p.exp() * (p - q)).sum(-1).mean())


@pytest.fixture
def judge(distilbert):
    layers = reconstruction.moments(distilbert, CALIBRATION)
    return exchange.judge_of(distilbert, CALIBRATION, layers)


@pytest.mark.parametrize("code", ["1.0.0", "0.6.9", "b.0.7", "f.3.0"])
def test_a_mask_is_judged_with_least_squares_in_the_place_of_removed_heads(
    distilbert, outputs, judge, code
):
    mask = HeadMask.decode(distilbert.anatomy, code)
    wanted = moved(distilbert, outputs, mask)
    assert judge.divergence(mask) == pytest.approx(wanted, rel=1e-2, abs=1e-6)
    assert judge.divergence(full(distilbert)) == pytest.approx(0, abs=1e-6)


def test_switching_every_head_over_is_judging_every_neighbour(distilbert, judge):
    mask = HeadMask.decode(distilbert.anatomy, "1.6.8")
    found = judge.switched(mask, HEADS)
    assert set(found) == set(HEADS)
    for head, reached in found.items():
        neighbour = mask.switched([head], on=head not in mask.on_heads)
        assert reached == pytest.approx(judge.divergence(neighbour), rel=1e-3, abs=1e-6)


def exchanged_slowly(judge, mask, few):
    """Two rounds of exchanges, each neighbour judged by itself."""
    for _ in range(2):
        before, used, tries, now = mask, set(), 0, judge.divergence(mask)
        price = reconstruction.prices(judge.layers, (4, 4, 4), mask.off_heads)
        back = sorted(mask.off_heads, key=price.get)[-few:]
        gone = sorted(mask.on_heads, key=price.get)[:few]
        alone = {h: judge.divergence(mask.switched([h], on=h in back)) for h in [*back, *gone]}
        for a, b in sorted(itertools.product(back, gone), key=lambda p: alone[p[0]] + alone[p[1]]):
            if tries < 8 and used.isdisjoint({a, b}):
                tried, tries = mask.switched([a], on=True).switched([b], on=False), tries + 1
                if judge.divergence(tried) < now:
                    mask, now, used = tried, judge.divergence(tried), used | {a, b}
        if mask == before:
            break
    return mask


@pytest.mark.parametrize("few", [2, 12])
def test_the_search_is_eliminations_with_exchanges_between_them(
    distilbert, judge, few, monkeypatch
):
    monkeypatch.setattr(exchange, "CANDIDATES", few)
    found = rank(distilbert, CALIBRATION, "repair-aware-search")
    gone = []
    for stop in (3, 6):
        steps = reconstruction.eliminate(judge.layers, (4, 4, 4), gone=gone)
        start = HeadMask.off(
            distilbert.anatomy, [*gone, *(step.head for step in steps[: stop - len(gone)])]
        )
        mask = exchanged_slowly(judge, start, few)
        assert found.masks[12 - stop] == mask
        assert judge.divergence(mask) <= judge.divergence(start)
        first = order_of(found.values["score"].to_numpy())[:stop]
        if stop == 6:
            assert set(first) == {head for head in HEADS if head not in mask.on_heads}
        kept = set(mask.on_heads)
        order = [head for head in [*gone, *(s.head for s in steps[: stop - len(gone)])]]
        gone = [h for h in order if h not in kept] + [h for h in start.on_heads if h not in kept]


def test_prices_are_what_the_elimination_adds_next_and_last(distilbert):
    layers = reconstruction.moments(distilbert, CALIBRATION)
    steps = reconstruction.eliminate(layers, (4, 4, 4))
    gone = [step.head for step in steps[:5]]
    found = reconstruction.prices(layers, (4, 4, 4), gone)
    assert found[steps[5].head] == pytest.approx(steps[5].cost)
    assert found[steps[4].head] == pytest.approx(steps[4].cost)
    assert set(found) == set(HEADS)
    assert min(cost for head, cost in found.items() if head not in gone) == found[steps[5].head]


def test_elimination_goes_on_from_what_is_gone(distilbert):
    layers = reconstruction.moments(distilbert, CALIBRATION)
    whole = [step.head for step in reconstruction.eliminate(layers, (4, 4, 4))]
    rest = reconstruction.eliminate(layers, (4, 4, 4), gone=whole[:5])
    assert [step.head for step in rest] == whole[5:]


def test_a_family_that_cannot_be_packed_keeps_the_elimination(distilbert, monkeypatch):
    monkeypatch.setattr(exchange, "judge_of", lambda *_: None)
    found = rank(distilbert, CALIBRATION, "repair-aware-search")
    plain = rank(distilbert, CALIBRATION, "repair-aware")
    assert found.order == plain.order
    assert not found.masks
