"""Importance of each head, by a named method: higher = keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from scipy.stats import t

from analysis.errors import MethodError, unknown
from analysis.intervals import CONFIDENCE
from analysis.journal import Notes
from analysis.mask import HasHeads, Head, HeadMask
from analysis.models import Subject
from analysis.progress import Step, finish
from analysis.protocol import unseen
from analysis.scores.ablation import PERMUTATIONS
from analysis.scores.method import Evidence, Found, Method
from analysis.scores.table import METHODS
from analysis.text import Calibration, LabelledText, Selection

__all__ = ["METHODS", "QUICK", "Method", "Ranking", "check_seed", "rank", "ranking", "sampled"]

QUICK = tuple(method.name for method in METHODS.values() if not method.long)
"""Methods that take a few passes over the sentences, not hundreds."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """The heads of a model in order of importance by one method."""

    method: str
    values: pd.DataFrame
    """One row a head: `layer`, `head`, `score`; higher = keep."""
    masks: Mapping[int, HeadMask] = field(default_factory=dict)
    """By number of heads on: masks that a search went through, which the order alone does not tell."""
    setting: tuple[float, ...] | None = None
    """The setting that was used, where the method has one and it is not the default."""
    errors: Sequence[float] = ()
    """Of a method that samples (Shapley) the standard error of each score, by layer, then head; of others nothing."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a head, the most important first: `layer`, `head`, `score`, and `error` where scores are sampled."""
        values = self.values.assign(error=list(self.errors)) if self.errors else self.values
        return values.sort_values(["score", "layer", "head"], ascending=[False, True, True])

    @property
    def order(self) -> tuple[Head, ...]:
        """The heads, most important first; equal scores by layer, then head."""
        return tuple(zip(self.table["layer"].tolist(), self.table["head"].tolist(), strict=True))

    def mask(self, anatomy: HasHeads, keep: int) -> HeadMask:
        """The mask that leaves the `keep` most important heads on.

        Raises:
            MethodError: `keep` is not between 0 and the number of heads.
        """
        if not 0 <= keep <= len(self.values):
            raise MethodError(f"cannot keep {keep} heads: the model has {len(self.values)}")
        return self.masks.get(keep) or HeadMask.off(anatomy, self.order[keep:])


def rank(
    subject: Subject,
    data: LabelledText | Calibration | None,
    method: str,
    *,
    seed: int = 0,
    selection: Selection | None = None,
    setting: Sequence[float] | None = None,
) -> Ranking:
    """Score every head of a model; see `ranking`."""
    return finish(ranking(subject, data, method, seed=seed, selection=selection, setting=setting))


def ranking(
    subject: Subject,
    data: LabelledText | Calibration | None,
    method: str,
    *,
    seed: int = 0,
    selection: Selection | None = None,
    setting: Sequence[float] | None = None,
    notes: Notes | None = None,
) -> Iterator[Step[Ranking]]:
    """Score every head of a model, reporting on the way where that takes long.

    Args:
        subject: the model.
        data: labelled text, of which the calibration split (by searches the selection split too) is used, or a
            calibration split itself; methods that need only weights or nothing take None.
        method: a name from `METHODS`.
        seed: of methods that draw at random.
        selection: what searches judge masks on, where `data` is a calibration split.
        setting: one of the method's `choices`, such as `tuning.tune` finds.
        notes: where a long method keeps what it has found, to go on there when it was stopped.

    Raises:
        MethodError: an unknown method or setting; one that needs texts, labels or derivatives that are not
            there.
        ProtocolError: another split than the calibration and selection splits was given.
    """
    if method not in METHODS:
        raise MethodError(unknown("method", method, METHODS))
    chosen = METHODS[method]
    if setting is not None and tuple(setting) not in chosen.choices:
        have = ", ".join(map(str, chosen.choices)) or "none"
        raise MethodError(
            f"the method {method!r} has no setting {tuple(setting)}; its settings: {have}"
        )
    check_seed(seed)
    evidence = _evidence(data, selection, seed, notes or Notes())
    chosen.check(subject, evidence)
    scored = chosen.score(subject, evidence, *([] if setting is None else [tuple(setting)]))
    result: Sequence[float] | Found | None = None
    if isinstance(scored, Iterator):
        for step in scored:
            result = step.result
            if result is None:
                yield Step(step.done, step.total, step.unit)
    else:
        result = scored
    assert result is not None, "a method's last step carries its scores"
    found = result if isinstance(result, Found) else Found(list(result))
    table = _table(subject, found.scores)
    used = None if setting is None else tuple(setting)
    yield Step(1, 1, "methods", Ranking(method, table, found.masks, used, tuple(found.errors)))


def check_seed(seed: int) -> None:
    """Refuse a seed that nothing can be drawn from.

    Raises:
        MethodError: it is below 0.
    """
    if seed < 0:
        raise MethodError(f"a seed is 0 or more, not {seed}")


def sampled(found: Ranking) -> str:
    """How far the scores of a method that samples (Shapley values, in nats) can be trusted, in a sentence.

    Args:
        found: a ranking that has `errors`.
    """
    scores, errors = found.values["score"], pd.Series(found.errors)
    pairs = PERMUTATIONS // 2
    wide = float(t.ppf(0.5 + CONFIDENCE / 2, pairs - 1))  # a mean over so few pairs
    within = int((scores.abs().to_numpy() < wide * errors.to_numpy()).sum())
    return (
        f"Scores are sampled: half of them have a standard error above {errors.median():.2g} nats, and with {within} "
        f"of {len(scores)} heads the 95 % interval ({wide:.1f} standard errors, from {pairs} pairs of orders) holds 0, "
        "the score of a head that does nothing."
    )


def _table(subject: Subject, scores: Sequence[float]) -> pd.DataFrame:
    heads = HeadMask.full(subject.anatomy).on_heads
    return pd.DataFrame(
        [(layer, head, float(score)) for (layer, head), score in zip(heads, scores, strict=True)],
        columns=["layer", "head", "score"],
    )


def _evidence(
    data: LabelledText | Calibration | None, selection: Selection | None, seed: int, notes: Notes
) -> Evidence:
    calibration = data
    if isinstance(data, LabelledText):
        unseen(data, selection)
        found = data.splits.get(Calibration.name)
        selection = selection or data.splits.get(Selection.name)  # type: ignore[assignment]
        calibration = found  # type: ignore[assignment]
    return Evidence(calibration, selection, seed, notes)  # type: ignore[arg-type]
