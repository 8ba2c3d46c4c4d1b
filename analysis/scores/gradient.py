"""Scores from derivatives by the heads' gates: one forward and one backward pass over the calibration split.

The iterated score takes one for every round. A gate `x_h` multiplies the output of head h before the output
projection; `g_h(s) = dL(s) / dx_h` is its exact derivative for sentence s at the full model
(`gradients.gate_gradients`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from analysis.gradients import gate_gradients
from analysis.mask import Head, HeadMask
from analysis.models import Subject
from analysis.progress import Step
from analysis.scores.attention import statistics
from analysis.scores.method import Evidence, by_head, by_layer, derivatives

HIES_WEIGHT = 0.5
"""Weight of the gradient in HIES unless it is tuned."""
HIES_CHOICES = ((0.0,), (0.25,), (0.5,), (0.75,), (1.0,))
"""Weights that tuning chooses among."""
STEPS = 36
"""Rounds of the iterated Taylor score, at most."""


def taylor(subject: Subject, evidence: Evidence) -> list[float]:
    """`E_s |g_h(s)|`, compared over all layers (Michel et al. 2019, without their normalisation)."""
    return _taylor(subject, evidence).tolist()


def taylor_layer(subject: Subject, evidence: Evidence) -> list[float]:
    """`I_h / sqrt(sum_j I_j^2)` with `I_h = E_s |g_h(s)|` and the sum over the head's layer (Michel et al. 2019).

    The absolute value is taken of each sentence's derivative, as in the paper; their code takes it of each
    token's.
    """
    layers = by_layer(subject, _taylor(subject, evidence))
    return torch.cat([layer / layer.norm().clamp(min=1e-30) for layer in layers]).tolist()


def fisher(subject: Subject, evidence: Evidence) -> list[float]:
    """`E_s g_h(s)^2`, the diagonal of the empirical Fisher information of the gates (Kwon et al. 2022)."""
    return derivatives(subject, evidence.texts).loss.square().mean(0).tolist()


def kwon(subject: Subject, evidence: Evidence) -> list[float]:
    """Fisher information with the interaction of the heads of one layer (Kwon et al. 2022).

    With `F = E_s g(s) g(s)'` and the blocks between layers set to 0, removing the set R raises the loss by half
    of `sum over layers of 1_R' F 1_R`. Heads go one by one, always the one that adds least,
    `F_hh + 2 sum over r in R of its layer of F_hr`; the score is the step at which a head goes. (Kwon et al.
    choose the number of heads by the diagonal and rearrange within layers for one size; an order over all
    sizes needs this greedy form.)
    """
    gradients = derivatives(subject, evidence.texts).loss.double()
    information = gradients.T @ gradients / len(gradients)
    heads = HeadMask.full(subject.anatomy).on_heads
    layers = torch.tensor([layer for layer, _ in heads])
    information = information * (layers[:, None] == layers)
    adds = information.diagonal().clone()
    place: dict[Head, float] = {}
    for step in range(len(heads)):
        least = int(adds.argmin())
        place[heads[least]] = float(step)
        adds = adds + 2 * information[least]
        adds[least] = torch.inf
    return by_head(subject, place)


def hies(
    subject: Subject, evidence: Evidence, weights: Sequence[float] = (HIES_WEIGHT,)
) -> list[float]:
    """`a I^_h + (1 - a) (1 - E^_h)` (HIES, Choi et al. 2025, equation 1).

    I is the Taylor score, E the normalised entropy, both mapped to 0 to 1 over all heads by minimum and
    maximum, a the weight; 0.5, or chosen on the selection split.
    """
    (weight,) = weights
    entropy = torch.tensor(statistics(subject, evidence.texts)["entropy"].to_numpy())
    importance = _spread(_taylor(subject, evidence).double())
    return (weight * importance + (1 - weight) * (1 - _spread(entropy.double()))).tolist()


def taylor_iterated(subject: Subject, evidence: Evidence) -> Iterator[Step[list[float]]]:
    """Taylor, scored anew while heads go: `E_s |dL(s)/dx_h|` at the mask so far (Molchanov et al. 2017).

    Each of up to `STEPS` rounds removes the heads with the lowest scores; the score is the place in the order
    of removal.
    """
    mask = HeadMask.full(subject.anatomy)
    heads = mask.on_heads
    at_once = -(-len(heads) // STEPS)
    place: dict[Head, float] = {}
    while mask.heads_on:
        score = dict(zip(heads, _noted(subject, evidence, mask), strict=True))
        lowest = sorted(mask.on_heads, key=lambda head: score[head])[:at_once]
        for head in lowest:
            place[head] = float(len(place))
        mask = mask.switched(lowest, on=False)
        result = None if mask.heads_on else by_head(subject, place)
        yield Step(len(place), len(heads), "heads", result)


def _noted(subject: Subject, evidence: Evidence, mask: HeadMask) -> list[float]:
    """`E_s |dL(s)/dx_h|` at a mask."""

    def look() -> dict[str, list[float]]:
        gradients = gate_gradients(subject, evidence.texts, mask=mask)
        return {"scores at": gradients.loss.abs().mean(0).tolist()}

    found: list[float] = evidence.notes.once(f"scores at {mask.encode()}", look)["scores at"]
    return found


def _taylor(subject: Subject, evidence: Evidence) -> Tensor:
    return derivatives(subject, evidence.texts).loss.abs().mean(0)


def _spread(values: Tensor) -> Tensor:
    return (values - values.min()) / (values.max() - values.min()).clamp(min=1e-30)
