"""Sentences as tensors: batches of like length, so that little of the work is padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from analysis.errors import ModelError
from analysis.progress import is_shared
from analysis.text import Split

if TYPE_CHECKING:
    from analysis.models import Subject

TOKENS = 4096
"""Tokens of a batch, padding included, unless a single sentence is longer."""
BRIEF = 512
"""The same on a processor where others wait for a batch to be done."""
LOGITS = 64_000_000
"""Logits of a batch at most: a language model gives one for each token and word that it knows."""
IGNORED = -100
"""Label of a token at which nothing is judged, as in transformers."""
MULTIPLE = 8
"""Lengths are padded to a multiple of this, which keeps the number of different shapes small."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some sentences of a split, ready for the model."""

    inputs: Mapping[str, Tensor]
    """What the model is called with, among it `input_ids` and `attention_mask`, each `[batch, tokens]`."""
    labels: Tensor
    """Index of each sentence's true label, `[batch]`; for words and next tokens of the label at each token,
    `[batch, tokens]`, `IGNORED` where nothing is judged."""
    rows: Tensor
    """Place of each sentence in its split, `[batch]`."""

    @property
    def real(self) -> Tensor:
        """Which tokens are not padding, bool `[batch, tokens]`."""
        return self.inputs["attention_mask"].bool()

    def __len__(self) -> int:
        return len(self.rows)


def batches(
    subject: Subject, split: Split, *, tokens: int | None = None, multiple: int = MULTIPLE
) -> list[Batch]:
    """Cut a split into batches of like length, short sentences first.

    Texts past the model's length are cut there.

    Args:
        subject: the model, for its tokenizer and length.
        split: the sentences.
        tokens: size of a batch, padding included; `TOKENS`, or `BRIEF` in work that shares the processor.
        multiple: lengths are padded to a multiple of this.
    """
    if not split.texts:
        return []
    encoded = encode(subject, split.texts)
    is_brief = is_shared() and subject.device.type == "cpu"
    tokens = tokens or (BRIEF if is_brief else TOKENS)
    if subject.task.name == "causal-lm":
        tokens = max(min(tokens, LOGITS // subject.model.config.vocab_size), 1)
    lengths = [len(ids) for ids in encoded["input_ids"]]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [
        batch_of(subject, encoded, split.labels, rows, width)
        for rows, width in _groups(order, lengths, tokens, multiple, subject.max_length)
    ]


def encode(subject: Subject, texts: Sequence[str]) -> dict[str, list[list[int]]]:
    """Token numbers (and what else the model takes) of each text, cut at the model's length.

    Raises:
        ModelError: the tokenizer is of another model.
    """
    tagging = subject.task.name == "token-classification"
    given: list[Any] = [text.split(" ") for text in texts] if tagging else list(texts)
    encoded = subject.tokenizer(
        given,
        truncation=True,
        max_length=subject.max_length,
        padding=False,
        is_split_into_words=tagging,
    )
    highest = max((max(ids) for ids in encoded["input_ids"] if ids), default=0)
    words = subject.model.get_input_embeddings().num_embeddings
    if highest >= words:
        raise ModelError(
            f"the tokenizer gives the number {highest} to a token, and {subject.name} knows {words} tokens; "
            "give the tokenizer that the model was trained with"
        )
    found = {name: encoded[name] for name in encoded if name in _TAKEN}
    if tagging:
        found[WORDS] = [
            [-1 if word is None else word for word in encoded.word_ids(row)]
            for row in range(len(texts))
        ]
    return found


def whole_length(subject: Subject, text: str) -> int:
    """Tokens of a text, special ones included, as if the model read texts of any length."""
    tagging = subject.task.name == "token-classification"
    given: Any = text.split(" ") if tagging else text
    how = {"truncation": False, "verbose": False, "is_split_into_words": tagging}
    return len(subject.tokenizer(given, **how)["input_ids"])


WORDS = "words"
"""Among what `encode` gives for a tagger: the number of each token's word, -1 for special tokens."""
_TAKEN = ("input_ids", "attention_mask", "token_type_ids")


def _groups(
    order: list[int], lengths: list[int], tokens: int, multiple: int, longest: int
) -> Iterator[tuple[list[int], int]]:
    group: list[int] = []
    width = 0
    for row in order:
        padded = min(-(-lengths[row] // multiple) * multiple, max(longest, lengths[row]))
        if group and (padded != width or (len(group) + 1) * padded > tokens):
            yield group, width
            group = []
        width = padded
        group.append(row)
    if group:
        yield group, width


def batch_of(
    subject: Subject,
    encoded: Mapping[str, list[list[int]]],
    labels: Sequence[Any],
    rows: Sequence[int],
    width: int,
) -> Batch:
    """Some rows of an encoded split (see `encode`) as one batch, padded to `width` tokens."""
    padding = {"input_ids": subject.tokenizer.pad_token_id or 0}
    inputs = {
        name: torch.tensor(
            [values[row] + [padding.get(name, 0)] * (width - len(values[row])) for row in rows]
        )
        for name, values in encoded.items()
        if name != WORDS
    }
    return Batch(
        {name: tensor.to(subject.device) for name, tensor in inputs.items()},
        _labels(subject, encoded, labels, rows, width),
        torch.tensor(list(rows)),
    )


def _labels(
    subject: Subject,
    encoded: Mapping[str, list[list[int]]],
    labels: Sequence[Any],
    rows: Sequence[int],
    width: int,
) -> Tensor:
    """What the model should answer: a label a text, at the first piece of each word, or the next token."""
    if subject.task.name == "causal-lm":
        wanted = [encoded["input_ids"][row][1:] for row in rows]
    elif WORDS in encoded:
        wanted = [_by_word(encoded[WORDS][row], labels[row]) for row in rows]
    else:
        return torch.tensor([labels[row] for row in rows])
    return torch.tensor([each + [IGNORED] * (width - len(each)) for each in wanted])


def _by_word(words: Sequence[int], tags: Any) -> list[int]:
    # A text without tags is not judged; a word is judged by its first piece.
    tags = tags if isinstance(tags, tuple) else ()
    seen = [-1, *words]
    return [
        tags[word] if 0 <= word < len(tags) and word != before else IGNORED
        for before, word in zip(seen, words, strict=False)
    ]
