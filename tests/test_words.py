from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from analysis.words import words_of


def wordpiece() -> PreTrainedTokenizerFast:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##believ", "##able", "film", "."]
    core = Tokenizer(models.WordPiece({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="[UNK]")


def byte_level() -> PreTrainedTokenizerFast:
    alphabet = {sign: n for n, sign in enumerate(pre_tokenizers.ByteLevel.alphabet())}
    core = Tokenizer(models.BPE(alphabet, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core)


def sentencepiece() -> PreTrainedTokenizerFast:
    """Which word each token belongs to."""
    pieces = {piece: n for n, piece in enumerate("▁ g o d f i l m ▁g ▁f".split())}
    core = Tokenizer(models.BPE(pieces, [("▁", "g"), ("▁", "f")]))
    core.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    return PreTrainedTokenizerFast(tokenizer_object=core)


def test_wordpiece_tokens_are_counted_by_words():
    found = words_of(wordpiece(), "unbelievable film. xyz", 20)
    assert found == (None, 0, 0, 0, 1, 2, 3, None)


def test_byte_level_tokens_are_counted_by_words():
    assert words_of(byte_level(), "ab cd", 20) == (0, 0, 1, 1, 1)


def test_an_emoji_of_many_bytes_is_one_word():
    found = words_of(byte_level(), "a 🎬", 20)
    assert found == (0, 1, 1, 1, 1, 1)


def test_sentencepiece_without_pretokenization_is_cut_at_spaces():
    assert words_of(sentencepiece(), "good film", 20) == (0, 0, 0, 0, 1, 1, 1, 1)


def test_a_cut_text_has_the_words_of_what_was_read():
    assert len(words_of(wordpiece(), "film " * 50, 9)) == 9
