from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import WORDS, sentences

from analysis.batches import MULTIPLE, batches, encode
from analysis.text import Split

texts = st.lists(
    st.lists(st.sampled_from(WORDS), max_size=90).map(" ".join), min_size=1, max_size=20
)


def split_of(texts: list[str]) -> Split:
    return Split(tuple(texts), tuple(number % 2 for number in range(len(texts))))


@settings(deadline=None, max_examples=40)
@given(texts=texts, tokens=st.integers(0, 400), multiple=st.integers(1, 16))
def test_every_sentence_stands_in_one_batch_with_its_tokens_and_label(
    distilbert, texts, tokens, multiple
):
    split = split_of(texts)
    expected = encode(distilbert, split.texts)
    seen = []
    for batch in batches(distilbert, split, tokens=tokens, multiple=multiple):
        assert len(batch) == len(batch.rows) == len(batch.labels) == len(batch.inputs["input_ids"])
        for place, row in enumerate(batch.rows.tolist()):
            seen.append(row)
            real = batch.inputs["input_ids"][place][batch.real[place]].tolist()
            assert real == expected["input_ids"][row]
            assert batch.labels[place] == split.labels[row]
    assert sorted(seen) == list(range(len(split)))


@settings(deadline=None, max_examples=40)
@given(texts=texts, tokens=st.integers(1, 400))
def test_batches_keep_their_size_and_little_of_them_is_padding(distilbert, texts, tokens):
    widths = []
    for batch in batches(distilbert, split_of(texts), tokens=tokens):
        count, width = batch.inputs["input_ids"].shape
        assert count * width <= tokens or count == 1
        assert width % MULTIPLE == 0 or width == distilbert.max_length
        assert width - int(batch.real.sum(1).min()) < MULTIPLE
        widths.append(width)
    assert widths == sorted(widths)


def test_padding_stands_at_the_end_and_is_the_tokenizer_s(distilbert):
    batch = batches(distilbert, split_of(["good film", "good film plot is"]))[0]
    assert batch.inputs["input_ids"][0].tolist()[4:] == [distilbert.tokenizer.pad_token_id] * 4
    assert batch.inputs["attention_mask"][0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_a_text_past_the_model_s_length_is_cut_there(subject):
    batch = batches(subject, split_of(["good " * 500]))[0]
    assert batch.inputs["input_ids"].shape == (1, subject.max_length)
    assert batch.inputs["input_ids"][0, -1] == subject.tokenizer.sep_token_id
    with torch.inference_mode():
        assert subject.model(**batch.inputs).logits.isfinite().all()


def test_a_length_that_is_no_multiple_is_not_passed(distilbert):
    from dataclasses import replace

    odd = replace(distilbert, max_length=61)
    batch = batches(odd, split_of(["good " * 500]))[0]
    assert batch.inputs["input_ids"].shape == (1, 61)


@pytest.mark.parametrize("text", ["", " ", "\n", "zzz", "🎬" * 40, "\u200b", "a" * 10_000])
def test_any_text_gives_tokens_that_the_model_reads(distilbert, text):
    batch = batches(distilbert, split_of([text]))[0]
    with torch.inference_mode():
        assert distilbert.model(**batch.inputs).logits.isfinite().all()


def test_no_texts_give_no_batches(distilbert):
    assert batches(distilbert, Split((), ())) == []


def test_batches_are_the_same_every_time(distilbert):
    split = Split(*sentences(40))
    once, twice = (batches(distilbert, split, tokens=100) for _ in range(2))
    for one, other in zip(once, twice, strict=True):
        assert torch.equal(one.rows, other.rows)
        assert torch.equal(one.inputs["input_ids"], other.inputs["input_ids"])
