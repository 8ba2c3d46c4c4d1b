"""How much of what removing heads cost the repair won back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.measures import Measured


@dataclass(frozen=True)
class Recovery:
    """A task's first measure without and with repair, on the same texts.

    Amounts count what is worse as positive, whichever way the measure runs: in points (hundredths) for shares,
    else in the measure's unit.
    """

    measure: str
    """The measure's title inside a sentence."""
    unit: str
    """The amounts' unit; empty where the measure has none."""
    lost: float
    """What removing the heads cost, against the full model."""
    regained: float
    """What the repair won back of it; negative when the repaired model is the worse one."""
    low: float
    """Lower end of the 95 % interval of `regained`, paired over texts."""
    high: float
    """Upper end of it."""

    @classmethod
    def of(cls, removed: Measured, repaired: Measured) -> Recovery:
        """From the removed model's change against the full one, and the repaired one's against the removed.

        Both must carry a change.
        """
        assert removed.change is not None
        assert repaired.change is not None
        measure = removed.measure
        sign = 1 if measure.higher_is_better else -1
        ends = sorted((sign * repaired.change.low, sign * repaired.change.high))
        unit = "points" if measure.unit == "share" else measure.unit
        lost, regained = -sign * removed.change.points, sign * repaired.change.points
        return cls(removed.title, unit, lost, regained, *ends)

    @property
    def share(self) -> float | None:
        """Share of the loss that is won back: 1 is all of it; None where nothing was lost."""
        return self.regained / self.lost if self.lost > 0 else None

    @property
    def sentence(self) -> str:
        """The recovery in one sentence."""
        amount = self._told(abs(self.regained))
        ends = f"{self.low:+.2f} to {self.high:+.2f}".replace("-", "−")
        interval = f"{ends} for the better, 95 % interval"
        if self.share is None:
            direction = "better" if self.regained >= 0 else "worse"
            return (
                f"Removing alone did not make {self.measure} worse, so there was nothing to win back; with repair it "
                f"is {direction} by {amount} ({interval})."
            )
        cost = f"Removing alone made {self.measure} worse by {self._told(self.lost)}"
        if self.regained < 0:
            return f"{cost}; repair made it worse by {amount} more ({interval})."
        return (
            f"{cost}; repair won back {amount} ({interval}), {100 * self.share:.0f} % of the loss."
        )

    def _told(self, amount: float) -> str:
        return f"{amount:.2f} {self.unit}".strip()
