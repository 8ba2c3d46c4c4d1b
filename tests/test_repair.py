"""Closed-form repair: exact where it claims to be, better than nothing where it is solved."""

from __future__ import annotations

import pytest
import torch
from families.tiny import REMOVABLE, build, padded

from analysis import repair as repairs
from analysis import solving
from analysis.batches import batches
from analysis.errors import MethodError, ProtocolError
from analysis.evaluation import evaluate, logits
from analysis.mask import HeadMask
from analysis.models import fingerprint, load_model
from analysis.profiling import profile
from analysis.progress import finish
from analysis.repair import Report, repair, repairing
from analysis.solving import advance
from analysis.text import Calibration, Selection, Test
from analysis.walk import owners_of


def half(anatomy) -> HeadMask:
    return HeadMask(
        tuple(
            tuple((layer + head) % 2 == 0 for head in range(count))
            for layer, count in enumerate(anatomy.heads)
        )
    )


def outputs(subject, split, mask=None, **options):
    mask = mask or HeadMask.full(subject.anatomy)
    return torch.cat([logits(subject, batch, mask, **options) for batch in batches(subject, split)])


def distance(first, second):
    return float((first - second).square().mean())


def test_none_is_the_masked_model(subject, text):
    mask = half(subject.anatomy)
    repaired = repair(subject, mask, None, "none")
    torch.testing.assert_close(
        outputs(repaired.subject, text.split("test")),
        outputs(subject, text.split("test"), mask),
        atol=1e-4,
        rtol=1e-5,
    )
    assert repaired.report.used == "none"


def test_mean_is_mean_ablation(subject, text):
    mask = half(subject.anatomy)
    calibration = text.split("calibration")
    means = profile(subject, calibration).means
    repaired = repair(subject, mask, calibration, "mean").subject
    torch.testing.assert_close(
        outputs(repaired, text.split("test")),
        outputs(subject, text.split("test"), mask, ablation="mean", means=means),
        atol=1e-4,
        rtol=1e-5,
    )


def test_least_squares_comes_closer_to_the_full_model_than_no_repair(subject, text):
    mask = half(subject.anatomy)
    calibration = text.split("calibration")
    full = outputs(subject, calibration)
    bare = repair(subject, mask, None, "none").subject
    repaired = repair(subject, mask, calibration, ridge=0.001)
    before, after = (
        distance(outputs(model, calibration), full) for model in (bare, repaired.subject)
    )
    assert after < before
    assert all(0 <= layer.share <= 1 for layer in repaired.report.layers)
    assert repaired.report.tokens == sum(
        int(batch.real.sum()) for batch in batches(subject, calibration)
    )


def test_a_removed_head_that_a_kept_one_repeats_is_recovered_exactly(tokenizer, text):
    model = build("distilbert")
    attention = model.distilbert.transformer.layer[1].attention
    with torch.no_grad():  # head 3 computes what head 0 computes
        for projection in (attention.q_lin, attention.k_lin, attention.v_lin):
            projection.weight[24:] = projection.weight[:8]
            projection.bias[24:] = projection.bias[:8]
    subject = load_model(model, tokenizer=tokenizer)
    mask = HeadMask.off(subject.anatomy, [(1, 3)])
    calibration, test = text.split("calibration"), text.split("test")
    repaired = repair(subject, mask, calibration, ridge=1e-9).subject
    bare = repair(subject, mask, None, "none").subject
    full = outputs(subject, test)
    assert distance(outputs(repaired, test), full) < 1e-5 * distance(outputs(bare, test), full)


def test_padding_does_not_enter_the_sums(distilbert, text):
    """One long sentence beside short ones changes their padding, and nothing else may change."""
    mask = half(distilbert.anatomy)
    texts = ("a good film", "bad", "the plot is dull and cold . not very good !", "fine")
    alone = repairs.batches
    calibration = Calibration(texts, (0, 1, 0, 1))
    try:
        first = repair(distilbert, mask, calibration).subject
        repairs.batches = lambda subject, split, **_: [
            batch
            for row in range(len(split))
            for batch in alone(subject, Calibration(split.texts[row : row + 1], (0,)))
        ]
        second = repair(distilbert, mask, calibration).subject
    finally:
        repairs.batches = alone
    torch.testing.assert_close(
        outputs(first, text.split("test")),
        outputs(second, text.split("test")),
        atol=2e-3,
        rtol=1e-3,
    )


def test_repairs_that_share_a_teacher_are_the_same_as_alone(distilbert, text):
    """The second finds the full model's streams kept, also when it begins at a higher layer."""
    calibration, test = text.split("calibration"), text.split("test")
    teacher = repairs.teacher_of(distilbert, calibration)
    for mask in (half(distilbert.anatomy), HeadMask.off(distilbert.anatomy, [(1, 0), (2, 3)])):
        alone = repair(distilbert, mask, calibration).subject
        shared = repair(distilbert, mask, calibration, teacher=teacher).subject
        assert torch.equal(outputs(alone, test), outputs(shared, test))


