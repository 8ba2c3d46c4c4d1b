"""What a sweep found and on which sentences, as a value that a choice can rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass

import pandas as pd

from analysis.errors import ProtocolError
from analysis.mask import HasHeads, HeadMask
from analysis.text import Split


@dataclass(frozen=True)
class Row:
    """A mask that was measured."""

    method: str
    fraction: float
    """Share of heads removed, 0 to 1."""
    accuracy: float
    """0 to 1."""
    loss: float
    """Mean cross-entropy in nats."""
    mask: HeadMask
    ablation: str = "zero"
    """What its heads contributed while it was measured."""
    repair: str = "none"
    """What was done after they were removed."""


_MADE = object()
"""Whoever has it made the sweep."""


@dataclass(frozen=True, eq=False)
class Swept:
    """A whole sweep together with the split that it measured on, made by `sweep.swept` alone.

    The split is the object that was measured on, not a name in a table: what is written into a copy of the table
    says nothing here, and neither this value nor a copy with another split can be made by anybody else.

    Raises:
        ProtocolError: it is made by something else than `sweep.swept`.
    """

    split: Split
    rows: Sequence[Row]
    """A tuple, in the table's order."""
    made: InitVar[object] = None

    def __post_init__(self, made: object) -> None:
        if made is not _MADE:
            raise ProtocolError(
                "what was swept is made by sweep.swept alone: a copy with other sentences or rows proves nothing"
            )

    @classmethod
    def _of(cls, shape: HasHeads, split: Split, table: pd.DataFrame) -> Swept:
        """The rows of a finished table; for `sweep.swept`, which has just measured them on this split."""
        rows = (
            Row(
                str(row.method),
                float(row.fraction),  # type: ignore[arg-type]
                float(row.accuracy),  # type: ignore[arg-type]
                float(row.loss),  # type: ignore[arg-type]
                HeadMask.decode(shape, str(row.mask)),
                str(row.ablation),
                str(row.repair),
            )
            for row in table.itertuples()
        )
        return cls(split, tuple(rows), _MADE)
