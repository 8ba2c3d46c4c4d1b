"""The tables of the reproduction, as Markdown, and how its rows are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.scores import METHODS
from analysis.significance import mcnemar, non_inferiority
from analysis.sweep_table import unpack

TESTED = (0.25, 0.5)
"""Moderate rates, at which every claim is tested."""
MARGINS = (1.0, 0.5)
"""Points of accuracy whose loss counts as negligible, and as none."""


def listing(table: pd.DataFrame) -> str:
    """The change of accuracy of every method at the tested fractions, as Markdown."""
    return _by_method(table, _cell)


def luck(test: pd.DataFrame) -> str:
    """Every method's place among random masks, and p against the median one, as Markdown."""
    return _by_method(test[test["method"] != "random"], _placed)


def _by_method(table: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> str:
    """A line a method, a column a tested fraction with and without repair."""
    lines = [["method", *(f"{f:.0%}, {r}" for f in TESTED for r in ("no repair", "least squares"))]]
    lines.append(["---"] * len(lines[0]))
    for method in dict.fromkeys(table["method"]):
        found = (
            rows_of(table, method, fraction, repair)
            for fraction in TESTED
            for repair in ("none", "least-squares")
        )
        lines.append([METHODS[method].title, *map(cell, found)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _placed(rows: pd.DataFrame) -> str:
    if rows.empty or rows["p_random_holm"].isna().all():
        return ""
    row = rows.iloc[0]
    return f"{row['percentile']:.0f}, {row['p_random_holm']:.2g}"


def grid(test: pd.DataFrame) -> str:
    """Accuracy of every method at every fraction, then inference time and operations, as Markdown."""
    bare = test[test["repair"] == "none"]
    fractions = sorted(bare["fraction"].unique())
    lines = [
        ["method", *(f"{fraction:.0%}" for fraction in fractions)],
        ["---"] * (len(fractions) + 1),
    ]
    by = bare.groupby(["method", "fraction"], sort=False)["accuracy"].median()
    for method in dict.fromkeys(bare["method"]):
        cells = [f"{100 * by[method, fraction]:.1f}" for fraction in fractions]
        title = METHODS[method].title + (", median" if method == "random" else "")
        lines.append([title, *cells])
    for title, column, form in (
        ("times faster, median mask", "latency_ratio", "{:.2f}"),
        ("operations left", "flops_ratio", "{:.1%}"),
    ):
        middle = bare.groupby("fraction")[column].median()
        lines.append([f"*{title}*", *(form.format(middle[fraction]) for fraction in fractions)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def costs(rankings: Sequence[Mapping[str, Any]]) -> str:
    """Passes and seconds of every method, as Markdown."""
    lines = ["| method | passes | seconds | setting |", "| --- | --- | --- | --- |"]
    seen: set[str] = set()
    for each in rankings:
        name = str(each["ranking"])
        if name not in seen:
            setting = each["setting"]
            tuned = "" if setting is None else ", ".join(f"{weight:.2g}" for weight in setting)
            cost = METHODS[name].cost
            lines.append(f"| {METHODS[name].title} | {cost} | {each['seconds']:.1f} | {tuned} |")
        seen.add(name)
    return "\n".join(lines)


def margins(test: pd.DataFrame) -> str:
    """Which losses are negligible at each margin, after least squares, as Markdown."""
    lines = [["method"], ["---"]]
    for fraction in TESTED:
        lines[0] += [f"{fraction:.0%}: change", *(f"within {margin:g}?" for margin in MARGINS)]
    lines[1] += ["---"] * (len(lines[0]) - 1)
    for method in dict.fromkeys(test["method"]):
        cells = [METHODS[method].title]
        for fraction in TESTED:
            rows = rows_of(test, method, fraction, "least-squares")
            if len(rows) != 1:
                continue
            cells += [_cell(rows), *(_within(rows.iloc[0], margin) for margin in MARGINS)]
        if len(cells) == len(lines[0]):
            lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _within(row: Any, margin: float) -> str:
    found = non_inferiority(int(row["fixed"]), int(row["broken"]), int(row["n"]), margin)
    if found.decided == "undecided":
        return "no number would show it" if found.needed is None else f"{found.needed:,} needed"
    return {"negligible": "yes", "not negligible": "no"}[found.decided]


def rows_of(table: pd.DataFrame, method: str, fraction: float, repair: str) -> pd.DataFrame:
    """All rows of a method at a fraction after a repair."""
    return table[
        (table["method"] == method) & (table["fraction"] == fraction) & (table["repair"] == repair)
    ]


def one(table: pd.DataFrame, method: str, fraction: float, repair: str) -> Any:
    """The only row of them."""
    return rows_of(table, method, fraction, repair).iloc[0]


def paired(mine: Any, other: Any) -> float:
    """McNemar's exact p between two rows on the same sentences."""
    left, right = (unpack(row["right"], int(row["n"])) for row in (mine, other))
    return mcnemar(int((left & ~right).sum()), int((~left & right).sum()))


def named(method: str, repair: str) -> str:
    """A method with its repair, for people."""
    return METHODS[method].title + ("" if repair == "none" else f" with {repair.replace('-', ' ')}")


def _cell(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    if len(rows) > 1:
        low, middle, high = rows["change"].quantile([0.05, 0.5, 0.95])
        return f"median {middle:+.2f} ({low:+.2f} to {high:+.2f})"
    row = rows.iloc[0]
    return f"{row['change']:+.2f} ({row['change_low']:+.2f} to {row['change_high']:+.2f})"
