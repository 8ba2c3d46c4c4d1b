"""Two evaluations of the same sentences, answer by answer: what changed, where, and whether chance would do it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from scipy.stats import binom
from torch import Tensor

from analysis.answers import Predictions
from analysis.errors import DataError
from analysis.evaluation import Evaluation
from analysis.intervals import CONFIDENCE, paired_change, wilson
from analysis.significance import mcnemar
from analysis.text import Split

KINDS = ("broken", "fixed", "other", "same")
"""What became of an answer: right and then wrong, wrong and then right, another wrong one, or unchanged."""
BINS = 4
"""Bins of sentence length, with about as many sentences each."""


@dataclass(frozen=True)
class Chance:
    """What the number of answers that became wrong is held against."""

    broken: int
    """Answers that became wrong."""
    decided: int
    """Answers that became wrong or right."""
    low: int
    """If either were as likely, so few of them would become wrong in 95 of 100 cases,"""
    high: int
    """and so many at most."""
    p: float
    """Exact two-sided p of McNemar's test, 0 to 1."""

    @property
    def is_more(self) -> bool:
        """True when more answers became wrong, or fewer, than chance gives."""
        return not self.low <= self.broken <= self.high


@dataclass(frozen=True, eq=False)
class Comparison:
    """The answers of two evaluations to the same sentences."""

    sentences: pd.DataFrame
    """One row a sentence, in the split's order: `row` (its place in the split), `text`, `label` (its true one),
    `answer_before` and `answer_after`, `probability_before` and `probability_after` (of the true label, 0 to
    1), `change` (their difference; below 0 the model is less sure of the truth), `moved` (total variation
    between the two answers' probabilities, 0 to 1), `lead_before` and `lead` (how far the answer's
    probability is above the runner-up's), `words` (parted by spaces) and `what` (one of `KINDS`)."""

    @property
    def n(self) -> int:
        """Sentences."""
        return len(self.sentences)

    @property
    def flips(self) -> pd.DataFrame:
        """The sentences whose answer changed, largest change of probability first."""
        return _by_size(self.sentences[self.sentences["what"] != "same"], "change")

    def near(self, count: int) -> pd.DataFrame:
        """The sentences that came closest to another answer without getting it, closest first.

        Only those whose answer lost ground to its runner-up.
        """
        kept = self.sentences[self.sentences["what"] == "same"]
        kept = kept[kept["lead"] < kept["lead_before"]]
        return kept.sort_values(["lead", "row"], ignore_index=True).head(count)

    def largest(self, count: int) -> pd.DataFrame:
        """The sentences whose answer stayed though its probabilities moved most, largest first."""
        return _by_size(self.sentences[self.sentences["what"] == "same"], "moved").head(count)

    @property
    def chance(self) -> Chance:
        """How the answers that became wrong compare with a fair coin for each that changed between the two.

        Source: McNemar 1947; the range is the binomial distribution's, by scipy.
        """
        broken, fixed = (int((self.sentences["what"] == kind).sum()) for kind in KINDS[:2])
        low, high = binom.interval(CONFIDENCE, broken + fixed, 0.5) if broken + fixed else (0, 0)
        return Chance(broken, broken + fixed, int(low), int(high), mcnemar(fixed, broken))

    def by_class(self) -> pd.DataFrame:
        """`summary` for each true label, in the order of their first sentences."""
        return summary(self.sentences, self.sentences["label"])

    def by_length(self) -> pd.DataFrame:
        """`summary` for sentences of like length, short ones first."""
        words = self.sentences["words"]
        bins = pd.qcut(words, BINS, labels=False, duplicates="drop").fillna(0)  # all of one length
        spans = words.groupby(bins).agg(["min", "max"])
        names = {
            place: f"{low} words" if low == high else f"{low} to {high} words"
            for place, low, high in spans.itertuples()
        }
        ordered = self.sentences.assign(bin=bins).sort_values("bin", kind="stable")
        return summary(ordered, ordered["bin"].map(names))


