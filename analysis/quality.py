"""How good a model is at its own task: sentences, words or next tokens, in the task's own words."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.attention import Ablation, Intervention, Means, check_ablation, gates_of, intervening
from analysis.batches import Batch, batches
from analysis.errors import DataError, MethodError, unknown
from analysis.intervals import Change, paired_change, wilson
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.progress import Step, finish
from analysis.replay import Replay
from analysis.tasks import Task, answers
from analysis.text import Split

IGNORED = -100
"""Label of a token that has none, as in transformers."""
CLOSE = 3
"""Sentences by which a comparison in bfloat16 may be off; closer ones are decided in float32."""


@dataclass(frozen=True)
class Tagged:
    """Words with a label each, for token classification."""

    words: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[int, ...], ...]
    """Number of each word's label."""

    def __post_init__(self) -> None:
        for row, (words, tags) in enumerate(zip(self.words, self.tags, strict=True)):
            if len(words) != len(tags):
                raise DataError(
                    f"sentence {row} has {len(words)} words and {len(tags)} tags; each word needs one"
                )


@dataclass(frozen=True, eq=False)
class Quality:
    """A model measured at its task."""

    task: Task
    n: int
    """Answers that were judged: the task's `item`."""
    values: Mapping[str, float]
    """The task's measures by name."""
    low: float
    """Lower end of the accuracy's 95 % Wilson interval over answers."""
    high: float
    """Upper end of it."""
    correct: Tensor
    """Which answers are right, bool `[n]`, in the order of the texts."""
    losses: Tensor
    """Cross-entropy of each answer in nats, `[n]`."""
    seconds: float

    def change(self, baseline: Quality) -> Change:
        """Accuracy against another model on the same texts, in points, with a paired 95 % interval."""
        fixed = int((self.correct & ~baseline.correct).sum())
        broken = int((~self.correct & baseline.correct).sum())
        return paired_change(fixed, broken, self.n)


def measure(
    subject: Subject,
    data: Split | Tagged,
    mask: HeadMask | None = None,
    *,
    ablation: Ablation = "zero",
    means: Means | None = None,
) -> Quality:
    """Measure a model at its task; see `measuring`."""
    return finish(measuring(subject, data, mask, ablation=ablation, means=means))


def measuring(
    subject: Subject,
    data: Split | Tagged,
    mask: HeadMask | None = None,
    *,
    ablation: Ablation = "zero",
    means: Means | None = None,
) -> Iterator[Step[Quality]]:
    """Measure a model at its task under a mask, reporting after each batch.

    Args:
        subject: the model.
        data: labelled sentences for a sequence classifier, sentences whose labels are not used for a causal
            language model, tagged words for a token classifier.
        mask: which heads are on; all when not given.
        ablation: what a head that is off contributes.
        means: the heads' mean outputs, for `mean` ablation.

    Raises:
        DataError: there is nothing to judge, or labels that the model does not have.
        MethodError: a task without answers, an unknown ablation, or `mean` without means.
    """
    task = subject.task
    if not task.measures or task.name == "image-classification":
        raise MethodError(
            f"a model for {task.title.lower()} cannot be judged on texts; its smaller form is compared "
            "with the masked one instead"
        )
    check_ablation(ablation, means)
    start = time.perf_counter()
    given = list(labelled(subject, data))
    gates = gates_of(mask or HeadMask.full(subject.anatomy), subject.device)
    intervention = Intervention(gates=gates, means=means if ablation == "mean" else None)
    found: list[tuple[Tensor, ...]] = []
    for done, batch in enumerate(given):
        with torch.inference_mode(), intervening(intervention):
            found.append(_judged(task, answers(subject.model(**batch.inputs)).float(), batch))
        if done + 1 < len(given):
            yield Step(done + 1, len(given), "batches")
    quality = _summed(subject, found, time.perf_counter() - start)
    yield Step(len(given), len(given), "batches", quality)


def compare(before: Subject, after: Subject, split: Split) -> tuple[float, float, bool]:
    """The task's first measure of two models on a split, and whether the second is worse.

    Where the quick pass in bfloat16 finds a sequence classifier's accuracies within a few sentences of each
    other, float32 decides.
    """
    task = before.task
    if task.name == "sequence-classification":
        first, second = (Replay(subject, split).evaluate() for subject in (before, after))
        if abs(first.accuracy - second.accuracy) * len(split) <= CLOSE:
            first, second = (
                Replay(subject, split, precision="float32").evaluate()
                for subject in (before, after)
            )
        return first.accuracy, second.accuracy, second.accuracy < first.accuracy
    main = task.measures[0]
    old, new = (measure(subject, split).values[main.name] for subject in (before, after))
    return old, new, new < old if main.higher_is_better else new > old


def labelled(subject: Subject, data: Split | Tagged) -> Iterator[Batch]:
    """Batches whose labels are those of the task; `IGNORED` where a token has none.

    Raises:
        DataError: the data is not of the kind that the task needs, or is empty.
    """
    task = subject.task.name
    if isinstance(data, Tagged) != (task == "token-classification"):
        raise DataError(
            f"a model for {subject.task.title.lower()} needs "
            f"{'words with tags' if task == 'token-classification' else 'sentences'}"
        )
    if isinstance(data, Tagged):
        yield from _tagged(subject, data)
        return
    for batch in batches(subject, data):
        if task == "causal-lm":
            ids = batch.inputs["input_ids"]
            yield Batch(batch.inputs, ids.masked_fill(~batch.real, IGNORED), batch.rows)
        else:
            yield batch


