"""What kind of token a key is: the classification token, the separator, punctuation."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KINDS = ("cls", "sep", "punctuation")
"""The kinds that statistics tell apart, in the order of the columns below."""

_SPACES = "Ġ▁Ċ \t\n"
"""Signs with which tokenizers mark spaces and line ends."""
_BROKEN = "\ufffd"
"""What part of a letter decodes to where tokens are bytes; Unicode counts it as a symbol."""


def kinds_of(tokenizer: PreTrainedTokenizerBase, input_ids: Tensor) -> Tensor:
    """For each token which kinds it is of, bool `[..., 3]` in the order of `KINDS`.

    Tokenizers without a [CLS] or [SEP] of their own count their beginning- and end-of-text tokens.
    """
    table = _kinds(tokenizer, len(tokenizer)).to(input_ids.device)
    return table[input_ids.clamp(max=len(table) - 1)]


@lru_cache(maxsize=8)
def _kinds(tokenizer: Any, size: int) -> Tensor:
    table = torch.zeros(size, len(KINDS), dtype=torch.bool)
    special = set(tokenizer.all_special_ids)
    for column, numbers in enumerate(
        (
            (tokenizer.cls_token_id, tokenizer.bos_token_id),
            (tokenizer.sep_token_id, tokenizer.eos_token_id),
        )
    ):
        number = next((number for number in numbers if number is not None), None)
        if number is not None:
            table[number, column] = True
    # Byte-level tokenizers write ’ as three signs that look like letters; only their decoder knows.
    decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    words = tokenizer.convert_ids_to_tokens(range(size))
    for number, word in enumerate(words):
        if number in special or word is None:
            continue
        table[number, 2] = is_punctuation(decoder.decode([word]) if decoder else word)
    return table


def is_punctuation(token: str) -> bool:
    """True when a token, without its tokenizer's marks, is made of punctuation alone.

    >>> is_punctuation("##,"), is_punctuation("Ġ!"), is_punctuation("a.")
    (True, True, False)
    """
    word = token.strip(_SPACES)
    word = word.strip("#") or word  # ## marks a continuation, # alone is a sign
    return bool(word) and all(
        letter != _BROKEN and unicodedata.category(letter).startswith(("P", "S")) for letter in word
    )
