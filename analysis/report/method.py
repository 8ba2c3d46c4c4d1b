"""The method in words: what a reader must know to trust or doubt the numbers."""

from __future__ import annotations

from analysis.intervals import RESAMPLES
from analysis.report import html
from analysis.report.findings import Findings
from analysis.scores import METHODS


def method(found: Findings) -> str:
    """How heads are switched off, scored and removed, which sentences serve what, and how sure the numbers are."""
    return html.terms(
        [
            ("Switching off", _switching(found)),
            ("Sentences", _sentences(found)),
            ("Scores", _scores(found)),
            ("Removing", _removing(found)),
            ("Intervals", _intervals()),
            ("Times", _times()),
            ("Numbers", _numbers(found)),
        ]
    )


def _switching(found: Findings) -> str:
    put = "0" if found.plan.ablation == "zero" else "its mean output on the calibration split"
    return (
        "A head's output, before the layer's output projection, is replaced by "
        f"{put}. The model itself stays as it is, and every other head reads what comes of it."
    )


def _sentences(found: Findings) -> str:
    uses = {
        "calibration": "statistics, scores, mean outputs and repair",
        "selection": "everything that is tried and chosen",
        "test": "the final report, and nothing else",
    }
    parts = [
        f"{name} ({len(split):,}) for {uses[name]}"
        for name, split in found.data.splits.items()
        if name in uses
    ]
    return f"Each sentence serves one purpose: {'; '.join(parts)}."


def _scores(found: Findings) -> str:
    shown = [] if found.curve is None else list(dict.fromkeys(found.curve["method"]))
    told = [
        f"{METHODS[name].title}: {METHODS[name].meaning} ({METHODS[name].source}.)"
        for name in shown
        if name in METHODS
    ]
    return " ".join(
        [
            "The plan may have been made by hand or by a method; a mask does not tell. Methods score the heads on the "
            "calibration split and the lowest go first.",
            *told,
        ]
    )


def _removing(found: Findings) -> str:
    repair = {
        "none": "Nothing is repaired.",
        "mean": "The removed heads' mean output on the calibration split is folded into the bias.",
        "least-squares": "Every projection that writes to the residual stream (attention's output and the end of the "
        "feed-forward part) is then solved anew by least squares on the calibration split, from the bottom up, so that "
        "the stream comes as close as it can to the full model's. If the repaired model is worse on the selection "
        "split, the repair is taken back.",
    }[found.plan.repair]
    return (
        "The rows of the query, key and value projections and the columns of the output projection that belong to a "
        f"head are cut out of the weights; the answers are those of the model with the head off. {repair}"
    )


def _intervals() -> str:
    return (
        "Accuracy: Wilson's 95 % interval of a share (1927). Change: a paired bootstrap over sentences, "
        f"{RESAMPLES:,} resamples, because both models answer the same sentences, and at least as wide as the exact "
        "limits of both shares (Clopper and Pearson 1934, Newcombe 1998). Speed: bootstrap over rounds. They hold the "
        "true value in 95 of 100 samples of sentences like these; they say nothing about other kinds of text, and do "
        "not allow for having tried many plans."
    )


def _times() -> str:
    return (
        "The forms of the model answer the same batch in turns, each round beginning with another one, so that "
        "whatever else slows the computer slows them alike; the ratio is taken within a round."
    )


def _numbers(found: Findings) -> str:
    if found.precision == "float32":
        return "Accuracy was computed in float32."
    return (
        f"Accuracy on the selection split was computed in {found.precision}, which this computer multiplies faster; "
        "answers near the border can differ from those in float32, in which the test split was computed."
    )
