"""Every task is judged in its own words, by numbers that a few lines of another kind confirm."""

from __future__ import annotations

import math

import pytest
import torch
from families.tiny import build

from analysis.batches import batches
from analysis.errors import DataError, MethodError
from analysis.evaluation import evaluate
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.quality import Tagged, entity_f1, measure
from analysis.surgery import prune
from analysis.tasks import TASKS, task_of
from analysis.text import Test

BIO = ("O", "B-PER", "I-PER")


@pytest.fixture(scope="module")
def language_model(tokenizer):
    return load_model(build("llama"), tokenizer=tokenizer)


@pytest.fixture(scope="module")
def tagger(tokenizer):
    labels = {"id2label": dict(enumerate(BIO)), "label2id": {n: i for i, n in enumerate(BIO)}}
    return load_model(build("roberta-tokens", **labels), tokenizer=tokenizer)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("BertForSequenceClassification", "sequence-classification"),
        ("GPT2LMHeadModel", "causal-lm"),
        ("LlamaForCausalLM", "causal-lm"),
        ("RobertaForTokenClassification", "token-classification"),
        ("ViTForImageClassification", "image-classification"),
        ("BertModel", "representation"),
    ],
)
def test_a_task_is_read_off_the_class(name, task):
    assert task_of(name) is TASKS[task]


def test_a_language_model_is_judged_by_its_next_token(language_model, text):
    split = text.split("test")
    quality = measure(language_model, split)
    losses, right = [], []
    for sentence in split.texts:  # one by one, without padding
        ids = language_model.tokenizer(sentence, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits = language_model.model(input_ids=ids).logits[0, :-1]
        losses += (-logits.log_softmax(-1).gather(1, ids[0, 1:, None])).flatten().tolist()
        right += (logits.argmax(-1) == ids[0, 1:]).tolist()
    assert quality.n == len(losses)
    assert quality.values["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert quality.values["perplexity"] == pytest.approx(math.exp(quality.values["loss"]))
    assert quality.values["accuracy"] == pytest.approx(sum(right) / len(right), abs=2 / quality.n)
    assert list(quality.values) == ["perplexity", "loss", "accuracy"]


def test_removing_equals_masking_for_a_language_model(language_model, text):
    mask = HeadMask.off(language_model.anatomy, [(0, 0), (0, 4), (2, 0), (2, 1), (2, 2), (2, 3)])
    split = text.split("test")
    masked = measure(language_model, split, mask)
    removed = measure(prune(language_model, mask), split)
    torch.testing.assert_close(masked.losses, removed.losses, atol=1e-4, rtol=1e-4)
    assert removed.change(masked).points == pytest.approx(0, abs=0.5)


def test_a_sentence_classifier_is_judged_as_evaluate_judges_it(subject, text):
    split = text.split("test")
    quality = measure(subject, split)
    evaluation = evaluate(subject, batches(subject, split))
    assert quality.values["accuracy"] == pytest.approx(evaluation.accuracy)
    assert quality.values["loss"] == pytest.approx(evaluation.loss, rel=1e-5)
    assert torch.equal(quality.correct, evaluation.predictions.correct)


def test_a_tagger_is_judged_word_by_word(tagger):
    words = (("good", "film"), ("the", "plot", "is", "dull"), ("fine",))
    given = []
    for sentence in words:
        encoded = tagger.tokenizer([list(sentence)], is_split_into_words=True, return_tensors="pt")
        with torch.inference_mode():
            answers = tagger.model(**encoded.to("cpu")).logits[0].argmax(-1)
        given.append(tuple(int(answers[1 + place]) for place in range(len(sentence))))
    right = measure(tagger, Tagged(words, tuple(given)))
    assert right.n == 7
    assert right.values["accuracy"] == right.values["entity_f1"] == 1
    wrong = measure(tagger, Tagged(words, tuple(tuple((t + 1) % 3 for t in s) for s in given)))
    assert wrong.values["accuracy"] == 0


@pytest.mark.parametrize(
    ("given", "true", "expected"),
    [
        ([1, 2, 0, 1], [1, 2, 0, 1], 1.0),
        ([1, 0, 0, 1], [1, 2, 0, 1], 0.5),  # one entity cut short, one found
        ([0, 0, 0, 0], [1, 2, 0, 1], 0.0),
        ([0, 0, 0, 0], [0, 0, 0, 0], 1.0),
        ([1, 1, 0, 0], [1, 2, 0, 0], 0.0),  # two entities instead of one
        ([2, 2, 0, 0], [1, 2, 0, 0], 1.0),  # an I- that nothing precedes begins one
    ],
)
def test_entity_f1(given, true, expected):
    rows = torch.zeros(4, dtype=torch.long)
    found = entity_f1(BIO, rows, torch.tensor(given), torch.tensor(true))
    assert found == pytest.approx(expected)


def test_an_entity_ends_with_its_sentence():
    rows = torch.tensor([0, 0, 1, 1])
    assert entity_f1(BIO, rows, torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 1, 0])) == 1.0


def test_data_of_another_kind_is_refused(tagger, language_model, tokenizer, text):
    with pytest.raises(DataError, match="token classification needs words with tags"):
        measure(tagger, text.split("test"))
    with pytest.raises(DataError, match="needs sentences"):
        measure(language_model, Tagged((("good",),), ((0,),)))
    with pytest.raises(DataError, match="2 words and 1 tags"):
        Tagged((("good", "film"),), ((0,),))
    with pytest.raises(DataError, match="label number 7"):
        measure(tagger, Tagged((("good",),), ((7,),)))
    with pytest.raises(DataError, match="no tokens to judge"):
        measure(language_model, Test((), ()))
    base = load_model(build("bert-base"), tokenizer=tokenizer)
    with pytest.raises(MethodError, match="cannot be judged on texts"):
        measure(base, text.split("test"))
