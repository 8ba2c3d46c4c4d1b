from __future__ import annotations

import pytest
import torch
from tiny import WORDS
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from analysis.tokens import KINDS, is_punctuation, kinds_of


def kinds_by_word(tokenizer, words):
    numbers = torch.tensor(tokenizer.convert_tokens_to_ids(list(words)))
    return {
        word: {kind for kind, true in zip(KINDS, row, strict=True) if true}
        for word, row in zip(words, kinds_of(tokenizer, numbers).tolist(), strict=True)
    }


def test_every_word_of_the_tokenizer_has_its_kind(tokenizer):
    expected = {word: {"punctuation"} if word in ",.!" else set() for word in WORDS}
    assert kinds_by_word(tokenizer, WORDS) == expected


def test_special_tokens_are_no_punctuation(tokenizer):
    assert kinds_by_word(tokenizer, ["[CLS]", "[SEP]", "[PAD]", "[UNK]"]) == {
        "[CLS]": {"cls"},
        "[SEP]": {"sep"},
        "[PAD]": set(),
        "[UNK]": set(),
    }


def test_the_shape_is_that_of_the_tokens(tokenizer):
    ids = torch.tensor([[2, 4, 3], [2, 3, 0]])
    kinds = kinds_of(tokenizer, ids)
    assert kinds.shape == (2, 3, len(KINDS))
    assert kinds.dtype == torch.bool


def test_tokenizers_without_cls_count_beginning_and_end():
    core = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "word": 2, "<u>": 3}, unk_token="<u>"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<u>"
    )
    assert kinds_by_word(tokenizer, ["<s>", "</s>", "word"]) == {
        "<s>": {"cls"},
        "</s>": {"sep"},
        "word": set(),
    }


def test_punctuation_is_found_behind_bytes():
    """Byte-level tokenizers write ’ as three signs that look like letters."""
    signs = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = [signs.pre_tokenize_str(word)[0][0] for word in ("’", " —", "…", "é", " !", "don", " ")]
    core = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate([*words, "<u>"])}, unk_token="<u>")
    )
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<u>")
    found = kinds_of(tokenizer, torch.arange(len(words)))[:, 2].tolist()
    assert found == [True, True, True, False, True, False, False]


@pytest.mark.parametrize("token", [",", "...", "##,", "Ġ!", "▁.", "«", "…", "$", "##", "#", "--"])
def test_signs_are_punctuation(token):
    assert is_punctuation(token)


@pytest.mark.parametrize("token", ["", "a", "a.", "##a", "Ġ", "▁", "é", "中", "7", " ", "Ċ", "Ġa"])
def test_words_numbers_and_spaces_are_not(token):
    assert not is_punctuation(token)
