"""What a click would do, before it is clicked: a model of the gates that answers in milliseconds.

Each head's effect on the logits of every calibration sentence is measured once; a mask's logits are
forecast as the full model's plus the effects of the heads that are off, and loss and accuracy follow from
those logits exactly. Linear in the logits and exact in the loss, this is the Gauss-Newton (second order)
model of the loss in the gates. What it leaves out is that heads can stand in for each other: it errs more
the more heads are off. The error is measured on random masks and told with every forecast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from analysis.errors import MaskError
from analysis.gradients import GateGradients
from analysis.mask import Head, HeadMask
from analysis.neighbours import Neighbours
from analysis.progress import Step
from analysis.protocol import unchosen
from analysis.replay import Replay

SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
"""Shares of heads off at which the error is measured."""
DRAWS = 3
"""Random masks a share."""


@dataclass(frozen=True)
class Outlook:
    """A forecast for one mask, against the full model."""

    loss: float
    """Change of the loss, in nats."""
    points: float
    """Change of accuracy, in points."""
    error: float | None
    """How far forecasts for as many heads were from the truth on random masks, root mean square, in points;
    None when that has not been measured."""


@dataclass(frozen=True)
class Miss:
    """One forecast held against the truth."""

    heads_off: int
    loss: float
    """Forecast minus exact change of the loss, in nats."""
    points: float
    """Forecast minus exact change of accuracy, in points."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Effects of all heads on the logits of some sentences."""

    heads: tuple[Head, ...]
    effects: Tensor
    """Change of the logits when one head is switched off, `[heads, n, classes]`."""
    logits: Tensor
    """The full model's logits, `[n, classes]`."""
    labels: Tensor
    """True labels, `[n]`."""
    source: str
    """`gradient`: effects from one backward pass; `measured`: from switching each head off once, so that
    a forecast for one head is exact on these sentences."""
    misses: tuple[Miss, ...] = ()

    def of(self, mask: HeadMask) -> Outlook:
        """The forecast for a mask.

        Raises:
            MaskError: the mask is of another model.
        """
        off = self._off(mask)
        loss, points = self._changes(self.logits + torch.einsum("h,hnc->nc", off, self.effects))
        return Outlook(float(loss), float(points), self.error(int(off.sum())))

    def of_each_click(self, mask: HeadMask) -> pd.DataFrame:
        """What switching each head over would change, on top of a mask.

        Returns:
            One row a head: `layer`, `head`, `loss` (nats) and `points`, against the mask as it is.

        Raises:
            MaskError: the mask is of another model.
        """
        off = self._off(mask)
        here = self.logits + torch.einsum("h,hnc->nc", off, self.effects)
        sign = (
            1 - 2 * off
        )  # a head that is on would add its effect, one that is off would take it back
        loss, points = self._changes(here + sign[:, None, None] * self.effects)
        loss_here, points_here = self._changes(here)
        return pd.DataFrame(
            {
                "layer": [layer for layer, _ in self.heads],
                "head": [head for _, head in self.heads],
                "loss": (loss - loss_here).numpy(),
                "points": (points - points_here).numpy(),
            }
        )

    def error(self, heads_off: int) -> float | None:
        """Root mean square error in points for that many heads off, between the sizes measured."""
        if not self.misses:
            return None
        table = pd.DataFrame([(miss.heads_off, miss.points**2) for miss in self.misses])
        by_size = table.groupby(0)[1].mean() ** 0.5
        sizes, errors = by_size.index.to_numpy(), by_size.to_numpy()
        return float(np.interp(heads_off, [0, *sizes], [0, *errors]))

    def checked(self, mask: HeadMask, loss: float, points: float) -> Forecast:
        """A copy that has learned how far it was off for a mask whose exact changes are known."""
        found = self.of(mask)
        miss = Miss(len(mask.off_heads), found.loss - loss, found.points - points)
        return replace(self, misses=(*self.misses, miss))

    def _off(self, mask: HeadMask) -> Tensor:
        if HeadMask.full(mask).on_heads != self.heads:
            raise MaskError(
                f"the mask has {mask.heads} heads a layer, the forecast is of another model"
            )
        return torch.tensor([not on for row in mask.rows for on in row], dtype=torch.float32)

    def _changes(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Changes of loss and accuracy against the full model, for logits `[..., n, classes]`."""
        loss, accuracy = _judged(logits, self.labels)
        before_loss, before_accuracy = _judged(self.logits, self.labels)
        return loss - before_loss, 100 * (accuracy - before_accuracy)


def from_gradients(gradients: GateGradients, heads: tuple[Head, ...]) -> Forecast:
    """A forecast from derivatives alone: ready after one backward pass a class.

    Args:
        gradients: derivatives with their jacobian.
        heads: all heads of the model, by layer, then head.
    """
    assert gradients.jacobian is not None, "differentiate with jacobian=True"
    effects = -gradients.jacobian.permute(2, 0, 1)
    return Forecast(heads, effects.contiguous(), gradients.logits, gradients.labels, "gradient")


def from_neighbours(neighbours: Neighbours, logits: Tensor) -> Forecast:
    """A forecast from leave-one-out predictions of the full model.

    Args:
        neighbours: predictions without each head.
        logits: the full model's logits on the same sentences, `[n, classes]`.
    """
    assert neighbours.logits is not None, "forecasts are made for classifiers of texts"
    effects = neighbours.logits - logits
    return Forecast(neighbours.heads, effects, logits, neighbours.labels, "measured")


def foreseeing(replay: Replay) -> Iterator[Step[Forecast]]:
    """Switch every head off once, then hold the forecast that follows against random masks.

    The forecast is there when every head has been off; the later steps add how far it was off.

    Args:
        replay: calibration sentences; the time goes with their number.

    Raises:
        ProtocolError: they are test sentences.
    """
    unchosen(replay.split.name, "forecasts of every head")
    logits = None
    for full in replay.evaluating():
        logits = full.result.predictions.logits if full.result else None
        yield Step(full.done, full.total, full.unit)
    assert logits is not None
    known = None
    for step in replay.without_each():
        if step.result is not None:
            known = from_neighbours(step.result, logits)
        yield Step(step.done, step.total, step.unit, known)
    assert known is not None
    yield from measuring(known, replay)


def measuring(forecast: Forecast, replay: Replay, *, seed: int = 0) -> Iterator[Step[Forecast]]:
    """Hold the forecast against the truth on random masks, `DRAWS` of each share in `SHARES`.

    Args:
        forecast: the forecast.
        replay: the same sentences.
        seed: of the draw.

    Returns:
        Steps whose result is the forecast with the misses found so far.
    """
    generator = np.random.default_rng(seed)
    full = HeadMask.full(replay.subject.anatomy)
    sizes = [max(1, round(share * full.heads_total)) for share in SHARES for _ in range(DRAWS)]
    for done, size in enumerate(sizes, start=1):
        drawn = generator.choice(full.heads_total, size, replace=False)
        mask = full.switched([forecast.heads[number] for number in drawn], on=False)
        found = replay.evaluate(mask, keep=False)
        assert found.baseline is not None
        assert found.change is not None
        forecast = forecast.checked(mask, found.loss - found.baseline.loss, found.change.points)
        yield Step(done, len(sizes), "masks", forecast)


def _judged(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and accuracy over the sentences, for logits `[..., n, classes]`."""
    chances = logits.log_softmax(-1)
    right = labels.expand(logits.shape[:-1])[..., None]
    loss = -chances.gather(-1, right)[..., 0].mean(-1)
    return loss, (logits.argmax(-1) == labels).float().mean(-1)
