"""Every task is judged in its own words, by numbers that a few lines of another kind confirm."""

from __future__ import annotations

import math

import pytest
import torch
from families.tiny import build

from analysis.answers import Predictions, divergences, grouped
from analysis.attention import Intervention, intervening
from analysis.batches import batches
from analysis.errors import DataError, MethodError
from analysis.evaluation import compared, evaluate
from analysis.gradients import gate_gradients
from analysis.intervals import OPEN
from analysis.mask import HeadMask
from analysis.measures import measured, over_texts
from analysis.models import load_model
from analysis.replay import Replay
from analysis.scores import rank
from analysis.surgery import prune
from analysis.tasks import ACCURACY, TASKS, task_of
from analysis.text import Calibration, Test

BIO = ("O", "B-PER", "I-PER")
TAGGED = Test(
    ("good film", "the plot is dull", "fine", "a warm and fine film . not bad"),
    ((1, 0), (0, 1, 2, 0), (1,), (0, 1, 2, 2, 0, 0, 1, 0)),
)


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
    found = Replay(language_model, split).evaluate()
    quality = {each.measure.name: each.value for each in found.measured}
    losses, right = [], []
    for sentence in split.texts:  # one by one, without padding
        ids = language_model.tokenizer(sentence, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits = language_model.model(input_ids=ids).logits[0, :-1]
        losses += (-logits.log_softmax(-1).gather(1, ids[0, 1:, None])).flatten().tolist()
        right += (logits.argmax(-1) == ids[0, 1:]).tolist()
    assert found.n == len(losses)
    assert quality["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert quality["perplexity"] == pytest.approx(math.exp(quality["loss"]))
    assert quality["accuracy"] == pytest.approx(sum(right) / len(right), abs=2 / found.n)
    assert list(quality) == ["perplexity", "loss", "accuracy"]


def test_removing_equals_masking_for_a_language_model(language_model, text):
    mask = HeadMask.off(language_model.anatomy, [(0, 0), (0, 4), (2, 0), (2, 1), (2, 2), (2, 3)])
    split = text.split("test")
    masked = Replay(language_model, split).evaluate(mask)
    removed = Replay(prune(language_model, mask), split).evaluate()
    torch.testing.assert_close(
        masked.predictions.losses, removed.predictions.losses, atol=1e-4, rtol=1e-4
    )
    assert compared(removed, masked).change.points == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("fixture", ["language_model", "tagger"])
def test_a_replay_answers_as_a_plain_pass_for_every_task(fixture, request, text):
    subject = request.getfixturevalue(fixture)
    split = text.split("test") if fixture == "language_model" else TAGGED
    mask = HeadMask.off(subject.anatomy, [(1, 0), (1, 2), (2, 1)])
    plain = evaluate(subject, batches(subject, split), mask)
    replay = Replay(subject, split)
    for _ in range(2):  # the second time from what the first left
        found = replay.evaluate(mask)
        torch.testing.assert_close(
            found.predictions.losses, plain.predictions.losses, atol=1e-4, rtol=1e-4
        )
        assert torch.equal(found.predictions.answers, plain.predictions.answers)
        assert torch.equal(found.predictions.texts, plain.predictions.texts)
        assert found.main.value == pytest.approx(plain.main.value, rel=1e-4)


@pytest.mark.parametrize("fixture", ["language_model", "tagger"])
@pytest.mark.parametrize(
    "method", ["taylor", "taylor-layer", "fisher", "hies", "attribution", "leave-one-out",
               "leave-one-out-loss", "greedy", "shapley", "repair-aware", "attention-guided"]
)  # fmt: skip
def test_every_method_scores_the_heads_of_every_task(fixture, method, request, text):
    subject = request.getfixturevalue(fixture)
    split = text.split("calibration").limited(4) if fixture == "language_model" else TAGGED
    calibration = Calibration(split.texts, split.labels)
    found = rank(subject, calibration, method)
    assert len(found.order) == subject.anatomy.heads_total
    assert found.values["score"].notna().all()
    assert found.values["score"].nunique() > 1


def test_the_derivative_of_a_texts_loss_is_what_a_small_step_shows(language_model, text):
    split = text.split("calibration").limited(3)
    found = gate_gradients(language_model, split)
    for place, sentence in enumerate(split.texts):
        ids = language_model.tokenizer(sentence, return_tensors="pt")["input_ids"]
        losses = []
        for gate in (0.99, 1.01):
            gates = [torch.ones(1, count) for count in language_model.anatomy.heads]
            gates[1][0, 2] = gate
            with torch.inference_mode(), intervening(Intervention(gates=gates)):
                logits = language_model.model(input_ids=ids).logits[0, :-1]
            losses.append(float(torch.nn.functional.cross_entropy(logits, ids[0, 1:])))
        heads = language_model.anatomy.heads[0] + 2
        slope = (losses[1] - losses[0]) / 0.02
        assert float(found.loss[place, heads]) == pytest.approx(slope, abs=2e-3)


def test_a_sentence_classifier_keeps_its_exact_intervals(subject, text):
    found = Replay(subject, text.split("test")).evaluate()
    accuracy, loss = found.measured
    assert (accuracy.value, accuracy.low, accuracy.high) == (found.accuracy, found.low, found.high)
    assert loss.value == pytest.approx(found.loss, rel=1e-5)


def test_a_tagger_is_judged_word_by_word(tagger):
    words = (("good", "film"), ("the", "plot", "is", "dull"), ("fine",))
    given = []
    for sentence in words:
        encoded = tagger.tokenizer([list(sentence)], is_split_into_words=True, return_tensors="pt")
        with torch.inference_mode():
            answers = tagger.model(**encoded.to("cpu")).logits[0].argmax(-1)
        given.append(tuple(int(answers[1 + place]) for place in range(len(sentence))))
    texts = tuple(map(" ".join, words))
    right = Replay(tagger, Test(texts, tuple(given))).evaluate()
    assert right.n == 7
    assert {each.measure.name: each.value for each in right.measured}["accuracy"] == 1
    assert right.main.measure.name == "entity_f1"
    assert right.main.value == 1
    other = tuple(tuple((tag + 1) % 3 for tag in sentence) for sentence in given)
    assert Replay(tagger, Test(texts, other)).evaluate().accuracy == 0


def test_intervals_come_from_the_spread_of_whole_texts():
    """A text's tokens all right or all wrong: the interval is that of a mean over texts, far wider than tokens'."""
    texts = torch.arange(40).repeat_interleave(10)
    right = (texts % 2).long()
    read = (texts, right, torch.ones(400))
    task = TASKS["causal-lm"]
    given = Predictions(
        torch.arange(400), torch.zeros(400, 2), torch.ones(400).long(), task, (), read
    )
    found = measured(ACCURACY, given)
    assert found.value == pytest.approx(0.5)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / 39**0.5, rel=1e-3)
    own = over_texts(given.correct, texts, "share")
    assert (own.low, own.high) == (found.low, found.high)
    # Of 40 texts none differs: with a chance of 2.5 % so do 3.7 of 40.
    same = measured(ACCURACY, given, given)
    assert (same.change.low, same.change.high) == pytest.approx((-100 * OPEN / 40, 100 * OPEN / 40))
    certain = over_texts(torch.ones(400), texts, "share")
    assert (certain.low, certain.high) == pytest.approx((1 - OPEN / 40, 1))
    assert over_texts(torch.ones(400), texts, "nats").low == 1


def test_grouping_tokens_keeps_their_chances_and_never_adds_divergence():
    first, second = torch.randn(2, 5, 1000, generator=torch.Generator().manual_seed(0))
    groups = grouped(first)
    assert groups.exp().sum(-1).tolist() == pytest.approx([1] * 5, abs=1e-5)
    assert float(groups[0, 3].exp()) == pytest.approx(
        float(first[0].softmax(-1)[3::64].sum()), rel=1e-4
    )
    assert 0 < divergences(grouped(second), groups) < divergences(second, first)


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
    assert f1(given, true, [0, 0, 0, 0]) == pytest.approx(expected)


def test_an_entity_ends_with_its_sentence():
    assert f1([0, 1, 2, 0], [0, 1, 1, 0], [0, 0, 1, 1]) == 1.0


def f1(given, true, texts):
    """The first measure of a tagger that gave these labels."""
    task = TASKS["token-classification"]
    read = (torch.tensor(texts), torch.tensor(given), torch.ones(len(given)))
    answers = torch.arange(len(given)), torch.zeros(len(given), len(BIO)), torch.tensor(true)
    return measured(task.measures[0], Predictions(*answers, task, BIO, read)).value


def test_what_cannot_be_judged_is_refused(tagger, language_model, tokenizer, text):
    with pytest.raises(DataError, match="no words to judge: the words have no tags"):
        Replay(tagger, text.split("test"))
    with pytest.raises(DataError, match="label number 7"):
        Replay(tagger, Test(("good",), ((7,),)))
    with pytest.raises(DataError, match="no sentences"):
        Replay(language_model, Test((), ()))
    base = load_model(build("bert-base"), tokenizer=tokenizer)
    with pytest.raises(MethodError, match="cannot be judged on texts"):
        evaluate(base, batches(base, text.split("test")))
