"""Sentences as tensors: batches of like length, so that little of the work is padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from analysis.errors import ModelError
from analysis.text import Split

if TYPE_CHECKING:
    from analysis.models import Subject

TOKENS = 4096
"""Tokens of a batch, padding included, unless a single sentence is longer."""
MULTIPLE = 8
"""Lengths are padded to a multiple of this, which keeps the number of different shapes small."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some sentences of a split, ready for the model."""

    inputs: Mapping[str, Tensor]
    """What the model is called with, among it `input_ids` and `attention_mask`, each `[batch, tokens]`."""
    labels: Tensor
    """Index of each sentence's true label, `[batch]`."""
    rows: Tensor
    """Place of each sentence in its split, `[batch]`."""

    @property
    def real(self) -> Tensor:
        """Which tokens are not padding, bool `[batch, tokens]`."""
        return self.inputs["attention_mask"].bool()

    def __len__(self) -> int:
        return len(self.rows)


def batches(
    subject: Subject, split: Split, *, tokens: int = TOKENS, multiple: int = MULTIPLE
) -> list[Batch]:
    """Cut a split into batches of like length, short sentences first.

    Texts past the model's length are cut there.

    Args:
        subject: the model, for its tokenizer and length.
        split: the sentences.
        tokens: size of a batch, padding included.
        multiple: lengths are padded to a multiple of this.
    """
    if not split.texts:
        return []
    encoded = encode(subject, split.texts)
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
    encoded = subject.tokenizer(
        list(texts), truncation=True, max_length=subject.max_length, padding=False
    )
    highest = max((max(ids) for ids in encoded["input_ids"] if ids), default=0)
    words = subject.model.get_input_embeddings().num_embeddings
    if highest >= words:
        raise ModelError(
            f"the tokenizer gives the number {highest} to a token, and {subject.name} knows {words} tokens; "
            "give the tokenizer that the model was trained with"
        )
    return {name: encoded[name] for name in encoded if name in _TAKEN}


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
    labels: Sequence[int],
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
    }
    return Batch(
        {name: tensor.to(subject.device) for name, tensor in inputs.items()},
        torch.tensor([labels[row] for row in rows]),
        torch.tensor(list(rows)),
    )