def _tagged(subject: Subject, data: Tagged) -> Iterator[Batch]:
    highest = max((tag for tags in data.tags for tag in tags), default=-1)
    if highest >= len(subject.labels):
        raise DataError(
            f"the data has label number {highest}, the model's labels are {', '.join(subject.labels)}"
        )
    size = 16
    for start in range(0, len(data.words), size):
        words = data.words[start : start + size]
        encoded = subject.tokenizer(
            [list(row) for row in words],
            is_split_into_words=True,
            truncation=True,
            max_length=subject.max_length,
            padding=True,
            return_tensors="pt",
        )
        labels = torch.full_like(encoded["input_ids"], IGNORED)
        for row, tags in enumerate(data.tags[start : start + size]):
            seen: set[int] = set()
            for place, word in enumerate(encoded.word_ids(row)):
                if word is not None and word not in seen:  # a word is judged by its first piece
                    seen.add(word)
                    labels[row, place] = tags[word]
        taken = ("input_ids", "attention_mask", "token_type_ids")
        inputs = {name: encoded[name].to(subject.device) for name in taken if name in encoded}
        yield Batch(inputs, labels, torch.arange(start, start + len(words)))


def _judged(task: Task, logits: Tensor, batch: Batch) -> tuple[Tensor, ...]:
    """Rows, answers, labels and losses of the answers of one batch that have a label."""
    labels = batch.labels.to(logits.device)
    rows = batch.rows.to(logits.device)
    if task.name == "causal-lm":  # the token at a place is predicted at the place before it
        logits, labels = logits[:, :-1], labels[:, 1:]
    if logits.dim() == 3:
        rows = rows[:, None].expand_as(labels)
        kept = labels != IGNORED
        logits, labels, rows = logits[kept], labels[kept], rows[kept]
    losses = F.cross_entropy(logits, labels, reduction="none")
    return rows.cpu(), logits.argmax(-1).cpu(), labels.cpu(), losses.cpu()


def _summed(subject: Subject, found: Sequence[tuple[Tensor, ...]], seconds: float) -> Quality:
    if not found or not sum(len(part[0]) for part in found):
        raise DataError(f"there are no {subject.task.item} to judge")
    rows, given, labels, losses = (torch.cat(parts) for parts in zip(*found, strict=True))
    order = rows.argsort(stable=True)
    rows, given, labels, losses = rows[order], given[order], labels[order], losses[order]
    correct = given == labels
    interval = wilson(int(correct.sum()), len(correct))
    loss = float(losses.double().mean())
    known = {"accuracy": float(correct.float().mean()), "loss": loss}
    for wanted in subject.task.measures:
        if wanted.name == "perplexity":
            known["perplexity"] = float(torch.tensor(loss, dtype=torch.float64).exp())
        elif wanted.name == "entity_f1":
            known["entity_f1"] = entity_f1(subject.labels, rows, given, labels)
        elif wanted.name not in known:
            raise MethodError(unknown("measure", wanted.name, known))
    return Quality(
        task=subject.task,
        n=len(correct),
        values={wanted.name: known[wanted.name] for wanted in subject.task.measures},
        low=interval.low,
        high=interval.high,
        correct=correct,
        losses=losses,
        seconds=seconds,
    )


def entity_f1(names: Sequence[str], rows: Tensor, given: Tensor, labels: Tensor) -> float:
    """Harmonic mean of precision and recall over whole entities, 0 to 1; 1 when neither side has any.

    Tags are read as BIO: `B-PER` begins an entity of type PER, `I-PER` goes on with it, `O` is outside;
    an `I-` that nothing precedes begins one, and names without such a prefix make runs of equal names.

    Args:
        names: the labels' names.
        rows: sentence of each word, ascending.
        given: number of the label that each word got.
        labels: number of its true label.
    """
    got, true = (_entities(names, rows.tolist(), tags.tolist()) for tags in (given, labels))
    if not got and not true:
        return 1.0
    return 2 * len(got & true) / (len(got) + len(true))


def _entities(
    names: Sequence[str], rows: Sequence[int], tags: Sequence[int]
) -> set[tuple[int, int, str]]:
    """First word, word after the last, and type of each entity; words are counted over all sentences."""
    entities: set[tuple[int, int, str]] = set()
    start, kind, row = 0, "", -1
    for place in range(len(tags) + 1):
        name = names[tags[place]] if place < len(tags) else "O"
        now = rows[place] if place < len(tags) else -1
        prefix, dash, rest = name.partition("-")
        found = "" if name == "O" else rest if dash else name
        goes_on = found == kind and now == row and not (dash and prefix == "B")
        if kind and not goes_on:
            entities.add((start, place, kind))
        if found and not (kind and goes_on):
            start = place
        kind, row = found, now
    return entities
