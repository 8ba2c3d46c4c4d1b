"""What is written loads elsewhere and answers alike; what cannot be written leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest
import torch
from families.tiny import build
from safetensors.torch import load_file

from analysis.errors import ModelError, PlaceError, PlanError
from analysis.export import folder as exports
from analysis.export import parity
from analysis.export.folder import export, padded_model
from analysis.mask import HeadMask
from analysis.models import fingerprint, load_model
from analysis.plan import Plan
from analysis.repair import repair
from analysis.surgery import prune


def uneven(anatomy) -> HeadMask:
    return HeadMask.off(anatomy, [(0, 0), (0, 2), (1, 3)])


def plan_of(subject, mask, **changes) -> Plan:
    return Plan("less", "live", subject.fingerprint, mask, **changes)


@pytest.fixture
def checked(monkeypatch):
    """Exports without the fresh process, which takes seconds; one test below keeps it."""

    def skip(folder, subject, form):
        return exports.Parity(form, 0.0, 1.0, 3, "nothing: a test")

    monkeypatch.setattr(exports, "check_fresh", skip)


@pytest.mark.parametrize("name", ["distilbert", "gpt_neox"])
def test_a_smaller_model_loads_with_and_without_headcount(tokenizer, tmp_path, name):
    subject = load_model(build(name), tokenizer=tokenizer)
    mask = uneven(subject.anatomy)
    smaller = prune(subject, mask)
    written = export(subject, smaller, plan_of(subject, mask), tmp_path / "out")
    assert written.parity[0].difference < 1e-5  # loaded in a process without Headcount
    assert "trust_remote_code" in written.parity[0].loaded_with
    assert json.loads((tmp_path / "out/parity.json").read_text())[0]["form"] == "removed"
    names = {name for name, _ in written.files}
    assert {"model.safetensors", "config.json", "plan.json", "README.md", exports.CODE} <= names
    again = load_model(tmp_path / "out")
    assert again.anatomy.heads == (2, 3, 4)
    assert fingerprint(again.model) == fingerprint(smaller.model)


@pytest.mark.parametrize("name", ["gpt2", "llama", "deberta-v2", "bart", "bert-base", "albert"])
def test_every_kind_of_model_comes_back(tokenizer, checked, tmp_path, name):
    subject = load_model(build(name), tokenizer=tokenizer)
    groups = subject.anatomy.groups
    rows = [
        tuple(head % (heads // count) != 0 if heads > count else head != 0 for head in range(heads))
        for heads, count in zip(subject.anatomy.heads, groups, strict=True)
    ]
    rows[-1] = (False,) * len(rows[-1]) if len(rows) > 1 else rows[-1]
    mask = HeadMask(tuple(rows))
    smaller = prune(subject, mask)
    export(subject, smaller, plan_of(subject, mask), tmp_path / "out")
    again = load_model(tmp_path / "out")
    assert again.anatomy == smaller.anatomy
    assert fingerprint(again.model) == fingerprint(smaller.model)


def test_a_repaired_model_comes_back_with_its_new_biases(tokenizer, text, checked, tmp_path):
    subject = load_model(build("llama"), tokenizer=tokenizer)
    mask = HeadMask.off(subject.anatomy, [(0, 0), (0, 4), (2, 0), (2, 1), (2, 2), (2, 3)])
    done = repair(subject, mask, text.split("calibration")).subject
    plan = plan_of(subject, mask, repair="least-squares")
    export(subject, done, plan, tmp_path / "out")
    assert fingerprint(load_model(tmp_path / "out").model) == fingerprint(done.model)
    with pytest.raises(ModelError, match="added a bias for which the original shape has no room"):
        export(subject, done, plan, tmp_path / "padded", padded=True)
    assert not (tmp_path / "padded").exists()


@pytest.mark.parametrize("name", ["distilbert", "gpt2", "llama", "gpt_neox", "modernbert"])
def test_a_padded_model_has_the_original_shape_and_answers_alike(tokenizer, name):
    subject = load_model(build(name), tokenizer=tokenizer)
    heads = [(0, 0), (0, 4)] if name == "llama" else [(0, 0), (0, 2), (1, 3)]
    mask = HeadMask.off(subject.anatomy, heads)
    smaller = prune(subject, mask)
    model = padded_model(subject, smaller, mask)
    shapes = {key: value.shape for key, value in subject.model.state_dict().items()}
    assert {key: value.shape for key, value in model.state_dict().items()} == shapes
    for inputs in parity.probes(subject):
        padded = parity.answer(exports.replace(subject, model=model), inputs)
        torch.testing.assert_close(padded, parity.answer(smaller, inputs), atol=1e-4, rtol=1e-5)


def test_the_padded_form_loads_without_foreign_code(distilbert, tmp_path):
    mask = uneven(distilbert.anatomy)
    plan = plan_of(distilbert, mask)
    written = export(distilbert, prune(distilbert, mask), plan, tmp_path / "out", padded=True)
    assert "trust_remote_code" not in written.parity[0].loaded_with
    assert not (tmp_path / "out" / exports.CODE).exists()
    weight = load_file(tmp_path / "out/model.safetensors")[
        "distilbert.transformer.layer.0.attention.out_lin.weight"
    ]
    assert not weight[:, :8].any()
    assert "not faster" in (tmp_path / "out/README.md").read_text()


@pytest.mark.slow
def test_onnx_runs_with_any_batch_and_length(distilbert, tmp_path):
    mask = uneven(distilbert.anatomy)
    plan = plan_of(distilbert, mask)
    written = export(distilbert, prune(distilbert, mask), plan, tmp_path / "out", onnx=True)
    assert [parity.form for parity in written.parity] == ["removed", "onnx"]
    assert written.parity[1].passed


def test_the_modelling_file_needs_nothing_of_headcount():
    text = exports.modelling_file("BertModel")
    assert "analysis" not in text
    code = "import sys; exec(sys.stdin.read(), {'__name__': 'x'}); assert 'analysis' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], input=text, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_folder_that_is_not_empty_is_left_alone(distilbert, checked, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    mask = uneven(distilbert.anatomy)
    smaller = prune(distilbert, mask)
    with pytest.raises(PlaceError, match="is not empty"):
        export(distilbert, smaller, plan_of(distilbert, mask), tmp_path)
    with pytest.raises(PlaceError, match="is a file"):
        export(distilbert, smaller, plan_of(distilbert, mask), tmp_path / "mine.txt")
    with pytest.raises(PlaceError, match="nothing was left there"):
        export(distilbert, smaller, plan_of(distilbert, mask), tmp_path / "mine.txt" / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_full_disk_leaves_nothing(distilbert, checked, tmp_path, monkeypatch):
    mask = uneven(distilbert.anatomy)
    smaller = prune(distilbert, mask)
    plan = plan_of(distilbert, mask)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(distilbert.model), "save_pretrained", full)
    with pytest.raises(PlaceError, match="No space left on device; nothing was left there"):
        export(distilbert, smaller, plan, tmp_path / "out")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(exports.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(PlaceError, match="MB free and the model needs"):
        export(distilbert, smaller, plan, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_model_that_answers_differently_is_not_kept(distilbert, tmp_path, monkeypatch):
    mask = uneven(distilbert.anatomy)

    def differs(folder, subject, form):
        raise ModelError("what was written (removed) answers differently")

    monkeypatch.setattr(exports, "check_fresh", differs)
    with pytest.raises(ModelError, match="answers differently"):
        export(distilbert, prune(distilbert, mask), plan_of(distilbert, mask), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_plans_that_cannot_be_are_refused(distilbert, checked, tmp_path):
    mask = uneven(distilbert.anatomy)
    other = Plan("other", "live", "0" * 64, mask)
    with pytest.raises(PlanError, match="made for another model"):
        export(distilbert, prune(distilbert, mask), other, tmp_path / "out")
    nothing = HeadMask(tuple((False,) * heads for heads in distilbert.anatomy.heads))
    with pytest.raises(PlanError, match="every head off"):
        export(
            distilbert, prune(distilbert, nothing), plan_of(distilbert, nothing), tmp_path / "out"
        )


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 99},
        {"sizes": {"projections": {}, "attributes": {}}},
        {"sizes": {"projections": {"classifier": [1, 1, 1]}, "attributes": {}, "bypassed": {}}},
        {
            "sizes": {
                "projections": {"distilbert.transformer.layer.0.attention.q_lin": [10**9, 32, 1]},
                "attributes": {},
                "bypassed": {},
            }
        },
        {
            "sizes": {
                "projections": {},
                "attributes": {"distilbert": {"forward": 1}},
                "bypassed": {},
            }
        },
        {"sizes": {"projections": {}, "attributes": {}, "bypassed": {"classifier": "x"}}},
    ],
)
def test_a_strangers_config_is_not_trusted(distilbert, checked, tmp_path, damage):
    mask = uneven(distilbert.anatomy)
    export(distilbert, prune(distilbert, mask), plan_of(distilbert, mask), tmp_path / "out")
    path = tmp_path / "out/config.json"
    config = json.loads(path.read_text())
    config["headcount"] |= damage
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="config"):
        load_model(tmp_path / "out")


def test_an_exported_model_can_lose_more_heads(distilbert, checked, tmp_path):
    mask = uneven(distilbert.anatomy)
    export(distilbert, prune(distilbert, mask), plan_of(distilbert, mask), tmp_path / "once")
    once = load_model(tmp_path / "once")
    more = HeadMask.off(once.anatomy, [(2, 0), (0, 1)])
    export(once, prune(once, more), plan_of(once, more), tmp_path / "twice")
    assert load_model(tmp_path / "twice").anatomy.heads == (1, 3, 3)
    with pytest.raises(ModelError, match="removed from this model before"):
        export(once, prune(once, more), plan_of(once, more), tmp_path / "padded", padded=True)


FRESH = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "analysis":
            raise ImportError("Headcount is not installed here")
sys.meta_path.insert(0, Blocked())
import torch, transformers
model = transformers.AutoModelForSequenceClassification.from_pretrained(sys.argv[1], trust_remote_code=True)
assert "analysis" not in sys.modules
ids = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]])
with torch.inference_mode():
    print(model(input_ids=ids, attention_mask=(ids != 0).long()).logits.flatten().tolist())
"""


def test_transformers_alone_loads_it_where_headcount_cannot_be_imported(
    distilbert, checked, tmp_path
):
    mask = uneven(distilbert.anatomy)
    smaller = prune(distilbert, mask)
    export(distilbert, smaller, plan_of(distilbert, mask), tmp_path / "out")
    done = subprocess.run(
        [sys.executable, "-P", "-c", FRESH, str(tmp_path / "out")],
        env={**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    ids = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]])
    with torch.inference_mode():
        mine = smaller.model(input_ids=ids, attention_mask=(ids != 0).long()).logits.flatten()
    assert json.loads(done.stdout) == pytest.approx(mine.tolist(), abs=1e-5)
