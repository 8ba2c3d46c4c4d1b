"""The table, the figure and the verdicts of the reproduction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from analysis.models import Subject
from analysis.scores import METHODS
from analysis.significance import holm, mcnemar, non_inferiority
from analysis.sweep_table import random_band, unpack
from analysis.text import LabelledText

matplotlib.use("svg")
from matplotlib import pyplot

CURVE = (
    "method fraction seed ablation repair n accuracy low high change change_low change_high "
    "latency_ratio flops_ratio"
).split()
"""Columns of `curve.csv`."""
PAPER, OWN, SEARCH = "attention-guided", "repair-aware", "greedy"
SHOWN = (OWN, SEARCH, "taylor", "hies", PAPER, "entropy-high", "magnitude")
"""Methods that the figure draws; the table has all."""
TESTED = (0.25, 0.5)
"""Moderate rates, at which every claim is tested."""

NOTE = (
    "How to read this: one model and one data set; intervals are about other sentences, not about other models. "
    "The repair and our own method were developed on this data set: their settings were chosen on the selection "
    "split, and the repair's accuracy on the test split was printed for five masks before its last form. Random "
    "masks after least squares were measured at 50 % only."
)


def report(
    subject: Subject,
    data: LabelledText,
    tables: Mapping[str, pd.DataFrame],
    rankings: Sequence[Mapping[str, Any]],
    out: Path,
    machine: str,
) -> str:
    """Write `curve.csv`, `curve.svg` and `README.md`; the text of the last is given back."""
    test = tables["test"]
    test[CURVE].to_csv(out / "curve.csv", index=False)
    draw(test, out / "curve.svg")
    baseline = 100 * (test["accuracy"] - test["change"] / 100).median()
    parts = [
        "# The paper, reproduced",
        f"Model: {subject.name} ({subject.anatomy.heads_total} heads). Data: {data.name}, "
        f"{test['n'].iloc[0]:,} test sentences, on which the full model is right in {baseline:.2f} %. Heads were "
        f"scored on {len(data.split('calibration')):,} calibration sentences; whatever is tuned, searched or "
        f"chosen was so on {tables['selection']['n'].iloc[0]:,} selection sentences. {machine}",
        "![Accuracy against heads removed](curve.svg)",
        "## Verdicts",
        "\n".join(f"- {sentence}" for sentence in verdicts(test, tables["selection"], rankings)),
        "## Accuracy in % on the test split without repair, by share of heads removed",
        grid(test),
        "## Every method at 25 % and 50 %",
        "Change of accuracy on the test split in points, with its 95 % paired interval; without repair, and after "
        "least squares. The percentile is the method's place among the random masks without repair. "
        "p is McNemar's exact test against the random mask of median accuracy, corrected by Holm over methods.",
        listing(test),
        "The same on the selection split, where choices were made:",
        listing(tables["selection"], tests=False),
        "## What a ranking costs",
        costs(rankings),
        "Passes are over the calibration sentences, those of the greedy search over the selection sentences. "
        "Methods that share a pass share its seconds, which stand with the first of them.",
        NOTE,
        "`curve.csv` has every row of the test split (`fraction` is the share of heads removed, `change` is in "
        "points, `latency_ratio` is how many times faster than the full model on one sentence of 128 tokens, by "
        "processor time on one core, `flops_ratio` the share of operations that remain); `test.csv` and "
        "`selection.csv` have all columns.",
    ]
    text = "\n\n".join(parts) + "\n"
    (out / "README.md").write_text(text, encoding="utf-8")
    return text


def verdicts(
    test: pd.DataFrame, selection: pd.DataFrame, rankings: Sequence[Mapping[str, Any]]
) -> list[str]:
    """A plain sentence on each claim."""
    told = []
    for method, repair in ((PAPER, "none"), (OWN, "least-squares")):
        row = one(test, method, 0.5, repair)
        found = non_inferiority(int(row["fixed"]), int(row["broken"]), int(row["n"]), 1.0)
        holds = {"negligible": "holds", "not negligible": "does not hold"}.get(
            found.decided, "is undecided"
        )
        told.append(
            f'**"50 % of heads with negligible loss"** {holds} for {named(method, repair)}: {found.sentence}'
        )
    told += [
        beats(test, fraction, rival) for rival in ("random", "magnitude") for fraction in TESTED
    ]
    for fraction, margin in ((0.5, 0.5), (0.25, 0.5)):
        row = one(test, OWN, fraction, "least-squares")
        found = non_inferiority(int(row["fixed"]), int(row["broken"]), int(row["n"]), margin)
        told.append(
            f"Target, {fraction:.0%} of heads by {named(OWN, 'least-squares')}: {found.sentence}"
        )
    told += [against_search(test, selection, rankings), against_all(test)]
    return told


def beats(test: pd.DataFrame, fraction: float, rival: str) -> str:
    """Whether the paper's method is better than a rival at a fraction, without repair."""
    mine = one(test, PAPER, fraction, "none")
    if rival == "random":
        rows = rows_of(test, "random", fraction, "none").sort_values(["accuracy", "seed"])
        other = rows.iloc[(len(rows) - 1) // 2]
        place = f"; it is at percentile {mine['percentile']:.0f} of {len(rows)} random masks"
        p = mine["p_random_holm"]
    else:
        other, place = one(test, rival, fraction, "none"), ""
        p = paired(mine, other)
    difference = 100 * (mine["accuracy"] - other["accuracy"])
    verdict = "holds" if difference > 0 and p < 0.05 else "does not hold"
    return (
        f'**"Better than {rival} at moderate rates"** {verdict} at {fraction:.0%}: {METHODS[PAPER].title} is '
        f"{difference:+.2f} points from {'the median random mask' if rival == 'random' else rival} "
        f"(McNemar p = {p:.3g}){place}."
    )


def against_search(
    test: pd.DataFrame, selection: pd.DataFrame, rankings: Sequence[Mapping[str, Any]]
) -> str:
    """Our own method against the greedy reference, both after least squares."""
    told = []
    for fraction in TESTED:
        for name, table in (("selection", selection), ("test", test)):
            mine, other = (one(table, m, fraction, "least-squares") for m in (OWN, SEARCH))
            told.append(
                f"{fraction:.0%} on {name} {100 * (mine['accuracy'] - other['accuracy']):+.2f} points "
                f"(McNemar p = {paired(mine, other):.2g}; divergence {mine['divergence']:.4f} against "
                f"{other['divergence']:.4f} nats)"
            )
    spent = {each["ranking"]: each["seconds"] for each in rankings}
    return (
        f"Target, {named(OWN, 'least-squares')} against {named(SEARCH, 'least-squares')}: {'; '.join(told)}. "
        f"Ours looks at the calibration sentences twice (forward and backward), the search at "
        f"{masks_searched(rankings):,} masks and more for its swaps; they took {spent[OWN]:.1f} s and "
        f"{spent[SEARCH]:.1f} s on the same machine."
    )


def against_all(test: pd.DataFrame) -> str:
    """Whether our own method beats every other at half of the heads, all after least squares."""
    mine = one(test, OWN, 0.5, "least-squares")
    half = test[(test["fraction"] == 0.5) & (test["repair"] == "least-squares")]
    others = half[~half["method"].isin([OWN, "random"])]
    p = holm([paired(mine, row) for _, row in others.iterrows()])
    told = []
    for sign, what in ((1, "better"), (-1, "worse")):
        ahead = [
            f"{METHODS[row['method']].title} (p = {value:.2g})"
            if value < 0.05
            else METHODS[row["method"]].title
            for (_, row), value in zip(others.iterrows(), p, strict=True)
            if sign * (row["accuracy"] - mine["accuracy"]) > 0
        ]
        told.append(f"{what} than ours by the number are {', '.join(ahead) or 'none'}")
    return (
        f'Target, "beat all others at 50 %": of {len(others)} methods after least squares, {"; ".join(told)}. '
        "A p is given where McNemar's test, corrected by Holm, tells the two apart at 5 %. By divergence from the "
        f"full model ours is number {int((others['divergence'] < mine['divergence']).sum()) + 1}."
    )


def masks_searched(rankings: Sequence[Mapping[str, Any]]) -> int:
    """Masks that a backward elimination of all heads evaluates."""
    heads = len(rankings[0]["scores"])
    return heads * (heads + 1) // 2


def listing(table: pd.DataFrame, tests: bool = True) -> str:
    """Every method at the tested fractions, as Markdown."""
    columns = ["method", *(f"{f:.0%}, {r}" for f in TESTED for r in ("no repair", "least squares"))]
    if tests:
        columns += [f"percentile, p at {f:.0%}" for f in TESTED]
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    for method in dict.fromkeys(table["method"]):
        cells = [METHODS[method].title]
        for fraction in TESTED:
            for repair in ("none", "least-squares"):
                cells.append(_cell(rows_of(table, method, fraction, repair)))
        if tests:
            for fraction in TESTED:
                row = rows_of(table, method, fraction, "none").iloc[0]
                cells.append(
                    ""
                    if method == "random"
                    else f"{row['percentile']:.0f}, {row['p_random_holm']:.2g}"
                )
        lines.append(" | ".join(cells))
    return "\n".join(f"| {line} |" for line in lines)


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


def draw(test: pd.DataFrame, place: Path) -> None:
    """Accuracy, inference time and operations against heads removed."""
    figure, (accuracy, speed) = pyplot.subplots(
        1, 2, figsize=(11, 4.6), width_ratios=(2, 1), layout="constrained"
    )
    bare = test[test["repair"] == "none"]
    band = random_band(bare)
    accuracy.fill_between(
        100 * band["fraction"], 100 * band["low"], 100 * band["high"], color="#d0d0d0",
        label=f"random, 5 to 95 % of {band['masks'].iloc[0]} masks",
    )  # fmt: skip
    colours = pyplot.get_cmap("tab10").colors
    for method, colour in zip(SHOWN, colours, strict=False):
        rows = bare[bare["method"] == method].sort_values("fraction")
        accuracy.plot(100 * rows["fraction"], 100 * rows["accuracy"], "-o", ms=3, lw=1.3, color=colour,
                      label=METHODS[method].title)  # fmt: skip
    mended = test[(test["method"] == OWN) & (test["repair"] == "least-squares")]
    away = (
        100 * mended[["accuracy", "high"]].diff(axis=1)["high"],
        100 * (mended["accuracy"] - mended["low"]),
    )
    accuracy.errorbar(100 * mended["fraction"], 100 * mended["accuracy"], yerr=(away[1], away[0]), fmt="D",
                      ms=5, color="black", capsize=3, label=named(OWN, "least-squares"))  # fmt: skip
    full = (test["accuracy"] - test["change"] / 100).median()
    accuracy.axhline(100 * full, color="black", lw=0.8, ls=":")
    accuracy.set(xlabel="heads removed (%)", ylabel="accuracy (%)")
    accuracy.legend(fontsize=8, loc="lower left")
    by = bare.groupby("fraction")[["latency_ratio", "flops_ratio"]].median()
    speed.plot(100 * by.index, by["latency_ratio"], "-o", ms=3, label="times faster, median mask")
    speed.plot(100 * by.index, by["flops_ratio"], "-s", ms=3, label="share of operations left")
    speed.set(xlabel="heads removed (%)", ylim=(0, None))
    speed.legend(fontsize=8)
    figure.savefig(place, metadata={"Date": None})
    pyplot.close(figure)


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
