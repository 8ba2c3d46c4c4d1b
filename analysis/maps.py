"""Where every head looks in one text; also without the special tokens, or by words instead of tokens.

Special tokens are those that the tokenizer adds, such as [CLS] and [SEP]; an unknown word is not one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from analysis.attention import Gates, Intervention, View, gates_of, intervening
from analysis.batches import batches, whole_length
from analysis.errors import DataError, MethodError
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.text import Split
from analysis.words import words_of


@dataclass(frozen=True, eq=False)
class Maps:
    """Attention of every head on one text."""

    tokens: tuple[str, ...]
    weights: tuple[Tensor, ...]
    """A layer each: `[heads, query, key]`, rows sum to 1."""
    words: tuple[int | None, ...] = ()
    """For each token the number of its word, None for special tokens; empty where the tokenizer cannot tell."""
    is_cut: bool = False
    """True where the text is longer than the model reads."""


def maps(subject: Subject, text: str, mask: HeadMask | None = None) -> Maps:
    """Attention of every head on one text, under a mask if one is given.

    A mask changes the maps of the layers above the heads that it switches off. The map of a layer that runs
    at several depths is the mean over them.

    Raises:
        DataError: the text is empty.
        MaskError: the mask is of another model.
    """
    if not text.strip():
        raise DataError("the text is empty; write a sentence to see where the heads look")
    if mask is not None:
        mask.check(subject.anatomy)
    batch = batches(subject, Split((text,), (0,)))[0]
    length = int(batch.real.sum())
    seen: list[Tensor | float] = [0.0] * subject.anatomy.layers
    gates: Gates | None = gates_of(mask, subject.device) if mask is not None else None

    def watch(view: View) -> None:
        seen[view.layer] += view.weights[0, :, :length, :length] / subject.anatomy.depths

    with torch.inference_mode(), intervening(Intervention(gates=gates, watch=watch)):
        subject.model(**batch.inputs)
    ids = batch.inputs["input_ids"][0, :length].tolist()
    nothing = torch.zeros(0, length, length)
    weights = tuple(layer.cpu() if isinstance(layer, Tensor) else nothing for layer in seen)
    words = words_of(subject.tokenizer, text, subject.max_length)
    tokens = tuple(subject.tokenizer.convert_ids_to_tokens(ids))
    return Maps(tokens, weights, words, whole_length(subject, text) > length)


def without_special(maps: Maps) -> Maps:
    """The maps without the rows and columns of special tokens.

    Rows are not made to sum to 1 again: what is missing went to the special tokens.
    """
    kept = [place for place, word in enumerate(maps.words) if word is not None]
    if not kept or len(kept) == len(maps.tokens):
        return maps
    index = torch.tensor(kept)
    return replace(
        maps,
        tokens=tuple(maps.tokens[place] for place in kept),
        words=tuple(maps.words[place] for place in kept),
        weights=tuple(layer[:, index][:, :, index] for layer in maps.weights),
    )


def by_words(maps: Maps) -> Maps:
    """The maps with the tokens of a word merged; special tokens stay as they are.

    Attention on a word is the sum over its tokens, attention of a word the mean over its tokens (Clark et al.
    2019), so rows sum to what they did.

    Raises:
        MethodError: the tokenizer does not say which tokens make a word.
    """
    if not maps.words:
        raise MethodError("this tokenizer does not say which tokens make a word")
    starts = [0] + [
        place + 1
        for place, (one, other) in enumerate(pairwise(maps.words))
        if one is None or one != other
    ]
    ends = [*starts[1:], len(maps.tokens)]
    member = torch.zeros(len(starts), len(maps.tokens))
    for word, (start, end) in enumerate(zip(starts, ends, strict=True)):
        member[word, start:end] = 1
    spans = list(zip(starts, ends, strict=True))
    return replace(
        maps,
        tokens=tuple(_joined(maps.tokens[start:end]) for start, end in spans),
        words=tuple(maps.words[start] for start in starts),
        weights=tuple(_merged(layer, member) for layer in maps.weights),
    )


def _merged(layer: Tensor, member: Tensor) -> Tensor:
    """A layer's maps `[heads, query, key]` by words; `member` is 1 where a token is of a word."""
    mean = member / member.sum(-1, keepdim=True)
    merged = mean @ layer.float() @ member.T
    return merged.to(layer.dtype)


def _joined(tokens: tuple[str, ...]) -> str:
    """The tokens of a word as one, without the marks of WordPiece continuations."""
    return tokens[0] + "".join(token.removeprefix("##") for token in tokens[1:])
