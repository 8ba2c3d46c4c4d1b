"""What a model was trained to do, and the words and units in which its quality is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

Reads = Literal["labelled texts", "tagged words", "texts", "nothing"]


@dataclass(frozen=True)
class Measure:
    """A number that tells how good a model is at its task."""

    name: str
    title: str
    unit: str
    """`share` (0 to 1), `nats`, or empty for a pure number."""
    higher_is_better: bool
    meaning: str
    """One sentence."""

    @property
    def told(self) -> str:
        """The title inside a sentence: `accuracy`, `entity F1`."""
        return self.title[0].lower() + self.title[1:]


@dataclass(frozen=True)
class Task:
    """A kind of task."""

    name: str
    title: str
    auto_class: str
    """The class of transformers that loads such a model."""
    endings: tuple[str, ...]
    """How the names of such models' classes end."""
    item: str
    """What an answer is given for, in the plural."""
    measures: tuple[Measure, ...] = ()
    reads: Reads = "texts"
    """What its data is: texts with a label each, words with a label each, texts alone, or no text at all."""

    @property
    def is_judged(self) -> bool:
        """Whether answers to texts can be right or wrong."""
        return bool(self.measures) and self.reads != "nothing"

    @property
    def main(self) -> Measure:
        """The first measure, which tells most; of a task that is not judged what a classifier would have."""
        return self.measures[0] if self.measures else ACCURACY

    @property
    def measured_by(self) -> str:
        """The first measure inside a sentence."""
        return self.main.told if self.measures else "quality"

    @property
    def answers_once(self) -> bool:
        """Whether a text gets one answer: several answers to one text depend on each other."""
        return self.reads == "labelled texts"


ACCURACY = Measure(
    "accuracy", "Accuracy", "share", True, "Share of sentences that get their true label."
)
LOSS = Measure("loss", "Loss", "nats", False, "Mean cross-entropy of the true label.")
TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "sequence-classification",
            "Sequence classification",
            "AutoModelForSequenceClassification",
            ("ForSequenceClassification",),
            "sentences",
            (ACCURACY, LOSS),
            "labelled texts",
        ),
        Task(
            "token-classification",
            "Token classification",
            "AutoModelForTokenClassification",
            ("ForTokenClassification",),
            "words",
            (
                Measure(
                    "entity_f1",
                    "Entity F1",
                    "share",
                    True,
                    "Harmonic mean of precision and recall over whole entities; one counts when its "
                    "beginning, end and type are right.",
                ),
                Measure(
                    "accuracy",
                    "Word accuracy",
                    "share",
                    True,
                    "Share of words with their true label.",
                ),
                Measure(
                    "loss", "Loss", "nats", False, "Mean cross-entropy of a word's true label."
                ),
            ),
            "tagged words",
        ),
        Task(
            "causal-lm",
            "Causal language modelling",
            "AutoModelForCausalLM",
            ("ForCausalLM", "LMHeadModel"),
            "tokens",
            (
                Measure(
                    "perplexity",
                    "Perplexity",
                    "",
                    False,
                    "Between how many tokens the model in effect wavers: the loss's exponential.",
                ),
                Measure("loss", "Loss", "nats", False, "Mean cross-entropy of the next token."),
                Measure(
                    "accuracy",
                    "Next-token accuracy",
                    "share",
                    True,
                    "Share of tokens that the model held for the likeliest.",
                ),
            ),
        ),
        Task(
            "image-classification",
            "Image classification",
            "AutoModelForImageClassification",
            ("ForImageClassification",),
            "images",
            (ACCURACY, LOSS),
            "nothing",
        ),
        Task("representation", "Representation", "AutoModel", (), "tokens"),
    )
}
"""All tasks by name. The last has no answers to be right or wrong: its models can be seen, gated and made
smaller, and are compared by their hidden states."""


def task_of(class_name: str) -> Task:
    """The task of a transformers model, by the name of its class."""
    for task in TASKS.values():
        if class_name.endswith(task.endings or "\n"):
            return task
    return TASKS["representation"]


def answers(output: Any) -> Tensor:
    """What a model's answer is read from: its logits, or the last hidden states where it has none."""
    logits = getattr(output, "logits", None)
    return output.last_hidden_state if logits is None else logits