def compare(
    before: Evaluation, after: Evaluation, split: Split, labels: tuple[str, ...]
) -> Comparison:
    """Put the answers of two evaluations side by side.

    Args:
        before: usually the full model's.
        after: of the same sentences under another mask.
        split: the sentences; the evaluations' rows are places in it.
        labels: names of the model's outputs.

    Raises:
        DataError: the evaluations are of different sentences, or not of these.
    """
    return _compared(before, after, split, labels)


@lru_cache(maxsize=16)  # a page draws the same comparison again and again
def _compared(
    before: Evaluation, after: Evaluation, split: Split, labels: tuple[str, ...]
) -> Comparison:
    old, new = before.predictions, after.predictions
    _check(old, new, split)
    rows, truth = new.rows.tolist(), new.labels[:, None]
    chances = [predictions.logits.softmax(-1) for predictions in (old, new)]
    right = [chance.gather(1, truth)[:, 0].double().numpy() for chance in chances]
    texts = [split.texts[row] for row in rows]
    return Comparison(
        pd.DataFrame(
            {
                "row": rows,
                "text": texts,
                "label": [labels[label] for label in new.labels.tolist()],
                "answer_before": [labels[label] for label in old.answers.tolist()],
                "answer_after": [labels[label] for label in new.answers.tolist()],
                "probability_before": right[0],
                "probability_after": right[1],
                "change": right[1] - right[0],
                "moved": ((chances[1] - chances[0]).abs().sum(-1) / 2).double().numpy(),
                "lead_before": _lead(chances[0]),
                "lead": _lead(chances[1]),
                "words": [len(text.split()) for text in texts],
                "what": _kinds(old, new),
            }
        )
    )


def summary(sentences: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    """How many answers changed in each group of sentences, with 95 % intervals.

    Args:
        sentences: rows of a `Comparison`.
        group: the group of each of them.

    Returns:
        One row a group, in the order of their first sentences: `group`, `n`, `broken`, `fixed`, `other`,
        `share` of changed answers (0 to 1) with its Wilson interval `low` and `high`, and the change of
        accuracy in `points` with its paired interval `points_low` and `points_high`.
    """
    rows = []
    for name, members in sentences.groupby(group, sort=False):
        counts = {kind: int((members["what"] == kind).sum()) for kind in KINDS[:3]}
        n, flipped = len(members), sum(counts.values())
        interval = wilson(flipped, n)
        change = paired_change(counts["fixed"], counts["broken"], n)
        rows.append(
            {
                "group": name,
                "n": n,
                **counts,
                "share": flipped / n,
                "low": interval.low,
                "high": interval.high,
                "points": change.points,
                "points_low": change.low,
                "points_high": change.high,
            }
        )
    return pd.DataFrame(rows)


def _check(old: Predictions, new: Predictions, split: Split) -> None:
    if not torch.equal(old.rows, new.rows) or not torch.equal(old.labels, new.labels):
        raise DataError("the two evaluations are of different sentences; evaluate both again")
    if not len(new.rows) or int(new.rows.max()) >= len(split):
        raise DataError(f"the evaluations are not of these {len(split)} sentences")


def _kinds(old: Predictions, new: Predictions) -> np.ndarray:
    moved = (old.answers != new.answers).numpy()
    cases = [(old.correct & ~new.correct).numpy(), (~old.correct & new.correct).numpy(), moved]
    return np.select(cases, KINDS[:3], KINDS[3])


def _lead(chances: Tensor) -> np.ndarray:
    """How far the likeliest label's probability is above the next one's; 1 where there is no other."""
    top = chances.topk(min(2, chances.shape[1])).values
    return (top[:, 0] - (top[:, 1] if top.shape[1] > 1 else 0)).double().numpy()


def _by_size(sentences: pd.DataFrame, column: str) -> pd.DataFrame:
    order = sentences[column].abs().sort_values(ascending=False, kind="stable").index
    return sentences.loc[order].reset_index(drop=True)
