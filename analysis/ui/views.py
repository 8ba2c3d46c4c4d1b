"""Results as the pages show them: sentences, tables and pictures. No Streamlit, no computation of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures import MAGNITUDE, limits
from analysis.ui.switchboard import Colouring
from analysis.wording import amount as amount
from analysis.wording import interval as interval
from analysis.wording import percent as percent
from analysis.wording import points as points
from analysis.wording import quality as quality
from analysis.wording import standing as standing
from analysis.wording import verdict as verdict

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation
    from analysis.forecast import Forecast
    from analysis.mask import Head, HeadMask
    from analysis.models import Subject
    from analysis.profiling import Profile
    from analysis.scores import Method
    from analysis.statistics import Statistic
    from analysis.text import LabelledText
    from analysis.ui.computing import Speed

FEW = 3.0
"""Points: where only a larger change would be noticed, there are too few sentences."""


def speed_table(speed: Speed) -> pd.DataFrame:
    """Latency of each form of the model with its quartiles and its ratio to the full one."""
    latency = speed.latency
    return pd.DataFrame(
        [
            {
                "model": name,
                "median (ms)": timing.median,
                "middle half (ms)": f"{timing.low_quartile:.1f} to {timing.high_quartile:.1f}",
                "times as fast": latency.ratios[name],
                "95 % interval": "{:.2f} to {:.2f}".format(*latency.ratio_intervals[name]),
            }
            for name, timing in latency.timings.items()
        ]
    )


def cost_table(speed: Speed) -> pd.DataFrame:
    """Parameters, operations and bytes of the full and the smaller model."""
    full, pruned = speed.full, speed.pruned
    rows = [
        ("parameters (million)", full.parameters / 1e6, pruned.parameters / 1e6),
        ("of these in the layers", full.layer_parameters / 1e6, pruned.layer_parameters / 1e6),
        ("GFLOP for one batch", full.flops / 1e9, pruned.flops / 1e9),
        ("weights in memory (MB)", full.bytes / 1e6, pruned.bytes / 1e6),
    ]
    return pd.DataFrame(
        [
            {
                "": what,
                "full model": before,
                "smaller model": after,
                "change": points(100 * (after / before - 1)) + " %",
            }
            for what, before, after in rows
        ]
    )


def statistics() -> dict[str, Statistic]:
    """Every statistic; call it when the model is loaded, because it needs PyTorch."""
    from analysis.statistics import STATISTICS

    return STATISTICS


def methods() -> dict[str, Method]:
    """Every scoring method; call it when the model is loaded, because it needs PyTorch."""
    from analysis.scores import METHODS

    return METHODS


def span(statistic: Statistic) -> str:
    """A statistic's range."""
    if np.isinf(statistic.high):
        return f"{statistic.low:g} and more"
    return f"{statistic.low:g} to {statistic.high:g}"


def certainty(evaluation: Evaluation) -> str:
    """How sure an evaluation's change is and what it could have missed, in sentences."""
    from analysis.significance import detectable

    if evaluation.task.reads != "labelled texts":
        return (
            f"Intervals hold the true value in 95 of 100 samples of texts: {evaluation.task.item} of one text are not "
            "counted as independent. The change is paired. Whoever tries many masks finds good ones by luck: "
            "report on the test split."
        )
    flips = evaluation.flips
    changed = len(flips.fixed) + len(flips.broken) if flips else 0
    least = detectable(changed, evaluation.n)
    few = "**Few sentences.** " if least > FEW else ""
    return (
        f"{few}Intervals hold the true value in 95 of 100 samples of sentences; the change is paired. With this many "
        f"changed answers, {evaluation.n:,} sentences show a change of {least:.1f} points four times in five; a "
        "smaller one may hide. Whoever tries many masks finds good ones by luck: report on the test split."
    )


def splits_table(data: LabelledText) -> pd.DataFrame:
    """The splits, their sizes, and what each is for."""
    purpose = {
        "train": "training only",
        "calibration": "statistics, scores, mean outputs",
        "selection": "everything that is tried and chosen",
        "test": "the report; nothing is chosen on it",
    }
    return pd.DataFrame(
        [
            {"split": name, "sentences": len(split), "for": purpose.get(name, "")}
            for name, split in data.splits.items()
        ]
    )


def length_note(subject: Subject, tokens: int, *, is_cut: bool) -> str:
    """How many tokens of a text the model read, and whether more came after."""
    note = f"{tokens} tokens, special ones included."
    if is_cut:
        note += (
            f" The model reads {subject.max_length} tokens at most; what came after was not read."
        )
    return note


