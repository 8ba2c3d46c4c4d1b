"""Pictures with axes: accuracy against heads removed, and changes with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.figures import CATEGORIES
from analysis.report.svg import element, line, path, picture, words
from analysis.wording import points

if TYPE_CHECKING:
    import pandas as pd

    from analysis.report.findings import Measured

WIDTH, HEIGHT = 760.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 16.0, 12.0, 44.0
"""Pixels between the picture's edges and its axes."""
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4")
ROW = 30.0
"""Pixels of a row of intervals."""

Scale = Callable[[float], float]


def curve(
    table: pd.DataFrame, titles: Mapping[str, str], baseline: float, plan: tuple[float, float]
) -> str:
    """Accuracy against the share of heads removed, a line a method; random is a band.

    Args:
        table: rows of a sweep, with `method`, `fraction` and `accuracy`.
        titles: name of each method, for people.
        baseline: accuracy of the full model, 0 to 1.
        plan: share of heads that the plan removes, and its accuracy, both 0 to 1.
    """
    lowest = min(float(table["accuracy"].min()), plan[1])
    low, high = _ends(100 * lowest, 100 * max(baseline, plan[1], float(table["accuracy"].max())))
    across = _scale(0, 100, LEFT, WIDTH - RIGHT)
    upwards = _scale(low, high, HEIGHT - BOTTOM, TOP)
    drawn = _axes(across, upwards, _ticks(low, high))
    drawn += [_dotted(upwards(100 * baseline)), *_band(table, across, upwards)]
    shown = [method for method in table["method"].unique() if method != "random"]
    for place, method in enumerate(shown):
        rows = table[table["method"] == method].sort_values("fraction")
        colour, dash = CATEGORIES[place % len(CATEGORIES)], DASHES[place % len(DASHES)]
        places = [
            (across(100 * fraction), upwards(100 * accuracy))
            for fraction, accuracy in rows[["fraction", "accuracy"]].itertuples(index=False)
        ]
        drawn.append(path(places, stroke=colour, stroke_width=2.2, stroke_dasharray=dash or None))
    drawn.append(_star(across(100 * plan[0]), upwards(100 * plan[1])))
    keys = [(titles.get(method, method), place) for place, method in enumerate(shown)]
    drawn += _keys(keys, has_random="random" in set(table["method"]))
    label = f"Accuracy against heads removed; the plan removes {plan[0]:.0%} and is right on {plan[1]:.1%}"
    return picture(WIDTH, HEIGHT + 24, label, *drawn)


def changes(rows: Sequence[Measured]) -> str:
    """The change of accuracy of each form of the model, with its interval, around a line at zero."""
    known = [(row, row.change) for row in rows if row.change is not None]
    low, high = _ends(
        min(change.low for _, change in known), max([0.0, *(change.high for _, change in known)])
    )
    across = _scale(low, high, 250, WIDTH - 70)
    height = ROW * len(known)
    drawn = [line(across(0), 0, across(0), height, stroke_dasharray="3 3", stroke_opacity=0.7)]
    for place, (row, change) in enumerate(known):
        y = ROW * (place + 0.5)
        drawn += [
            words(0, y + 4, f"{row.form}, {row.split}"),
            line(across(change.low), y, across(change.high), y, stroke="#0072B2", stroke_width=3),
            element("circle", cx=across(change.points), cy=y, r=5, fill="#0072B2"),
            words(WIDTH, y + 4, points(change.points), text_anchor="end"),
        ]
    drawn += [
        words(across(tick), height + 16, f"{tick:g}", font_size=11, text_anchor="middle")
        for tick in _ticks(low, high)
    ]
    drawn.append(words(across(low), height + 32, "change of accuracy in points", font_size=11))
    label = "Change of accuracy: " + "; ".join(
        f"{row.form} on {row.split} {points(c.points)} ({points(c.low)} to {points(c.high)})"
        for row, c in known
    )
    return picture(WIDTH, height + 38, label, *drawn)


def _axes(across: Scale, upwards: Scale, ticks: Sequence[float]) -> list[str]:
    drawn = []
    for tick in ticks:
        drawn.append(line(LEFT, upwards(tick), WIDTH - RIGHT, upwards(tick), stroke_opacity=0.15))
        drawn.append(
            words(LEFT - 6, upwards(tick) + 4, f"{tick:g}", font_size=11, text_anchor="end")
        )
    for tick in range(0, 101, 20):
        drawn.append(
            words(across(tick), HEIGHT - BOTTOM + 16, str(tick), font_size=11, text_anchor="middle")
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    drawn.append(words(middle, HEIGHT - BOTTOM + 34, "heads removed (%)", text_anchor="middle"))
    drawn.append(words(LEFT + 4, TOP + 8, "accuracy (%)", font_size=11))
    return drawn


def _band(table: pd.DataFrame, across: Scale, upwards: Scale) -> list[str]:
    random = table[table["method"] == "random"]
    if random.empty:
        return []
    by_share = random.groupby("fraction")["accuracy"]
    x = [across(100 * share) for share in sorted(random["fraction"].unique())]
    low, high = ([upwards(100 * value) for value in by_share.quantile(q)] for q in (0.05, 0.95))
    around = [*zip(x, high, strict=True), *reversed([*zip(x, low, strict=True)])]
    return [path(around, closed=True, fill="#7F7F7F", fill_opacity=0.25)]


def _dotted(y: float) -> str:
    return line(LEFT, y, WIDTH - RIGHT, y, stroke_dasharray="2 4", stroke_opacity=0.7)


def _star(x: float, y: float) -> str:
    return words(x, y + 8, "★", font_size=24, text_anchor="middle", fill="#D55E00")


def _keys(lines: Sequence[tuple[str, int]], *, has_random: bool) -> list[str]:
    drawn, x, y = [], LEFT, HEIGHT + 14
    for title, place in lines:
        colour, dash = CATEGORIES[place % len(CATEGORIES)], DASHES[place % len(DASHES)]
        drawn.append(
            line(
                x,
                y - 4,
                x + 22,
                y - 4,
                stroke=colour,
                stroke_width=2.5,
                stroke_dasharray=dash or None,
            )
        )
        drawn.append(words(x + 27, y, title, font_size=11))
        x += 44 + 6.2 * len(title)
    if has_random:
        drawn.append(
            element("rect", x=x, y=y - 10, width=22, height=11, fill="#7F7F7F", fill_opacity=0.35)
        )
        drawn.append(words(x + 27, y, "random, 90 %", font_size=11))
        x += 110
    drawn += [
        words(x, y, "★", font_size=15, fill="#D55E00"),
        words(x + 18, y, "this plan", font_size=11),
    ]
    return drawn


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _ends(low: float, high: float) -> tuple[float, float]:
    room = max(0.06 * (high - low), 0.2)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers between the ends."""
    rough = (high - low) / 5
    size = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 0.1
    step = next((size * factor for factor in (1, 2, 5, 10) if size * factor >= rough), size * 10)
    first = -(-low // step) * step
    return [round(first + step * k, 6) for k in range(int((high - first) / step) + 1)]
