"""Maps of a text without its special tokens, or by words instead of tokens.

Both work on a finished `Maps`. Special tokens are those that the tokenizer adds, such as [CLS] and [SEP]; an
unknown word is not one of them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from analysis.errors import MethodError

if TYPE_CHECKING:
    from torch import Tensor

    from analysis.profiling import Maps


def words_of(tokenizer: Any, text: str, length: int) -> tuple[int | None, ...]:
    """For each token the number of its word, counted from 0; None for special tokens.

    Two neighbours are of one word when the tokenizer says so and no space stands between them in the
    text: SentencePiece models without pre-tokenization call a whole text one word.

    Args:
        tokenizer: of any kind; one that cannot place its tokens in the text gives no words.
        text: the text.
        length: tokens at most; what comes after is cut.

    Returns:
        One entry a token, or none where the tokenizer cannot tell.
    """
    if not getattr(tokenizer, "is_fast", False):
        return ()
    encoded = tokenizer(text, truncation=True, max_length=length, return_offsets_mapping=True)
    own, places = encoded.word_ids(0), encoded["offset_mapping"]
    numbers: list[int | None] = []
    before, last = None, -1
    for token, word in enumerate(own):
        if word is None:
            numbers.append(None)
            continue
        joined = before is not None and own[before] == word
        if not joined or _is_apart(text, places[before], places[token]):
            last += 1
        numbers.append(last)
        before = token
    return tuple(numbers)


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


def _is_apart(text: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a space stands between two tokens, or at the beginning of the second."""
    start = min(one[1], other[0])
    lead = len(text[other[0] : other[1]]) - len(text[other[0] : other[1]].lstrip())
    return any(sign.isspace() for sign in text[start : other[0] + lead])
