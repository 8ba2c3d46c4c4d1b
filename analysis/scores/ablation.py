"""Scores from switching heads off and running the model: leave-one-out and Shapley values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from analysis.journal import Notes
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.neighbours import Neighbours
from analysis.progress import Step, finish, once_at_a_time
from analysis.replay import Replay
from analysis.scores.method import Evidence, Found
from analysis.text import NO_LABEL, Split

MEMORY = 256 * 1024**2
"""Bytes of hidden states that a search's replay keeps."""
PERMUTATIONS = 10
"""Permutations that a Shapley value is sampled from, taken in pairs of one and its reverse."""


@lru_cache(maxsize=3)
def replay_of(subject: Subject, split: Split, precision: str = "auto") -> Replay:
    """The sentences, ready to be evaluated again and again by searches and sweeps."""
    return Replay(subject, split, precision=precision, memory=MEMORY)


def answers_of(subject: Subject, split: Split) -> Replay:
    """The same for whatever looks at the answers alone: texts without labels will do."""
    if subject.task.name == "sequence-classification" and NO_LABEL in split.labels:
        split = replace(split, labels=(0,) * len(split))
    return replay_of(subject, split)


def leave_one_out_loss(subject: Subject, evidence: Evidence) -> list[float]:
    """`L(without h) - L(full)`, the rise of the mean cross-entropy in nats (the oracle of Michel et al. 2019).

    Negative where the model is better without the head.
    """
    replay = replay_of(subject, evidence.texts)
    base = replay.evaluate().loss
    return (_neighbours(subject, evidence.texts).losses - base).tolist()


def leave_one_out_divergence(subject: Subject, evidence: Evidence) -> list[float]:
    """`E_s KL(p_full(s) || p_without_h(s))` in nats: how far the answers move; labels are not needed.

    `p(s)` are the probabilities of the classes (of a tagger or a language model: of each token that counts) and `E_s`
    is the mean over them. The knowledge that K-prune measures for a head (Park et al. 2024), here of the
    answers alone and for one head at a time.
    """
    return _neighbours(subject, evidence.texts).divergences.tolist()


def shapley(
    subject: Subject, evidence: Evidence, permutations: int = PERMUTATIONS
) -> Iterator[Step[Found]]:
    """The Shapley value of each head for the negative mean cross-entropy, sampled (Held and Yang 2023).

    `phi_h = E over orders of v(heads before h and h) - v(heads before h)`, estimated by removing the heads
    in random orders (Castro et al. 2009), each order followed by its reverse, which halves the variance of
    what is monotone. The standard errors are those of a mean over such pairs, `sd / sqrt(pairs)`, of the heads'
    values in each; an order without its reverse is left out of them, and with fewer than two pairs there are none.
    """
    replay = replay_of(subject, evidence.texts)
    heads = HeadMask.full(subject.anatomy).on_heads
    gains = np.zeros((permutations, len(heads)))
    done, work = 0, permutations * len(heads)
    for place, order in enumerate(_orders(len(heads), permutations, evidence.seed)):
        mask = HeadMask.full(subject.anatomy)
        before = _loss(replay, mask, evidence.notes)
        for number in order:
            mask = mask.switched([heads[number]], on=False)
            after = _loss(replay, mask, evidence.notes)
            gains[place, number] = after - before
            before, done = after, done + 1
            yield Step(done, work, "masks", _sampled(gains) if done == work else None)


def _sampled(gains: np.ndarray) -> Found:
    """Means and standard errors of gains `[orders, heads]`, of which every second row is the reverse of the first."""
    pairs = len(gains) // 2
    means = gains[: 2 * pairs].reshape(pairs, 2, -1).mean(axis=1)
    errors = means.std(axis=0, ddof=1) / np.sqrt(pairs) if pairs > 1 else np.array([])
    return Found(gains.mean(axis=0).tolist(), errors=errors.tolist())


def _loss(replay: Replay, mask: HeadMask, notes: Notes) -> float:
    noted = notes.once(
        f"loss of {mask.encode()}", lambda: {"loss": replay.evaluate(mask, keep=mask.is_full).loss}
    )
    return float(noted["loss"])


def _orders(count: int, permutations: int, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(count) for _ in range(-(-permutations // 2))]
    return [order for one in drawn for order in (one, one[::-1])][:permutations]


@once_at_a_time
@lru_cache(maxsize=1)
def _neighbours(subject: Subject, split: Split) -> Neighbours:
    with torch.inference_mode():
        return finish(answers_of(subject, split).without_each())
