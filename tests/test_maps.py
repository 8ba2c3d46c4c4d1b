"""Where heads look in one text, and the same without special tokens or by words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import attention, eager

from analysis.errors import DataError, MaskError, MethodError
from analysis.maps import Maps, by_words, maps, without_special
from analysis.mask import HeadMask
from analysis.surgery import prune


def test_maps_are_those_of_eager_attention(subject):
    text = "the film was not very good , but warm !"
    found = maps(subject, text)
    ids = subject.tokenizer(text)["input_ids"]
    assert list(found.tokens) == subject.tokenizer.convert_ids_to_tokens(ids)
    for mine, theirs in zip(found.weights, attention(eager(subject.model), ids), strict=True):
        assert mine.dtype == torch.float32
        assert np.allclose(mine, theirs, atol=1e-5)
        assert torch.allclose(mine.sum(-1), torch.tensor(1.0), atol=1e-5)


def test_a_mask_changes_maps_above_it_only(subject):
    text = "the film was not very good , but warm !"
    before = maps(subject, text).weights
    after = maps(subject, text, HeadMask.off(subject.anatomy, [(1, 0)])).weights
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])
    assert not torch.allclose(before[2], after[2])


def test_maps_of_a_pruned_model_stand_at_their_layer(distilbert):
    off = [(1, head) for head in range(4)]
    pruned = prune(distilbert, HeadMask.off(distilbert.anatomy, off))
    shapes = [tuple(layer.shape) for layer in maps(pruned, "good film").weights]
    assert shapes == [(4, 4, 4), (0, 4, 4), (4, 4, 4)]


def test_a_long_text_is_cut_at_the_model_s_length(distilbert):
    found = maps(distilbert, "good " * 500)
    assert (len(found.tokens), found.is_cut) == (distilbert.max_length, True)


def test_a_text_of_exactly_the_model_s_length_is_not_cut(distilbert):
    found = maps(distilbert, "good " * (distilbert.max_length - 2))
    assert (len(found.tokens), found.is_cut) == (distilbert.max_length, False)
    assert not without_special(by_words(found)).is_cut


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_text_has_no_maps(distilbert, text):
    with pytest.raises(DataError, match="write a sentence"):
        maps(distilbert, text)


def test_maps_under_a_mask_of_another_model_are_refused(distilbert):
    with pytest.raises(MaskError):
        maps(distilbert, "good", HeadMask(((True,),) * 3))


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
