"""Results as the pages show them: sentences, tables and pictures. No Streamlit, no computation of results."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from analysis.figures import DIFFERENCE, MAGNITUDE, limits
from analysis.ui.switchboard import Colouring

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation
    from analysis.forecast import Forecast
    from analysis.mask import HeadMask
    from analysis.models import Subject
    from analysis.profiling import Maps, Profile
    from analysis.scores import Method
    from analysis.statistics import Statistic
    from analysis.text import LabelledText
    from analysis.ui.work import Speed

FEW = 3.0
"""Points: where only a larger change would be noticed, there are too few sentences."""
LARGEST_SPRITE = 4000
"""Pixels of the longer side of the picture with all maps; longer texts are drawn more coarsely."""


def percent(share: float) -> str:
    """A share of 0 to 1 as `84.2 %`."""
    return f"{100 * share:.1f} %"


def points(value: float) -> str:
    """A change in points with its sign, `−0.4`."""
    return f"{value:+.1f}".replace("-", "−")


def accuracy_interval(evaluation: Evaluation) -> str:
    """The 95 % interval of an accuracy."""
    return f"{100 * evaluation.low:.1f} to {100 * evaluation.high:.1f} %"


def verdict(evaluation: Evaluation) -> str:
    """What an evaluation says against the full model, in a sentence that does not claim too much."""
    change, flips = evaluation.change, evaluation.flips
    if change is None or flips is None:
        return f"The full model is right on {percent(evaluation.accuracy)} of {evaluation.n:,} sentences."
    if change.low > 0 or change.high < 0:
        ends = sorted((abs(change.low), abs(change.high)))
        said = (
            f"{'better' if change.low > 0 else 'worse'} than with all heads by "
            f"{abs(change.points):.1f} points ({ends[0]:.1f} to {ends[1]:.1f})"
        )
    else:
        said = (
            f"not distinguishable from the full model on these {evaluation.n:,} sentences: "
            f"{points(change.points)} points ({points(change.low)} to {points(change.high)})"
        )
    return (
        f"With {evaluation.heads_on} of {evaluation.heads_total} heads the model is {said}. "
        f"{len(flips.broken)} answers became wrong, {len(flips.fixed)} became right."
    )


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


def length_note(subject: Subject, tokens: tuple[str, ...]) -> str:
    """How long a text is, and whether the model had to cut it."""
    note = f"{len(tokens)} tokens, special ones included."
    if len(tokens) >= subject.max_length:
        note += (
            f" The model reads {subject.max_length} tokens at most; what came after was not read."
        )
    return note


def baseline(table: pd.DataFrame) -> float:
    """The full model's accuracy behind a sweep's rows, 0 to 1."""
    first = table.iloc[0]
    return float(first["accuracy"] - first["change"] / 100)


def sweep_note(table: pd.DataFrame) -> str:
    """On how much a sweep rests."""
    return (
        f"{int(table['n'].iloc[0]):,} sentences of the selection split; a head that is off "
        f"contributes {'nothing' if table['ablation'].iloc[0] == 'zero' else 'its mean output'}."
    )


def extremes(profile: Profile, statistic: Statistic) -> str:
    """Which heads have the highest and the lowest value, in a sentence."""
    table = profile.table.sort_values(statistic.name)
    ends = [
        ", ".join(f"L{row.layer}.H{row.head}" for row in rows.itertuples())
        for rows in (table.tail(3).iloc[::-1], table.head(3))
    ]
    return f"Highest: {ends[0]}. Lowest: {ends[1]}. {profile.n:,} sentences of the {profile.split} split."


def colouring(profile: Profile, statistic: Statistic) -> Colouring:
    """A statistic as the switchboard colours its cells."""
    low, high = limits(profile.table, statistic)
    return Colouring(statistic.title, _grid(profile.table, statistic.name), low, high, MAGNITUDE)


def forecasts(forecast: Forecast, mask: HeadMask) -> list[list[str]]:
    """What switching each head over would do to accuracy, in words."""
    table = forecast.of_each_click(mask)
    words = [
        f"a click would change accuracy by about {points(change)} points"
        for change in table["points"].tolist()
    ]
    return [words[sum(mask.heads[:layer]) :][:count] for layer, count in enumerate(mask.heads)]


def outlook(forecast: Forecast, mask: HeadMask) -> str:
    """The forecast for a mask and how far such forecasts were off, in a sentence."""
    found = forecast.of(mask)
    error = (
        "" if found.error is None else f", off by {found.error:.1f} on average for as many heads"
    )
    return f"Forecast from {len(forecast.labels)} calibration sentences: {points(found.points)} points{error}."


def map_of(maps: tuple[Maps, Maps], head: tuple[int, int], what: str) -> np.ndarray:
    """One head's map `[query, key]`: `all heads`, `under the mask`, or their `difference`."""
    full, masked = (pair.weights[head[0]][head[1]].float().numpy() for pair in maps)
    return {"all heads": full, "under the mask": masked, "difference": masked - full}[what]


def map_table(weights: np.ndarray, tokens: Sequence[str]) -> pd.DataFrame:
    """A head's map as a table: a row a query token, a column a key token, each with its place."""
    keys = [f"{place} {token}" for place, token in enumerate(tokens)]
    table = pd.DataFrame(weights, columns=keys)
    table.insert(0, "query", keys)
    return table


def sprite(maps: tuple[Maps, Maps], what: str) -> str:
    """One picture with the maps of all heads, layers downwards, as a data URL of a PNG.

    Each map is drawn on a scale of its own, from 0 to its largest weight.
    """
    full = maps[0]
    columns = max(len(layer) for layer in full.weights)
    n = len(full.tokens)
    step = max(1, -(-n * max(columns, len(full.weights)) // LARGEST_SPRITE))
    side = -(-n // step)
    pixels = np.zeros((side * len(full.weights), side * columns), dtype=np.uint8)
    for layer, weights in enumerate(full.weights):
        for head in range(len(weights)):
            tile = _levels(map_of(maps, (layer, head), what), what == "difference", step)
            pixels[layer * side : (layer + 1) * side, head * side : (head + 1) * side] = tile
    image = Image.fromarray(pixels, mode=None).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette(_palette(DIFFERENCE if what == "difference" else MAGNITUDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _levels(weights: np.ndarray, is_difference: bool, step: int) -> np.ndarray:
    """A map as 0 to 255; every `step` tokens become one pixel, their largest."""
    n = len(weights)
    padding = -n % step
    padded = np.pad(weights, ((0, padding), (0, padding)))
    side = len(padded) // step
    blocks = padded.reshape(side, step, side, step).transpose(0, 2, 1, 3).reshape(side, side, -1)
    chosen = np.abs(blocks).argmax(-1)[..., None]
    coarse = np.take_along_axis(blocks, chosen, -1)[..., 0]
    far = max(float(np.abs(coarse).max()), 1e-6)
    shares = (coarse / far + 1) / 2 if is_difference else coarse / far
    return np.round(255 * shares).clip(0, 255).astype(np.uint8)


def _palette(scale: list[str]) -> list[int]:
    stops = np.array([[int(c[p : p + 2], 16) for p in (1, 3, 5)] for c in scale], dtype=float)
    places = np.linspace(0, len(scale) - 1, 256)
    channels = [np.interp(places, np.arange(len(scale)), stops[:, c]) for c in range(3)]
    return np.stack(channels, 1).round().astype(int).ravel().tolist()


def _grid(table: pd.DataFrame, column: str) -> list[list[Any]]:
    return [list(map(float, rows[column])) for _, rows in table.groupby("layer")]
