"""Methods x fractions x seeds: how accuracy falls as heads are removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.attention import Ablation, Means
from analysis.batches import batches
from analysis.errors import MethodError, ProtocolError
from analysis.evaluation import Evaluation, evaluate
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.profiling import profile
from analysis.progress import Step, finish
from analysis.scores import rank
from analysis.text import Calibration, LabelledText

FRACTIONS = (0.1, 0.25, 0.5, 0.75, 0.9)
SEEDS = (0, 1, 2)

COLUMNS = (
    "method fraction seed ablation split n heads_on heads_total accuracy low high "
    "change change_low change_high loss mask"
).split()
"""Columns of the table: `fraction` is the share of heads removed, `change` is in points."""


def sweep(
    subject: Subject,
    data: LabelledText,
    methods: Sequence[str],
    *,
    fractions: Sequence[float] = FRACTIONS,
    seeds: Sequence[int] = SEEDS,
    split: str = "selection",
    limit: int | None = None,
    ablation: Ablation = "zero",
) -> pd.DataFrame:
    """The whole table at once; see `sweeping`."""
    return finish(
        sweeping(
            subject,
            data,
            methods,
            fractions=fractions,
            seeds=seeds,
            split=split,
            limit=limit,
            ablation=ablation,
        )
    )


def sweeping(
    subject: Subject,
    data: LabelledText,
    methods: Sequence[str],
    *,
    fractions: Sequence[float] = FRACTIONS,
    seeds: Sequence[int] = SEEDS,
    split: str = "selection",
    limit: int | None = None,
    ablation: Ablation = "zero",
) -> Iterator[Step[pd.DataFrame]]:
    """Evaluate each method at each fraction; the table grows by a row a step.

    Heads are scored on the calibration split and judged on `split`. Only `random` depends on the seed; the
    other methods run once and carry the first seed.

    Raises:
        MethodError: an unknown method or a fraction outside 0 to 1.
        DataError: the data lacks a split.
        ProtocolError: the heads would be judged on the sentences that they were scored on.
    """
    if split == Calibration.name:
        raise ProtocolError(
            "heads are scored on the calibration split, so they cannot be judged on it; "
            "sweep over selection or test"
        )
    outside = [fraction for fraction in fractions if not 0 <= fraction <= 1]
    if outside:
        raise MethodError(f"the fraction {outside[0]} is not between 0 and 1")
    masks = list(_masks(subject, data, methods, fractions, seeds))
    sentences = data.split(split)
    ready = batches(subject, sentences if limit is None else sentences.limited(limit))
    means = _means(subject, data) if ablation == "mean" else None
    total = len(masks) + 1
    baseline = evaluate(subject, ready)
    rows: list[dict[str, object]] = []
    yield Step(1, total, "masks", pd.DataFrame(rows, columns=COLUMNS))
    for method, fraction, seed, mask in masks:
        found = evaluate(subject, ready, mask, ablation=ablation, means=means, baseline=baseline)
        label = {"method": method, "fraction": fraction, "seed": seed, "ablation": ablation}
        rows.append({**label, "split": split, **row_of(found)})
        yield Step(len(rows) + 1, total, "masks", pd.DataFrame(rows, columns=COLUMNS))


def row_of(evaluation: Evaluation) -> dict[str, object]:
    """An evaluation as columns of a table."""
    change = evaluation.change
    return {
        "n": evaluation.n,
        "heads_on": evaluation.heads_on,
        "heads_total": evaluation.heads_total,
        "accuracy": evaluation.accuracy,
        "low": evaluation.low,
        "high": evaluation.high,
        "change": change.points if change else 0.0,
        "change_low": change.low if change else 0.0,
        "change_high": change.high if change else 0.0,
        "loss": evaluation.loss,
        "mask": evaluation.mask.encode(),
    }


def _masks(
    subject: Subject,
    data: LabelledText,
    methods: Sequence[str],
    fractions: Sequence[float],
    seeds: Sequence[int],
) -> Iterator[tuple[str, float, int, HeadMask]]:
    total = subject.anatomy.heads_total
    for method in methods:
        for seed in seeds if method == "random" else seeds[:1]:
            ranking = rank(subject, data, method, seed=seed)
            for fraction in fractions:
                keep = total - round(fraction * total)
                yield method, fraction, seed, ranking.mask(subject.anatomy, keep)


def _means(subject: Subject, data: LabelledText) -> Means:
    calibration = data.split(Calibration.name)
    return profile(subject, calibration).means
