"""One plan in, one model and its numbers out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from families.tiny import build

from analysis import repair as repairs
from analysis.errors import DataError, HeadcountError, ModelError, PlaceError
from analysis.handover import judging
from analysis.handover.delivery import Wish, delivering
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.plan import Plan
from analysis.progress import finish


@pytest.mark.parametrize("name", ["distilbert", "llama"])
def test_everything_is_measured_and_written(tokenizer, text, tmp_path, name):
    subject = load_model(build(name), tokenizer=tokenizer)
    heads = [(0, 0), (0, 4), (1, 1), (1, 5)] if name == "llama" else [(0, 0), (1, 2)]
    mask = HeadMask.off(subject.anatomy, heads)
    plan = Plan("less", "live", subject.fingerprint, mask, repair="mean")
    wish = Wish(folder=tmp_path / "out", length=16, rounds=2)
    found = finish(delivering(subject, text, plan, wish))
    assert list(found.standings)[:3] == ["before", "masked", "removed"]
    masked, removed = found.standings["masked"], found.standings["removed"]
    assert removed.main.value == pytest.approx(masked.main.value, rel=0.05)
    assert found.standings["before"].main.change is None
    assert removed.main.change is not None
    assert found.parity < 1e-4
    assert found.after.parameters < found.before.parameters
    assert found.after.flops < found.before.flops
    assert found.latency is not None
    assert found.written is not None
    assert found.written.parity[0].passed
    assert "all heads of attention are" in found.numbers()["ceiling"]
    card = (tmp_path / "out/README.md").read_text()
    assert "removed against masked" in card
    assert f"{found.after.parameters:,} after" in card


def test_what_the_repair_won_back_is_told(distilbert, text, tmp_path):
    plan = planned(distilbert, [(0, 0), (1, 2)], repair="mean")
    wish = Wish(folder=tmp_path / "out", length=16, rounds=0)
    found = finish(delivering(distilbert, text, plan, wish))
    removed, repaired = (found.standings[form].main for form in ("removed", "repaired"))
    assert found.recovery is not None
    won = repaired.change.points - removed.change.points
    assert found.recovery.regained == pytest.approx(won, abs=1e-6)
    assert found.recovery.sentence in (tmp_path / "out/README.md").read_text()


def planned(subject, heads, **options) -> Plan:
    mask = HeadMask.off(subject.anatomy, heads)
    return Plan("less", "live", subject.fingerprint, mask, **options)


def test_a_plan_of_means_is_removed_as_it_was_seen(distilbert, text):
    plan = planned(distilbert, [(0, 0), (1, 2), (2, 1)], ablation="mean")
    found = finish(delivering(distilbert, text, plan, Wish(length=16, rounds=0)))
    assert found.parity < 1e-4
    assert found.report.used == found.plan.repair == "mean"
    assert "repaired" not in found.standings
    loss = {name: form.measured[1].value for name, form in found.standings.items()}
    assert loss["removed"] == pytest.approx(loss["masked"], abs=1e-4)
    zero = finish(delivering(distilbert, text, replace(plan, ablation="zero"), Wish(rounds=0)))
    assert zero.standings["masked"].measured[1].value != pytest.approx(loss["masked"], abs=1e-4)


def test_a_bare_model_is_compared_but_not_judged(tokenizer, text, tmp_path):
    subject = load_model(build("distilbert").distilbert, tokenizer=tokenizer)
    plan = planned(subject, [(0, 0), (1, 2)], repair="least-squares")
    wish = Wish(folder=tmp_path / "out", length=16, rounds=0)
    found = finish(delivering(subject, text, plan, wish))
    assert found.standings == {}
    assert found.recovery is None
    assert found.report.used == "least-squares"
    assert "not compared on selection" in found.report.sentence
    assert found.written is not None


def test_a_padded_model_is_told_as_what_it_is(distilbert, text, tmp_path):
    plan = planned(distilbert, [(0, 0), (1, 2)])
    wish = Wish(folder=tmp_path / "out", padded=True, length=16, rounds=2)
    found = finish(delivering(distilbert, text, plan, wish))
    assert found.after == found.before
    assert found.latency is None
    assert found.numbers()["speed"] == "the full model's: the original shape was kept"


def test_a_repair_that_was_taken_back_is_not_told_as_kept(distilbert, text, tmp_path, monkeypatch):
    monkeypatch.setattr(repairs, "compare", lambda before, after, split: (0.9, 0.8, True))
    plan = planned(distilbert, [(0, 0), (1, 2)], repair="least-squares")
    wish = Wish(folder=tmp_path / "out", length=16, rounds=0)
    found = finish(delivering(distilbert, text, plan, wish))
    assert list(found.standings) == ["before", "masked", "removed"]
    assert json.loads((tmp_path / "out/plan.json").read_text())["repair"] == "none"
    card = (tmp_path / "out/README.md").read_text()
    assert "repair: none" in card
    assert "accuracy 90.0 % without and 80.0 % with repair on selection" in card


def test_a_removal_that_is_not_the_masked_model_is_never_written(
    distilbert, text, tmp_path, monkeypatch
):
    monkeypatch.setattr(judging, "answer", lambda subject, inputs: torch.rand(3, 2))
    plan = planned(distilbert, [(0, 0)])
    with pytest.raises(
        ModelError, match="answers differently from how it does with them switched off"
    ):
        finish(delivering(distilbert, text, plan, Wish(folder=tmp_path / "out", rounds=0)))
    assert not (tmp_path / "out").exists()


def test_onnx_files_are_timed_against_each_other(distilbert, text, tmp_path):
    plan = planned(distilbert, [(0, 0), (1, 2)])
    wish = Wish(folder=tmp_path / "out", onnx=True, length=16, rounds=2, dtype="bfloat16")
    found = finish(delivering(distilbert, text, plan, wish))
    assert found.onnx_latency is not None
    assert list(found.onnx_latency.timings) == ["full", "removed"]
    assert found.onnx_latency.dtype == "float32"
    assert "speed in onnxruntime" in found.numbers()


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"split": "tst"}, DataError),
        ({"folder": "full"}, PlaceError),
    ],
)
def test_what_can_be_foreseen_is_refused_before_any_work(distilbert, text, tmp_path, wish, error):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    if "folder" in wish:
        wish = {"folder": tmp_path / wish["folder"]}
    with pytest.raises(error):
        next(delivering(distilbert, text, planned(distilbert, [(0, 0)]), Wish(**wish)))


@pytest.mark.parametrize(
    ("options", "padded", "sentence"),
    [
        ({}, False, "--padded --repair none"),
        ({"repair": "least-squares"}, True, "--padded --repair none"),
        ({"ablation": "mean"}, True, "with the ablation zero"),
    ],
)
def test_a_gate_only_family_is_told_what_can_be_done(tokenizer, options, padded, sentence):
    subject = load_model(build("t5"), tokenizer=tokenizer)
    plan = planned(subject, [(0, 1)], **options)
    with pytest.raises(HeadcountError, match=sentence):
        next(delivering(subject, None, plan, Wish(padded=padded, rounds=0)))


def test_a_family_that_is_gate_only_can_be_padded(tokenizer, tmp_path):
    subject = load_model(build("t5"), tokenizer=tokenizer)
    mask = HeadMask.off(subject.anatomy, [(0, 1), (3, 2)])
    plan = Plan("less", "live", subject.fingerprint, mask)
    wish = Wish(folder=tmp_path / "out", padded=True, length=16, rounds=0)
    found = finish(delivering(subject, None, plan, wish))
    assert found.parity < 1e-4
    assert found.written is not None
    assert found.written.parity[0].form == "padded"
    card = (tmp_path / "out/README.md").read_text()
    assert "switched off for good" in card
    assert "can be switched off, not removed" in card
