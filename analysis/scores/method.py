"""What a scoring method is: its name, what it looks at, what it costs, and who proposed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from torch import Tensor

from analysis.errors import MethodError
from analysis.gradients import GateGradients, gate_gradients
from analysis.journal import Notes
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.progress import Step, once_at_a_time
from analysis.protocol import only
from analysis.quantised import quantised
from analysis.text import NO_LABEL, Calibration, Selection, Split

Needs = Literal["nothing", "weights", "texts", "labels"]


@dataclass(frozen=True)
class Evidence:
    """What a method may look at. There is no place in it for the test split."""

    calibration: Calibration | None
    """Texts that scores are computed from."""
    selection: Selection | None
    """Texts that searches judge masks on."""
    seed: int = 0
    notes: Notes = field(default_factory=Notes, compare=False)
    """Where a long method writes down what it has found, and finds it again after it was stopped."""

    def __post_init__(self) -> None:
        _check(self.calibration, Calibration, "scored")
        _check(self.selection, Selection, "searched")

    @property
    def texts(self) -> Calibration:
        """The calibration split, which `rank` has made sure is there."""
        assert self.calibration is not None
        return self.calibration


@dataclass(frozen=True)
class Found:
    """What a method found, where its scores alone do not say it."""

    scores: list[float]
    """By layer, then head; of a search the step at which the head went."""
    masks: Mapping[int, HeadMask] = field(default_factory=dict)
    """By number of heads on: the masks that a search went through, where a swap may make the last order another."""
    errors: Sequence[float] = ()
    """The standard error of each score where scores are sampled, by layer, then head."""


Scored = Sequence[float] | Iterator[Step[list[float]]] | Iterator[Step[Found]]


@dataclass(frozen=True)
class Method:
    """A way of scoring heads."""

    name: str
    title: str
    needs: Needs
    """What it looks at."""
    meaning: str
    """One sentence: which heads it keeps."""
    source: str
    """Where it comes from."""
    score: Callable[..., Scored]
    """Scores of all heads by layer, then head, higher = keep, at once or as steps; called with the subject, the
    evidence and, if it has `choices`, a setting."""
    cost: str = "0"
    """Passes over the scoring sentences, in words: `1 forward`, `1 forward, 1 backward`."""
    choices: Sequence[tuple[float, ...]] = ()
    """Settings that `tuning.tune` chooses among on the selection split; the method's own default without it."""
    long: bool = False
    """Whether it takes more than a few passes: hundreds or thousands."""
    searches: bool = False
    """Whether it judges masks on the selection split; what is measured there then flatters it."""

    @property
    def passes_over(self) -> str:
        """The split that its passes are over."""
        return Selection.name if self.searches else Calibration.name

    def check(self, subject: Subject, evidence: Evidence) -> None:
        """Refuse what the method cannot run on.

        Raises:
            MethodError: it needs texts or labels that are not there, or derivatives that the model has not.
        """
        if self.needs in ("texts", "labels") and evidence.calibration is None:
            raise MethodError(
                f"the method {self.name!r} needs {self.needs}; give data with a calibration split"
            )
        texts = subject.task.name == "sequence-classification"
        if texts and self.needs == "labels" and NO_LABEL in evidence.texts.labels:
            raise MethodError(
                f"the method {self.name!r} needs labels, and texts of the calibration split have none; "
                "methods that need only texts can run"
            )
        if texts and self.needs == "labels" and len(set(evidence.texts.labels)) < 2:
            raise MethodError(
                f"the method {self.name!r} needs labels, and all {len(evidence.texts)} texts of the "
                "calibration split carry the same one; methods that need only texts can run"
            )
        if "backward" in self.cost:
            check_differentiable(subject, self.name)


def _check(split: object, wanted: type[Split], use: str) -> None:
    if split is not None:
        only(
            split,
            wanted,
            f"heads are {use} on the {wanted.name} split, not on {{name}}: "
            "a score that has seen the sentences it is judged on says nothing",
        )


def check_differentiable(subject: Subject, method: str) -> None:
    """Refuse models without derivatives to a method that needs them.

    Raises:
        MethodError: weights that are not floating point, as in a quantised model.
    """
    if found := quantised(subject.model):
        raise MethodError(
            f"the method {method!r} needs gradients, and the model's weights {found}, which have "
            "no gradients; methods without a backward pass can run (leave-one-out, greedy, shapley, magnitude and "
            "those that read attention), or give the model in float32"
        )


def by_head(subject: Subject, values: dict[tuple[int, int], float]) -> list[float]:
    """Values of all heads by layer, then head."""
    return [values[head] for head in HeadMask.full(subject.anatomy).on_heads]


def by_layer(subject: Subject, values: Tensor) -> list[Tensor]:
    """Values of all heads `[heads]`, cut into one piece a layer."""
    return list(values.split(list(subject.anatomy.heads)))


@once_at_a_time
@lru_cache(maxsize=8)
def derivatives(subject: Subject, split: Split, jacobian: bool = False) -> GateGradients:
    """Derivatives of every sentence by every gate; several methods share one pass."""
    return gate_gradients(subject, split, jacobian=jacobian)
