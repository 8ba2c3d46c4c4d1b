"""Which word each token of a text belongs to."""

from __future__ import annotations

from typing import Any


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


def _is_apart(text: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a space stands between two tokens, or at the beginning of the second."""
    start = min(one[1], other[0])
    lead = len(text[other[0] : other[1]]) - len(text[other[0] : other[1]].lstrip())
    return any(sign.isspace() for sign in text[start : other[0] + lead])
