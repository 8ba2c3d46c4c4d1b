"""The table that a sweep fills: its columns, and what is said about a row in the light of the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.answers import TEXTS, divergence_of_each
from analysis.evaluation import Evaluation
from analysis.intervals import Change, wilson
from analysis.measures import over_texts
from analysis.scores import METHODS
from analysis.significance import holm, mcnemar, percentile
from analysis.text import Selection
from analysis.yardstick import ENDS, OWN, yardstick

COLUMNS = (
    "method setting fraction seed ablation repair split n texts heads_on heads_total accuracy low high "
    "change change_low change_high fixed broken loss loss_low loss_high "
    "agreement agreement_low agreement_high divergence divergence_low divergence_high "
    "latency_ratio latency_low latency_high flops_ratio parameters_ratio "
    "percentile p_full p_random p_full_holm p_random_holm mask"
).split()
"""`setting` are a method's tuned weights with commas, or `USUAL`; `fraction` is the share of heads removed, 0 to 1; `n`
counts answers and `texts` the texts that they are about; `change` and its ends are points of accuracy against the
full model on the same sentences (`paired_change`); `fixed` and `broken` count answers that became right or wrong;
`agreement` is the share of sentences with the full model's answer and `divergence` the mean Kullback-Leibler
divergence from it in nats, each with its 95 % interval (Wilson's of agreement where a text gets one answer, else
over whole texts); `latency_ratio` is how many times faster than the full model, from `latency_low` to `latency_high`
(95 % bootstrap interval over rounds), `flops_ratio` and `parameters_ratio` the shares of its operations and weights
that remain once the heads are really removed; `percentile` is the share of random masks of the same kind that are
worse by the task's first measure, 0 to 100; `p_full` is McNemar's exact p against the full model, `p_random` against
the random mask of median accuracy; `_holm` corrects them over methods. Where a text gets several answers, `change`
is clustered by text and there is no p, because McNemar's test takes answers for independent. Neither are there
places among random masks nor p for what was chosen by the sentences that it is measured on (`fitted`)."""

USUAL = "usual"
"""The setting of a method that was not tuned, or has nothing to tune."""

LATER = ("percentile", "p_full", "p_random", "p_full_holm", "p_random_holm")
"""Columns that say something of a row next to others."""
_WORDS = ("method", "setting", "ablation", "repair", "split", "mask")
"""Columns that are no numbers."""

EXTRA = tuple(name + ending for name in OWN for ending in ENDS)
"""Measures that only some tasks have, each with its interval and its change; columns after the others."""

GROUP = ["fraction", "ablation", "repair", "split"]
"""Rows that are alike in these are compared with each other."""


def row_of(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as columns of a table."""
    change, flips, baseline = evaluation.change, evaluation.flips, evaluation.baseline
    mine = evaluation.predictions
    full = (baseline or evaluation).predictions
    same = mine.answers == full.answers
    moved = divergence_of_each(mine.logits, full.logits)
    of_loss, of_moved = (over_texts(each, mine.texts, "nats") for each in (mine.losses, moved))
    of_same = (
        wilson(int(same.sum()), len(same))
        if mine.task.answers_once
        else over_texts(same, mine.texts, "share")
    )
    return {
        "n": evaluation.n,
        "texts": len(mine.texts.unique()),
        "heads_on": evaluation.heads_on,
        "heads_total": evaluation.heads_total,
        "accuracy": evaluation.accuracy,
        "low": evaluation.low,
        "high": evaluation.high,
        "change": change.points if change else 0.0,
        "change_low": change.low if change else 0.0,
        "change_high": change.high if change else 0.0,
        "fixed": len(flips.fixed) if flips else 0,
        "broken": len(flips.broken) if flips else 0,
        "loss": evaluation.loss,
        "loss_low": of_loss.low,
        "loss_high": of_loss.high,
        "agreement": float(same.double().mean()),
        "agreement_low": of_same.low,
        "agreement_high": of_same.high,
        "divergence": float(moved.mean()),
        "divergence_low": of_moved.low,
        "divergence_high": of_moved.high,
        "mask": evaluation.mask.encode(),
        **_extra(evaluation),
    }


def _extra(evaluation: Evaluation) -> dict[str, float]:
    if evaluation.task is TEXTS:
        return {}
    found: dict[str, float] = {}
    for each in evaluation.measured:
        if each.measure.name in OWN:
            change = each.change or Change(0.0, 0.0, 0.0)
            ends = (each.value, each.low, each.high, change.points, change.low, change.high)
            found |= {
                each.measure.name + ending: end for ending, end in zip(ENDS, ends, strict=True)
            }
    return found


