from __future__ import annotations

import pytest
import torch
from oracles import eager, heads_off
from tiny import tiny_model, tiny_tokenizer

from analysis.errors import DataError, MaskError, MethodError
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.profiling import profile
from analysis.repair import repair
from analysis.text import Calibration
from analysis.tryout import Variant, tryout

TEXT = "the film is not very good !"


@torch.no_grad()
def alone(subject, mask) -> list[float]:
    with heads_off(eager(subject.model), mask) as twin:
        ids = torch.tensor([subject.tokenizer(TEXT)["input_ids"]])
        return (
            twin(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].softmax(-1).tolist()
        )


def test_each_mask_answers_as_the_model_alone_does(subject) -> None:
    full = HeadMask.full(subject.anatomy)
    mask = full.switched([(0, 1), (2, 2)], on=False)
    found = tryout(subject, TEXT, [Variant("all", full), Variant("off", mask)])
    for row, each in zip(found.probabilities, (full, mask), strict=True):
        assert row == pytest.approx(alone(subject, each), abs=1e-5)
    assert found.names == ("all", "off")
    assert (
        found.answers[0]
        == subject.labels[int(max(found.probabilities[0]) == found.probabilities[0][1])]
    )


def test_mean_ablation_needs_means_and_uses_them(distilbert, text) -> None:
    mask = HeadMask.off(distilbert.anatomy, [(0, 1), (2, 2)])
    with pytest.raises(MethodError, match="mean outputs"):
        tryout(distilbert, TEXT, [Variant("off", mask, "mean")])
    split = text.split("calibration")
    assert isinstance(split, Calibration)
    means = profile(distilbert, split).means
    zero, mean = (
        tryout(distilbert, TEXT, [Variant("off", mask, how)], means).probabilities
        for how in ("zero", "mean")
    )
    assert zero != mean


def test_a_smaller_model_answers_in_the_masks_place(distilbert, text) -> None:
    mask = HeadMask.off(distilbert.anatomy, [(0, 1), (2, 2)])
    smaller = repair(distilbert, mask, text.split("calibration"), ridge=0.001).subject
    found = tryout(
        distilbert,
        TEXT,
        [Variant("off", mask), Variant("mended", mask, smaller=smaller)],
    )
    alone = tryout(smaller, TEXT, [Variant("mended", HeadMask.full(smaller.anatomy))])
    assert found.probabilities[1] == pytest.approx(alone.probabilities[0], abs=1e-6)
    assert found.probabilities[1] != pytest.approx(found.probabilities[0], abs=1e-4)


def test_it_says_what_was_read(distilbert) -> None:
    full = [Variant("all", HeadMask.full(distilbert.anatomy))]
    short = tryout(distilbert, TEXT, full)
    assert (short.tokens, short.is_cut) == (9, False)
    long = tryout(distilbert, "good " * 5000, full)
    assert (long.tokens, long.is_cut) == (distilbert.max_length, True)


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_refused(distilbert, text) -> None:
    with pytest.raises(DataError, match="write a sentence"):
        tryout(distilbert, text, [Variant("all", HeadMask.full(distilbert.anatomy))])


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "مرحبا", "👩‍👩‍👧 ok", "\u202e\x00\ud83d"]
)
def test_any_text_gets_probabilities(distilbert, text) -> None:
    found = tryout(distilbert, text, [Variant("all", HeadMask.full(distilbert.anatomy))])
    assert sum(found.probabilities[0]) == pytest.approx(1)


def test_a_foreign_mask_is_refused(distilbert) -> None:
    with pytest.raises(MaskError):
        tryout(distilbert, TEXT, [Variant("all", HeadMask(((True,),)))])


def test_a_model_that_does_not_classify_is_told(tokenizer) -> None:
    body = load_model(tiny_model("distilbert").distilbert, tokenizer=tiny_tokenizer())
    with pytest.raises(MethodError, match="does not classify"):
        tryout(body, TEXT, [Variant("all", HeadMask.full(body.anatomy))])
