from __future__ import annotations

import copy
import json
import shutil

import pytest
import torch
from oracles import state
from tiny import ENCODERS, tiny_config, tiny_model
from torch import nn
from transformers import AutoModel

from analysis.anatomy import outputs_of
from analysis.batches import batches
from analysis.errors import ModelError
from analysis.mask import HeadMask
from analysis.models import fingerprint, load_model, structural_copy
from analysis.surgery import prune
from analysis.text import Split

GONE = "no-such-organisation-here/no-such-model"


@pytest.fixture(params=ENCODERS)
def live(request):
    return tiny_model(request.param)


@pytest.fixture
def folder(tmp_path, tokenizer):
    """A classifier as `save_pretrained` writes it."""
    tiny_model("distilbert").save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def edit(path, **changes) -> None:
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, **changes}))


def test_a_live_model_is_not_changed(live, tokenizer):
    live.train()
    for parameter in list(live.parameters())[::2]:
        parameter.requires_grad_(False)
    before = state(live)
    subject = load_model(live, tokenizer=tokenizer)
    subject.model(input_ids=torch.tensor([[2, 5, 3]]))
    assert state(live) == before
    assert not subject.model.training
    assert not any(parameter.requires_grad for parameter in subject.model.parameters())


def test_a_subject_shares_the_live_model_s_weights(live, tokenizer):
    subject = load_model(live, tokenizer=tokenizer)
    assert subject.fingerprint == fingerprint(live)
    for mine, theirs in zip(subject.model.parameters(), live.parameters(), strict=True):
        assert mine.data_ptr() == theirs.data_ptr()


def test_a_live_model_can_go_on_training(live, tokenizer):
    load_model(live, tokenizer=tokenizer)
    ids = torch.tensor([[2, 5, 6, 3]])
    live.train()
    live(input_ids=ids, labels=torch.tensor([1])).loss.backward()
    assert all(output.weight.grad is not None for output in outputs_of(live))


def test_a_half_precision_model_is_read_in_float32_and_left_in_half(live, tokenizer):
    live.half()
    before = state(live)
    subject = load_model(live, tokenizer=tokenizer)
    assert {parameter.dtype for parameter in subject.model.parameters()} == {torch.float32}
    assert state(live) == before
    assert {parameter.dtype for parameter in live.parameters()} == {torch.float16}


def test_loading_a_subject_s_own_model_again_is_the_same(live, tokenizer):
    once = load_model(live, tokenizer=tokenizer)
    twice = load_model(once.model, tokenizer=tokenizer)
    ids = torch.tensor([[2, 5, 6, 3]])
    assert torch.equal(once.model(input_ids=ids).logits, twice.model(input_ids=ids).logits)
    assert twice.model is not once.model


def test_a_pruned_model_can_be_loaded_again(live, tokenizer):
    full = load_model(live, tokenizer=tokenizer)
    off = [(0, 1), *[(1, head) for head in range(4)]]
    pruned = prune(full, HeadMask.off(full.anatomy, off))
    again = load_model(pruned.model, tokenizer=tokenizer)
    assert again.anatomy.heads == (3, 0, 4)
    assert again.fingerprint == pruned.fingerprint != full.fingerprint


def test_a_folder_gives_the_live_model(live, tokenizer, tmp_path):
    live.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    subject = load_model(tmp_path)
    assert subject.fingerprint == fingerprint(live)
    assert subject.labels == ("negative", "positive")
    assert subject.max_length == 64
    assert subject.provenance.source == str(tmp_path)
    assert subject.name == tmp_path.name
    assert subject.parameters == sum(parameter.numel() for parameter in live.parameters())
    assert not subject.model.training


def test_the_fingerprint_tells_weights_apart(live):
    other = copy.deepcopy(live)
    assert fingerprint(other) == fingerprint(live)
    with torch.no_grad():
        outputs_of(other)[0].weight[0, 0] += 1e-6
    assert fingerprint(other) != fingerprint(live)


def test_a_structural_copy_keeps_tied_weights_tied():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    twin = structural_copy(model)
    assert twin[0].weight is twin[1].weight
    assert twin[0].weight.data_ptr() == model[0].weight.data_ptr()


def test_a_model_without_a_stated_length_reads_what_it_has_positions_for(tokenizer):
    endless = copy.deepcopy(tokenizer)
    endless.model_max_length = int(1e30)
    for family, longest in (("distilbert", 72), ("bert", 72), ("roberta", 71)):
        assert load_model(tiny_model(family), tokenizer=endless).max_length == longest


# --- what cannot be loaded ---


def refusal(spec, **options) -> str:
    with pytest.raises(ModelError) as error:
        load_model(spec, **options)
    sentence = str(error.value)
    assert sentence
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence


def test_an_unknown_model(monkeypatch):
    sentence = refusal(GONE)
    assert GONE in sentence
    assert "or give a folder, or 'demo'" in sentence