def baseline(table: pd.DataFrame, column: str) -> float | None:
    """The full model's value behind a sweep's rows in a column that tells its change; None in others."""
    from analysis.yardstick import yardstick

    changes = {
        "accuracy": "change",
        "entity_f1": "entity_f1_change",
        "perplexity": "perplexity_change",
    }
    measure = next((each for each in yardstick(table).task.measures if each.name == column), None)
    if measure is None or column not in changes:
        return None
    first, points = table.iloc[0], 100 if measure.unit == "share" else 1
    return float(first[column] - first[changes[column]] / points)


def sweep_note(table: pd.DataFrame) -> str:
    """On how much a sweep rests."""
    from analysis.yardstick import yardstick

    if (repair := str(table["repair"].iloc[0])) != "none":
        how = f"heads are removed and the rest is repaired by {repair.replace('-', ' ')}."
    else:
        off = "nothing" if table["ablation"].iloc[0] == "zero" else "its mean output"
        how = f"a head that is off contributes {off}."
    n = int(table["n"].iloc[0])
    return f"{n:,} {yardstick(table).task.item} of the selection split; {how}"


def extremes(profile: Profile, statistic: Statistic) -> str:
    """Which heads have the highest and the lowest value, in a sentence."""
    table = profile.table.sort_values(statistic.name)
    ends = [
        ", ".join(f"L{row.layer}.H{row.head}" for row in rows.itertuples())
        for rows in (table.tail(3).iloc[::-1], table.head(3))
    ]
    return f"Highest: {ends[0]}. Lowest: {ends[1]}. {profile.n:,} sentences of the {profile.split} split."


def colouring(table: pd.DataFrame, statistic: Statistic) -> Colouring:
    """A statistic as the switchboard colours its cells, from a table with a row a head."""
    low, high = limits(table, statistic)
    return Colouring(statistic.title, _grid(table, statistic.name), low, high, MAGNITUDE)


def forecasts(forecast: Forecast, mask: HeadMask, groups: Sequence[int] = ()) -> list[list[str]]:
    """What a click on each head would do to accuracy, in words.

    Args:
        forecast: effects of the heads.
        mask: which are on.
        groups: key/value heads of each layer, where a click switches all heads that share one.
    """
    if tuple(groups or mask.heads) != mask.heads:
        changes = _of_each_group(forecast, mask, groups)
    else:
        changes = forecast.of_each_click(mask)["points"].tolist()
    words = [
        f"a click would change accuracy by about {points(change)} points" for change in changes
    ]
    return [words[sum(mask.heads[:layer]) :][:count] for layer, count in enumerate(mask.heads)]


def repaired(mask: HeadMask, repair: str) -> tuple[Head, ...]:
    """The heads left on whose output projection a repair changes.

    `mean` changes the layers that lose heads, `least-squares` the lowest of them and every layer above.
    """
    lost = [layer for layer, row in enumerate(mask.rows) if not all(row)]
    if repair == "none" or not lost:
        return ()
    layers = lost if repair == "mean" else range(lost[0], len(mask.rows))
    return tuple(head for head in mask.on_heads if head[0] in layers)


def outlook(forecast: Forecast, mask: HeadMask) -> str:
    """The forecast for a mask and how far such forecasts were off, in a sentence."""
    found = forecast.of(mask)
    error = (
        "" if found.error is None else f", off by {found.error:.1f} on average for as many heads"
    )
    return f"Forecast from {len(forecast.labels)} calibration sentences: {points(found.points)} points{error}."


def map_table(weights: np.ndarray, tokens: Sequence[str]) -> pd.DataFrame:
    """A head's map as a table: a row a query token, a column a key token, each with its place."""
    keys = [f"{place} {token}" for place, token in enumerate(tokens)]
    table = pd.DataFrame(weights, columns=keys)
    table.insert(0, "query", keys)
    return table


def _of_each_group(forecast: Forecast, mask: HeadMask, groups: Sequence[int]) -> list[float]:
    """For each head the change in points when its whole group goes to the state that the head is not in."""
    before = forecast.of(mask).points
    changes = []
    for layer, row in enumerate(mask.rows):
        share = max(1, len(row) // max(groups[layer], 1))
        for head, on in enumerate(row):
            first = head - head % share
            group = [(layer, member) for member in range(first, first + share)]
            changes.append(forecast.of(mask.switched(group, on=not on)).points - before)
    return changes


def _grid(table: pd.DataFrame, column: str) -> list[list[Any]]:
    return [list(map(float, rows[column])) for _, rows in table.groupby("layer")]
