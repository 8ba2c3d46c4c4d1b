"""The table, the figure and the verdicts of the reproduction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from reproduction_tables import costs, grid, listing, luck, margins, named
from reproduction_verdicts import OWN, PAPER, SEARCH, of_all_rows, told_apart, verdicts

from analysis.models import Subject
from analysis.scores import METHODS
from analysis.sweep_table import random_band
from analysis.text import LabelledText

matplotlib.use("svg")
from matplotlib import pyplot

CURVE = (
    "method fraction seed ablation repair n accuracy low high change change_low change_high "
    "latency_ratio flops_ratio"
).split()
"""Columns of `curve.csv`."""
SHOWN = (OWN, SEARCH, "taylor", "hies", PAPER, "entropy-high", "magnitude")
"""Methods that the figure draws in colour; the others are thin lines, and the table has all."""
MEANING = (
    "Change on the test split after least squares, in points, and whether the whole 95 % interval lies above a loss "
    "of one point (negligible) and of half a point (none): yes, no, or how many sentences would be needed to show "
    "it with a chance of 80 % if the loss is what it seems. No correction for looking at many methods: read one "
    "row, that of the method chosen on the selection split, as a test, and the others as a description."
)
NOTE = (
    "How to read this: one model and one data set; intervals are about other sentences, not about other models. "
    "The repair and our own method were developed on this data set: their settings were chosen on the selection "
    "split, and the repair's accuracy on the test split was printed for five masks before its last form."
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
        of_all_rows(test, tables["selection"]),
        "## Accuracy in % on the test split without repair, by share of heads removed",
        grid(test),
        "## Every method at 25 % and 50 %",
        "Change of accuracy on the test split in points, with its 95 % paired interval; without repair, and after "
        "least squares.",
        listing(test),
        "The same on the selection split, where choices were made:",
        listing(tables["selection"]),
        "## Better than chance?",
        "Percentile among the random masks at the same share and with the same repair, on the test split, and p of "
        "McNemar's exact test against the random mask of median accuracy, corrected by Holm over methods. A small p "
        "with a low percentile says that the method is worse than chance.",
        luck(test),
        told_apart(test),
        "## Is the loss negligible?",
        MEANING,
        margins(test),
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
    others = [each for each in dict.fromkeys(bare["method"]) if each not in (*SHOWN, "random")]
    for number, method in enumerate(others):
        rows = bare[bare["method"] == method].sort_values("fraction")
        accuracy.plot(100 * rows["fraction"], 100 * rows["accuracy"], lw=0.6, color="#707070", alpha=0.7,
                      label=f"the other {len(others)} methods" if number == 0 else None)  # fmt: skip
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
