"""Our own method with a short search: heads are exchanged as long as the repaired model comes nearer to the full one.

Solving a layer's output projection anew is the same as putting, in the place of each removed head's output, its
least squares prediction from the kept heads of the layer. That follows from second moments in closed form, so
a mask can be judged as it will be after the repair for the price of one forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from analysis.anatomy import matrix, sites_of
from analysis.answers import divergences
from analysis.mask import Head, HeadMask
from analysis.models import Subject
from analysis.passes.course import PackedCourse, course_of
from analysis.precision import dtype_of
from analysis.progress import Step
from analysis.scores.method import Evidence, Found, by_head
from analysis.scores.reconstruction import RIDGE, Moments, eliminate, gathering, prices
from analysis.text import Calibration

EXCHANGED_AT = (0.25, 0.5)
"""Shares of heads removed at which heads are exchanged: moderate rates, at which most is asked of a method."""
ROUNDS = 2
"""Rounds of exchange at most at each of them."""
CANDIDATES = 12
"""Removed heads, and kept ones, that a round looks at."""
TRIED = 8
"""Pairs of heads that a round tries."""
SENTENCES = 256
"""Calibration sentences that masks are judged on at most; the moments are taken over all."""


def repair_aware_search(subject: Subject, evidence: Evidence) -> Iterator[Step[Found]]:
    """`reconstruction.eliminate` with exchanges, judged after the repair in closed form; our own method.

    After a quarter and a half of the heads up to `ROUNDS` rounds follow. A round takes the
    `CANDIDATES` removed heads whose return is predicted to save most and as many kept heads whose removal is
    predicted to cost least, switches each over once, and measures `E_s KL(p_full(s) || p_mask(s))` on
    `SENTENCES` calibration sentences with the removed heads replaced by their least squares predictions.
    Then pairs of a removed and a kept head are exchanged in the order of the sum of both, `TRIED` at
    most, and an exchange stays if the divergence falls. At most 131 masks; labels are not looked at, and nothing
    but the calibration split. In families whose passes cannot be packed the elimination stays as it is.
    """
    layers: list[Moments] = []
    for step in gathering(subject, evidence.texts):
        layers = step.result or layers
        yield Step(step.done, step.total, step.unit)
    counts, total = subject.anatomy.heads, subject.anatomy.heads_total
    judge = judge_of(subject, evidence.texts.limited(SENTENCES), layers)
    stops = sorted({round(share * total) for share in EXCHANGED_AT} - {0, total}) if judge else []
    gone: list[Head] = []
    masks: dict[int, HeadMask] = {}
    passes = 2
    for number, stop in enumerate(stops):
        assert judge is not None
        further = eliminate(layers, counts, gone=gone)[: stop - len(gone)]
        start = HeadMask.off(subject.anatomy, [*gone, *(each.head for each in further)])
        mask = start
        for exchanged in judge.exchanging(start):
            mask, passes = exchanged.mask, passes + exchanged.masks
            yield Step(number, len(stops), "shares of heads")
        kept = set(mask.on_heads)
        order = [head for head in [*gone, *(each.head for each in further)] if head not in kept]
        gone = order + [head for head in start.on_heads if head not in kept]
        masks[mask.heads_on] = mask
    gone += [each.head for each in eliminate(layers, counts, gone=gone)]
    scores = by_head(subject, {head: float(step) for step, head in enumerate(gone)})
    yield Step(1, 1, "methods", Found(scores, masks, passes))


@dataclass(frozen=True)
class Exchanged:
    """A round of exchanges."""

    mask: HeadMask
    divergence: float
    """Of the repaired model from the full one, in nats."""
    masks: int
    """Masks that the round evaluated."""


class Judge:
    """A split on which masks are judged as they will be after least squares, by packed passes."""

    def __init__(
        self, subject: Subject, course: PackedCourse, n: int, layers: Sequence[Moments]
    ) -> None:
        self.subject, self.course, self.n, self.layers = subject, course, n, layers
        self.sites = sites_of(subject.model)
        self.full = self._logits(HeadMask.full(subject.anatomy))

    def divergence(self, mask: HeadMask) -> float:
        """Mean over sentences of `KL(full model's answer || repaired model's answer)`, in nats."""
        return float(divergences(self._logits(mask), self.full))

    @torch.inference_mode()
    def switched(self, mask: HeadMask, heads: Sequence[Head]) -> dict[Head, float]:
        """The divergence with each of some heads switched over once, on where it is off and off where it is on."""
        logits = {head: torch.zeros_like(self.full) for head in heads}
        rows = {head: self._row(mask, head) for head in heads}
        ready = {head: self.projection(head[0], row) for head, row in rows.items()}
        prepared = self._prepared(mask)
        model = self.course.model
        for chunk in self.course.chunks:
            hidden = chunk.hidden
            for layer, projection in enumerate(prepared):
                last = layer == model.last
                context = (model.attend_first if last else model.attend)(layer, chunk, hidden)
                hidden = hidden[chunk.first] if last else hidden
                for head in (head for head in heads if head[0] == layer):
                    closed = model.close(layer, hidden, context, ready[head])
                    answer = (
                        model.shell.answer(closed)
                        if last
                        else self.course.onwards(chunk, layer + 1, closed, prepared)[1]
                    )
                    logits[head][chunk.rows] = answer.float().cpu()
                hidden = model.close(layer, hidden, context, projection)
        return {head: float(divergences(found, self.full)) for head, found in logits.items()}

    def exchanging(self, mask: HeadMask) -> Iterator[Exchanged]:
        """Rounds of exchanges, each from the mask of the one before, until none helps."""
        now = self.divergence(mask)
        for _ in range(ROUNDS):
            back, gone = self._candidates(mask)
            alone = self.switched(mask, [*back, *gone])
            pairs = sorted(product(back, gone), key=lambda pair: alone[pair[0]] + alone[pair[1]])
            before, tries, used = mask, 0, set[Head]()
            for pair in pairs:
                if tries < TRIED and used.isdisjoint(pair):
                    tried = mask.switched(pair[:1], on=True).switched(pair[1:], on=False)
                    reached, tries = self.divergence(tried), tries + 1
                    if reached < now:
                        mask, now, used = tried, reached, used | set(pair)
            yield Exchanged(mask, now, len(alone) + tries)
            if mask == before:
                return

    def _candidates(self, mask: HeadMask) -> tuple[list[Head], list[Head]]:
        """Removed heads that are predicted to be missed most, and kept ones that would be missed least."""
        price = prices(self.layers, mask.heads, mask.off_heads)
        back = sorted(mask.off_heads, key=lambda head: -price[head])[:CANDIDATES]
        return back, sorted(mask.on_heads, key=lambda head: price[head])[:CANDIDATES]

    def projection(self, layer: int, row: tuple[bool, ...]) -> tuple[Tensor, Tensor]:
        """A layer's output projection, weight and bias, after least squares on the kept heads' outputs.

        With `B = C_RK (C_KK + ridge)^-1` and the means m, the removed heads' outputs are taken to be
        `m_R + B (z_K - m_K)`; their columns of the weight are 0.
        """
        output = self.sites[layer].output
        weight, bias = matrix(output).detach().double(), output.bias.detach().double()
        size = self.subject.anatomy.head_size
        on = torch.tensor(row, device=weight.device).repeat_interleave(size)
        if not on.all():
            mean, covariance = self.layers[layer].mean, self.layers[layer].covariance
            kept = covariance[on][:, on].clone()
            if len(kept):
                kept.diagonal().add_(RIDGE * kept.diagonal().mean() + 1e-10)
            share = torch.linalg.solve(kept, covariance[on][:, ~on]).T
            bias = bias + weight[:, ~on] @ (mean[~on] - share @ mean[on])
            mended = torch.zeros_like(weight)
            mended[:, on] = weight[:, on] + weight[:, ~on] @ share
            weight = mended
        return weight.to(self.course.dtype), bias.to(self.course.dtype)

    def _row(self, mask: HeadMask, head: Head) -> tuple[bool, ...]:
        return mask.switched([head], on=not mask.rows[head[0]][head[1]]).rows[head[0]]

    def _prepared(self, mask: HeadMask) -> list[tuple[Tensor, Tensor]]:
        return [self.projection(layer, row) for layer, row in enumerate(mask.rows)]

    def _logits(self, mask: HeadMask) -> Tensor:
        prepared = self._prepared(mask)
        found = torch.zeros(self.n, len(self.subject.labels))
        for chunk in self.course.chunks:
            found[chunk.rows] = self.course.run(chunk, 0, None, prepared)[1].float().cpu()
        return found


def judge_of(subject: Subject, split: Calibration, layers: Sequence[Moments]) -> Judge | None:
    """A judge on the split; None where the family's passes cannot be packed."""
    course = course_of(subject, split, dtype_of("auto", subject.device))
    return Judge(subject, course, len(split), layers) if isinstance(course, PackedCourse) else None
