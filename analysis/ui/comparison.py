"""What the curves page compares and how: a value made of the session's choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis import __version__
from analysis.errors import PlaceError
from analysis.journal import key_of
from analysis.places import cache_dir

FRACTIONS = ("0.05", "0.1", "0.2", "0.25", "0.3", "0.4", "0.5", "0.6", "0.75", "0.8", "0.9")
"""Shares of heads removed that can be chosen."""
USUAL = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Those of the first look."""
MASKS = ("20", "100")
"""Random masks at each share: a method is placed in their distribution, more finely in the larger one."""
EVERY = "all"
"""The choice of all sentences."""


@dataclass(frozen=True)
class Comparison:
    """A sweep as it is asked for."""

    methods: tuple[str, ...]
    limit: int | None = None
    """Texts of the selection split at most."""
    ablation: str = "zero"
    timed: bool = False
    fractions: tuple[float, ...] = USUAL
    masks: int = int(MASKS[0])
    repair: str = "none"
    tuned: bool = False

    @classmethod
    def asked(cls, choices: Mapping[str, str]) -> Comparison:
        """What the choices of a session ask for; numbers that cannot be chosen are as usual, or left out."""
        shares = {float(each) for each in choices["fractions"].split() if each in FRACTIONS}
        limit, masks = choices["sentences"], choices["masks"]
        return cls(
            tuple(choices["methods"].split()),
            int(limit) if limit.isdecimal() else None,
            choices["ablation"] if choices["curve_repair"] == "none" else "zero",
            choices["timed"] == "on",
            tuple(sorted(shares)),
            int(masks if masks in MASKS else MASKS[0]),
            choices["curve_repair"],
            choices["tuned"] == "on",
        )

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for comparisons with equal results, whatever the order of their methods."""
        return tuple({**asdict(self), "methods": tuple(sorted(self.methods))}.values())

    @property
    def options(self) -> dict[str, Any]:
        """As `sweep.sweeping` takes them."""
        return {
            "limit": self.limit,
            "ablations": (self.ablation,),
            "timed": self.timed,
            "fractions": self.fractions,
            "seeds": tuple(range(self.masks)),
            "repairs": (self.repair,),
            "tuned": self.tuned,
        }

    def place(self, source: str, computer: str) -> Path | None:
        """Where rows are kept as they come, so that one that was stopped goes on; None where nothing can be.

        All comparisons of a source share it, so that one more method or share measures what is new alone. Another
        version of Headcount measures anew, and so does another computer where latency is measured.

        Args:
            source: key of the weights and the sentences.
            computer: what a latency belongs to (`measuring.computer`).
        """
        where = computer if self.timed else ""
        try:
            return cache_dir() / "sweeps" / f"{key_of(__version__, source, where)}.journal"
        except PlaceError:
            return None