@pytest.mark.parametrize("name", ["distilbert", "gpt2", "llama", "modernbert"])
def test_a_layers_output_is_foreseen_rather_than_computed_again(name, tokenizer, text, monkeypatch):
    subject = load_model(build(name), tokenizer=tokenizer)
    calibration = text.split("calibration")
    mask = HeadMask.off(
        subject.anatomy, [(0, head) for head in range(0, subject.anatomy.heads[0], 2)]
    )
    foreseen = repair(subject, mask, calibration).subject
    again = []
    monkeypatch.setattr(solving, "advance", lambda *given: again.append(given) or advance(*given))
    repair(subject, mask, calibration)
    assert not again
    monkeypatch.setattr(solving, "CLOSE", -1.0)
    computed = repair(subject, mask, calibration).subject
    assert len(again) == len(set(map(id, owners_of(subject.model))))
    inputs = padded(subject.model)
    with torch.inference_mode():
        first, second = (model.model(**inputs)[0] for model in (foreseen, computed))
    torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)


# Images have no calibration texts, and BART asks for a tokenizer that ends texts with its end token.
@pytest.mark.parametrize("name", [name for name in REMOVABLE if name not in ("vit", "bart")])
def test_every_family_of_texts_is_repaired_and_the_full_model_stays(tokenizer, text, name):
    model = build(name)
    subject = load_model(model, tokenizer=tokenizer)
    groups = subject.anatomy.groups
    rows = [
        tuple(head % (heads // count) != 0 if heads > count else head != 0 for head in range(heads))
        for heads, count in zip(subject.anatomy.heads, groups, strict=True)
    ]
    mask = HeadMask(tuple(rows))
    mark = fingerprint(subject.model)
    done = repair(subject, mask, text.split("calibration"))
    assert fingerprint(subject.model) == mark
    assert done.report.used == "least-squares"
    assert not [module for module in done.subject.model.modules() if "forward" in vars(module)]
    first = [layer for layer in done.report.layers if layer.before > 0]
    assert first
    assert all(layer.after <= layer.before * (1 + 1e-6) for layer in first)
    inputs = padded(model)
    with torch.inference_mode():
        result = done.subject.model(**inputs)[0]
    assert torch.isfinite(result).all()


def test_a_repair_that_is_worse_on_selection_is_taken_back(distilbert, text, monkeypatch):
    monkeypatch.setattr(repairs, "compare", lambda before, after, split: (0.9, 0.8, True))
    mask = half(distilbert.anatomy)
    split = text.split("selection")
    done = repair(distilbert, mask, text.split("calibration"), selection=split)
    assert done.report.used == "none"
    assert done.report.asked == "least-squares"
    assert "taken back" in done.report.sentence
    bare = repair(distilbert, mask, None, "none").subject
    torch.testing.assert_close(outputs(done.subject, split), outputs(bare, split))


def test_a_repair_is_compared_with_the_rival_that_it_must_beat(distilbert, text, monkeypatch):
    seen = []
    monkeypatch.setattr(
        repairs, "compare", lambda before, after, split: seen.append(before) or (0.8, 0.9, False)
    )
    mask, calibration = half(distilbert.anatomy), text.split("calibration")
    rival = repair(distilbert, mask, calibration, "mean").subject
    steps = repairing(distilbert, mask, calibration, selection=text.split("selection"), rival=rival)
    assert finish(steps).report.used == "least-squares"
    assert seen == [rival]


def test_never_worse_on_selection(subject, text):
    split = text.split("selection")
    mask = half(subject.anatomy)
    done = repair(subject, mask, text.split("calibration"), selection=split)
    bare = repair(subject, mask, None, "none").subject
    after, before = (
        evaluate(model, batches(model, split)).accuracy for model in (done.subject, bare)
    )
    assert after >= before
    assert isinstance(done.report, Report)


def test_only_the_right_splits_are_taken(distilbert, text):
    mask = half(distilbert.anatomy)
    with pytest.raises(ProtocolError, match="solved on the calibration split, not on 'test'"):
        repair(distilbert, mask, Test(*_of(text.split("test"))))
    with pytest.raises(ProtocolError, match="compared on the selection split, not on 'test'"):
        repair(
            distilbert, mask, text.split("calibration"), selection=Test(*_of(text.split("test")))
        )
    with pytest.raises(MethodError, match="unknown repair 'magic'"):
        repair(distilbert, mask, text.split("calibration"), "magic")
    with pytest.raises(MethodError, match="needs texts"):
        repair(distilbert, mask, None, "mean")
    assert Selection.name == "selection"


def _of(split):
    return split.texts, split.labels