def pack(right: torch.Tensor) -> str:
    """Which answers are right, one bit a sentence, in hexadecimal."""
    return np.packbits(right.cpu().numpy().astype(np.uint8)).tobytes().hex()


def unpack(text: str, n: int) -> np.ndarray:
    """`pack` inverted, bool `[n]`."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))[:n].astype(bool)


def is_row(known: Mapping[str, Any]) -> bool:
    """Whether what a file holds is a whole row, with its `right` (see `pack`)."""
    measured = [column for column in COLUMNS if column not in LATER]
    kinds = {column: str if column in _WORDS else int | float for column in measured}
    try:
        unpack(known["right"], int(known["n"]))
        return all(isinstance(known[column], kind) for column, kind in kinds.items())
    except (KeyError, TypeError, ValueError):
        return False


def table_of(rows: Sequence[Mapping[str, Any]], *, whole: bool = True) -> pd.DataFrame:
    """The rows as a table; a row's `right` (see `pack`) stays out of it.

    Args:
        rows: see `row_of`.
        whole: whether all rows are there, so that percentiles and tests are filled in; NaN until then.
    """
    extra = dict.fromkeys(name for row in rows for name in row if name in EXTRA)
    table = pd.DataFrame(list(rows), columns=[*COLUMNS, *extra, "right"])
    for column in LATER:
        table[column] = math.nan
    if whole:
        for _, group in table.groupby(GROUP, sort=False):
            _compare(table, group)
    return table[[*COLUMNS, *extra]]


def fitted(table: pd.DataFrame) -> pd.Series:
    """Rows of methods that searched, or were tuned, on the sentences that they are measured on, bool.

    Their accuracy flatters them, so nothing is claimed of it; on the test split they are like any other.
    """
    searching = {name for name, method in METHODS.items() if method.searches}
    chosen = table["method"].isin(searching)
    if "setting" in table:
        chosen |= table["setting"] != USUAL
    return (table["split"] == Selection.name) & chosen


def _compare(table: pd.DataFrame, group: pd.DataFrame) -> None:
    """Fill in what a row says only next to others of its group."""
    by = yardstick(table)
    group = group[~fitted(group)]
    drawn = group[group["method"] == "random"].sort_values(["accuracy", "seed"])
    methods = group[group["method"] != "random"]
    others = by.better(drawn[by.main.name]).tolist()
    for place, value in by.better(group[by.main.name]).items():
        table.loc[place, "percentile"] = percentile(value, others)
    if not by.task.answers_once:
        return
    for place, row in group.iterrows():
        table.loc[place, "p_full"] = mcnemar(int(row["fixed"]), int(row["broken"]))
    if len(drawn):
        median = drawn.iloc[(len(drawn) - 1) // 2]
        reference = unpack(median["right"], int(median["n"]))
        for place, row in methods.iterrows():
            mine = unpack(row["right"], int(row["n"]))
            fixed, broken = int((mine & ~reference).sum()), int((~mine & reference).sum())
            table.loc[place, "p_random"] = mcnemar(fixed, broken)
    for column in ("p_full", "p_random"):
        table.loc[methods.index, f"{column}_holm"] = holm(table.loc[methods.index, column].tolist())


def random_band(table: pd.DataFrame, column: str = "accuracy") -> pd.DataFrame:
    """The random masks' distribution: `fraction`, `low` (5 %), `median`, `high` (95 %), `masks`, by group."""
    drawn = table[table["method"] == "random"].groupby(GROUP)[column]
    band = drawn.quantile(np.array([0.05, 0.5, 0.95])).unstack()
    band.columns = ["low", "median", "high"]
    return band.assign(masks=drawn.size()).reset_index()


def pareto(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that no other beats in the task's first measure and latency at once, fastest first."""
    by = yardstick(table)
    quality = by.better(table[by.main.name])
    timed = table.assign(_quality=quality).dropna(subset=["latency_ratio"])
    timed = timed.sort_values(["latency_ratio", "_quality"], ascending=False)
    best = timed["_quality"].cummax().shift(fill_value=-math.inf)
    found = timed[timed["_quality"] > best]
    return found.drop(columns="_quality").reset_index(drop=True)
