"""What a sweep found and on which sentences, as a value that a choice can rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

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


@dataclass(frozen=True, eq=False)
class Swept:
    """A whole sweep together with the split that it measured on, made by `sweep.swept` alone.

    The split is the object that was measured on, not a name in a table: what is written into a copy of the table
    says nothing here.
    """

    split: Split
    rows: Sequence[Row]
    """A tuple, in the table's order."""

    @classmethod
    def of(cls, shape: HasHeads, split: Split, table: pd.DataFrame) -> Swept:
        """The rows of a finished table.

        Args:
            shape: of the model.
            split: what the table was measured on.
            table: as `sweep.sweep` returns it.
        """
        rows = (
            Row(
                str(row.method),
                float(row.fraction),  # type: ignore[arg-type]
                float(row.accuracy),  # type: ignore[arg-type]
                float(row.loss),  # type: ignore[arg-type]
                HeadMask.decode(shape, str(row.mask)),
            )
            for row in table.itertuples()
        )
        return cls(split, tuple(rows))
