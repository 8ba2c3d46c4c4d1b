"""One head among the others: the percentile of each of its statistics, and what they say in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from analysis.errors import MaskError
from analysis.intervals import Z
from analysis.mask import Head, name
from analysis.significance import percentile
from analysis.statistics import Statistic


@dataclass(frozen=True)
class Wording:
    """How a statistic's value is said."""

    what: str
    """What the head does, with a place for the value."""
    more: str
    """How it differs from heads with a lower value."""
    less: str
    """How it differs from heads with a higher value."""
    is_share: bool = True
    """Written in per cent."""


WORDINGS: dict[str, Wording] = {
    "entropy": Wording(
        "spreads its attention {} as widely as it could", "more diffuse", "more focused"
    ),
    "sparsity": Wording("ignores {} of the tokens", "more", "fewer"),
    "hoyer": Wording(
        "has a Hoyer sparsity of {}", "more concentrated", "less concentrated", is_share=False
    ),
    "confidence": Wording(
        "gives the token it likes best {} of its attention", "more decided", "less decided"
    ),
    "distance": Wording("looks {} tokens away on average", "further", "nearer", is_share=False),
    "self": Wording("looks at the token itself {} of the time", "more", "less"),
    "previous": Wording("looks at the previous token {} of the time", "more", "less"),
    "next": Wording("looks at the next token {} of the time", "more", "less"),
    "cls": Wording("looks at the classification token {} of the time", "more", "less"),
    "sep": Wording("looks at the separator {} of the time", "more", "less"),
    "punctuation": Wording("looks at punctuation {} of the time", "more", "less"),
    "output_norm": Wording(
        "adds a vector of length {} to each token", "longer", "shorter", is_share=False
    ),
    "similarity": Wording(
        "has maps that are {} alike, as a cosine, to those of the nearest head of its layer",
        "more alike",
        "less alike",
        is_share=False,
    ),
}
"""By statistic. A statistic that is not here is said by its title."""


@dataclass(frozen=True)
class Standing:
    """Where one head stands among all heads of its model by one statistic."""

    statistic: Statistic
    value: float
    error: float
    """Standard error of the value over sentences; NaN where it is not known."""
    percentile: float
    """Share of the other heads with a lower value, 0 to 100, equal ones counting half; NaN without others."""

    @property
    def oddity(self) -> float:
        """How far from the middle of the heads it stands, 0 to 50."""
        return 0.0 if math.isnan(self.percentile) else abs(self.percentile - 50)

    @property
    def sentence(self) -> str:
        """The standing in plain words, with twice the standard error."""
        wording = WORDINGS.get(
            self.statistic.name,
            Wording(f"{self.statistic.title}: {{}}", "more", "less", is_share=False),
        )
        said = wording.what.format(_value(self, wording))
        if math.isnan(self.percentile):
            return f"{said}; there is no other head to compare with"
        comparison = wording.more if self.percentile >= 50 else wording.less
        share = max(self.percentile, 100 - self.percentile)
        than = "every other head" if share == 100 else f"{math.floor(share)} % of the other heads"
        return f"{said}: {comparison} than {than}"


def standings(
    table: pd.DataFrame, statistics: Iterable[Statistic], head: Head
) -> tuple[Standing, ...]:
    """Where a head stands by each statistic, the most unusual first.

    A statistic by which all heads are equal (attention on a token that the model does not have) says
    nothing about one of them and is left out, unless there is a single head.

    Args:
        table: one row a head: `layer`, `head`, each statistic and its standard error `<name>_se`.
        statistics: which of them.
        head: the head.

    Raises:
        MaskError: the head is not in the table.
    """
    is_it = (table["layer"] == head[0]) & (table["head"] == head[1])
    if not is_it.any():
        raise MaskError(f"there is no head {name(head)} in this model")
    found = []
    for statistic in statistics:
        column = table[statistic.name]
        if len(table) > 1 and column.nunique() == 1:
            continue
        found.append(
            Standing(
                statistic,
                float(column[is_it].iloc[0]),
                float(table[f"{statistic.name}_se"][is_it].iloc[0]),
                percentile(float(column[is_it].iloc[0]), column[~is_it].tolist()),
            )
        )
    return tuple(sorted(found, key=lambda standing: -standing.oddity))


def _value(standing: Standing, wording: Wording) -> str:
    factor, unit = (100, " %") if wording.is_share else (1, "")
    value, spread = factor * standing.value, Z * factor * standing.error
    places = 0 if wording.is_share and value >= 10 else 1 if value >= 1 else 2
    told = f"{value:.{places}f}{unit}"
    return told if math.isnan(spread) else f"{told} (± {spread:.{max(places, 1)}f})"