@pytest.mark.parametrize(
    "spec",
    ["", "no such model", "../..", "~nobody-here/model", "x" * 5000, "a\0b", "a/b/c/d", "…", "-"],
)
def test_a_spec_that_is_no_name(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refusal(spec)


def test_a_folder_that_does_not_exist(tmp_path):
    assert str(tmp_path / "gone") in refusal(tmp_path / "gone")


def test_a_file(folder):
    assert "give the folder" in refusal(folder / "config.json")


def test_an_empty_folder(tmp_path):
    assert "has no config.json" in refusal(tmp_path)


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    assert "holds no weights" in refusal(folder)


def test_a_folder_with_pickled_weights_only(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert "pickled weights only" in refusal(folder)


def test_a_folder_with_other_safetensors_only(folder):
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    assert "model.safetensors" in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"\xff" * 64])
def test_damaged_weights(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    assert str(folder) in refusal(folder)


def test_truncated_weights(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert str(folder) in refusal(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"model_type": 3}', "\xff"])
def test_a_damaged_config(folder, content):
    (folder / "config.json").write_text(content, encoding="latin-1")
    assert str(folder) in refusal(folder)


@pytest.mark.parametrize(
    "changes", [{"n_heads": 5}, {"n_heads": 0}, {"n_layers": "three"}, {"dim": 48}, {"n_layers": 4}]
)
def test_a_config_that_does_not_fit_the_weights(folder, changes):
    edit(folder / "config.json", **changes)
    assert str(folder) in refusal(folder)


def test_labels_that_the_config_does_not_name_get_a_name(folder):
    edit(folder / "config.json", id2label={"0": "bad", "5": "good"})
    assert load_model(folder).labels == ("bad", "LABEL_1")


def test_a_config_that_names_code_of_its_own(folder):
    edit(folder / "config.json", auto_map={"AutoConfig": "x.Y"}, model_type="own")
    (folder / "x.py").write_text("raise SystemExit('the code ran')")
    refusal(folder)


def test_a_folder_without_a_tokenizer(folder):
    for file in folder.glob("*token*"):
        file.unlink()
    assert "tokenizer" in refusal(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_tokenizer(folder, content):
    (folder / "tokenizer.json").write_text(content)
    assert "tokenizer" in refusal(folder)


def test_an_unsupported_family(folder):
    edit(folder / "config.json", model_type="gptj")
    assert "unknown model family 'gptj'" in refusal(folder)


def test_a_bare_encoder_in_a_folder_has_no_labels(tmp_path, tokenizer):
    AutoModel.from_config(tiny_config("bert")).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    found = load_model(tmp_path)
    assert (found.task.name, found.labels) == ("representation", ())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_numbers(live, tokenizer, bad):
    with torch.no_grad():
        outputs_of(live)[1].weight[3, 3] = bad
    assert "NaN or infinity" in refusal(live, tokenizer=tokenizer)


def test_a_regression_head(tokenizer):
    model = tiny_model("bert", num_labels=1, id2label={0: "score"}, label2id={"score": 0})
    assert "predicts a number, not classes" in refusal(model, tokenizer=tokenizer)


@pytest.mark.parametrize("kind", ["multi_label_classification", "regression"])
def test_a_head_with_outputs_that_do_not_exclude_each_other(tokenizer, kind):
    model = tiny_model("bert", problem_type=kind)
    assert "chooses one label" in refusal(model, tokenizer=tokenizer)


def test_quantised_weights_by_their_type(live, tokenizer):
    output = outputs_of(live)[0]
    output.weight = nn.Parameter(output.weight.to(torch.int8), requires_grad=False)
    assert "quantised" in refusal(live, tokenizer=tokenizer)


def test_quantised_weights_by_their_config(folder):
    edit(folder / "config.json", quantization_config={"quant_method": "bitsandbytes"})
    assert "is quantised" in refusal(folder)


def test_a_projection_that_is_no_matrix(live, tokenizer):
    """Such as a quantised layer, or one with an adapter that was not merged."""

    class Wrapped(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner
            self.in_features, self.out_features = inner.in_features, inner.out_features

        def forward(self, states):
            return self.inner(states)

    for name, module in list(live.named_modules()):
        if module is outputs_of(live)[0]:
            live.set_submodule(name, Wrapped(module))
    assert "merge" in refusal(live, tokenizer=tokenizer)


def test_a_live_model_without_its_tokenizer(live):
    assert "needs its tokenizer" in refusal(live)


def test_a_tokenizer_of_another_model(live, tokenizer):
    """Found when a text needs a token that the model lacks, not before: spare tokens do no harm."""
    other = copy.deepcopy(tokenizer)
    other.add_tokens(["surprising"])
    subject = load_model(live, tokenizer=other)
    assert len(batches(subject, Split(("the film",), (0,)))) == 1
    with pytest.raises(ModelError, match="the tokenizer that the model was trained with"):
        batches(subject, Split(("a surprising film",), (0,)))


def test_a_pruned_folder_says_so(folder, tmp_path):
    target = tmp_path / "pruned"
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("pruned"))
    model = tiny_model("distilbert")
    attention = model.distilbert.transformer.layer[0].attention
    attention.out_lin.weight = nn.Parameter(attention.out_lin.weight[:, :16].clone())
    model.save_pretrained(target)
    assert str(target) in refusal(target)


def test_no_text_of_a_refusal_names_a_way_to_run_foreign_code(folder):
    """`trust_remote_code` is asked for by name, never suggested."""
    edit(folder / "config.json", auto_map={"AutoConfig": "x.Y"}, model_type="own")
    assert "trust_remote_code=True" not in refusal(folder)


def test_a_head_that_is_left_behind_is_told(tmp_path, tokenizer):
    tiny_model("bert").save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert load_model(tmp_path).note == ""
    edit(tmp_path / "config.json", architectures=["BertForMaskedLM"])
    note = load_model(tmp_path).note
    assert "Stored as BertForMaskedLM" in note
    assert "the bare BertModel" in note
