from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from analysis.errors import MethodError
from analysis.profiling import Maps, maps
from analysis.words import by_words, without_special, words_of


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
    """As Llama's first: one stretch of text in which spaces are letters."""
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


def drawn(words: tuple[int | None, ...]) -> Maps:
    n = len(words)
    weights = torch.rand(2, 3, n, n, generator=torch.Generator().manual_seed(0)).softmax(-1)
    return Maps(tuple(f"t{place}" for place in range(n)), tuple(weights), words)


def test_a_word_is_looked_at_by_the_sum_and_looks_as_the_mean_of_its_tokens():
    given = drawn((None, 0, 0, 1, None))
    found = by_words(given)
    assert found.tokens == ("t0", "t1t2", "t3", "t4")
    assert found.words == (None, 0, 1, None)
    one, merged = given.weights[1][2], found.weights[1][2]
    assert merged[0, 1] == pytest.approx(float(one[0, 1] + one[0, 2]))
    assert merged[1, 2] == pytest.approx(float((one[1, 3] + one[2, 3]) / 2))
    assert torch.allclose(merged.sum(-1), torch.tensor(1.0))


def test_words_of_one_token_leave_the_maps_as_they_are():
    given = drawn((None, 0, 1, 2, None))
    found = by_words(given)
    assert found.tokens == given.tokens
    for mine, theirs in zip(found.weights, given.weights, strict=True):
        assert torch.allclose(mine, theirs)


def test_special_tokens_go_with_their_rows_and_columns():
    given = drawn((None, 0, 1, None))
    found = without_special(given)
    assert found.tokens == ("t1", "t2")
    assert torch.equal(found.weights[0], given.weights[0][:, 1:3, 1:3])
    assert torch.equal(without_special(found).weights[0], found.weights[0])


def test_both_in_either_order_are_the_same():
    given = drawn((None, 0, 0, 1, 1, 2, None))
    one, other = by_words(without_special(given)), without_special(by_words(given))
    assert one.tokens == other.tokens
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        assert torch.allclose(mine, theirs)


def test_two_special_tokens_beside_each_other_are_not_one_word():
    assert by_words(drawn((None, None, 0))).tokens == ("t0", "t1", "t2")


def test_a_tokenizer_that_cannot_tell_is_refused():
    with pytest.raises(MethodError, match="which tokens make a word"):
        by_words(drawn(()))


def test_maps_of_a_model_know_their_words(distilbert):
    found = maps(distilbert, "good film!")
    assert found.words == (None, 0, 1, 2, None)
