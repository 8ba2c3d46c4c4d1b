"""How long what remains of a sweep will take."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from analysis.progress import UNKNOWN


@dataclass
class Pace:
    """How long what remains will take, by what each kind of row has taken so far."""

    left: dict[str, int]
    spent: dict[str, list[float]] = field(default_factory=dict)

    def done(self, kind: str, seconds: float | None) -> None:
        """A row is done; it took no time if it was read from the journal (None)."""
        self.left[kind] -= 1
        if seconds is not None:
            self.spent.setdefault(kind, []).append(seconds)

    @property
    def remaining(self) -> float:
        """Seconds; `UNKNOWN` while a kind of row that is still to come has never been timed."""
        total = 0.0
        for kind, left in self.left.items():
            if left and kind not in self.spent:
                return UNKNOWN
            if left:
                recent = self.spent[kind][-20:]  # the machine may have become slower meanwhile
                total += left * median(recent)  # the first row of a kind pays for all
        return total
