"""The outline that is read from a configuration is the shape of the model that is loaded later."""

from __future__ import annotations

import json

import pytest
from families.tiny import MODELS, build
from test_import import modules_after

from analysis.anatomy import dissect
from analysis.demo import HEADS, LAYERS
from analysis.families import FAMILIES
from analysis.outline import Outline, outline


@pytest.mark.parametrize("name", MODELS)
def test_an_outline_is_the_models_shape_or_nothing(name, tmp_path) -> None:
    model = build(name)
    model.config.save_pretrained(tmp_path)
    found, real = outline(str(tmp_path)), dissect(model)
    if FAMILIES[model.config.model_type].shape:
        assert found == Outline(real.heads, real.groups)
    else:
        assert found is None


def test_the_built_in_models_outline_costs_no_slow_import() -> None:
    assert outline("demo") == Outline((HEADS,) * LAYERS, (HEADS,) * LAYERS)
    code = "from analysis.outline import outline; assert outline('demo')"
    assert modules_after(code).isdisjoint(("torch", "transformers", "numpy"))


def test_a_model_with_heads_removed_says_how_many_are_left(tmp_path) -> None:
    write(tmp_path, {"model_type": "bert", "headcount": {"heads": [3, 0, 4]}})
    assert outline(str(tmp_path)) == Outline((3, 0, 4), (3, 0, 4))


def write(folder, config) -> None:
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    "config",
    [
        [],
        {},
        {"model_type": ["bert"]},
        {"model_type": "mamba", "num_hidden_layers": 2, "num_attention_heads": 2},
        {"model_type": "bert", "num_hidden_layers": 2},
        {"model_type": "bert", "num_hidden_layers": True, "num_attention_heads": 2},
        {"model_type": "bert", "num_hidden_layers": 10**9, "num_attention_heads": 2},
        {"model_type": "bert", "num_hidden_layers": -1, "num_attention_heads": 2},
        {
            "model_type": "llama",
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 3,
        },
        {"model_type": "mistral", "num_hidden_layers": 2, "num_attention_heads": 4},
        {"model_type": "bert", "headcount": {"heads": ["<b>"]}},
        {"model_type": "bert", "headcount": {"heads": [10**9]}},
        {"model_type": "bert", "headcount": {"heads": []}},
        {"model_type": "llama", "headcount": {"heads": [4, 2]}},
    ],
)
def test_a_configuration_that_tells_no_shape_gives_none(config, tmp_path) -> None:
    write(tmp_path, config)
    assert outline(str(tmp_path)) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"[" * 100_000])
def test_a_broken_configuration_gives_none(content, tmp_path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    assert outline(str(tmp_path)) is None


def test_no_folder_gives_none(tmp_path) -> None:
    assert outline(str(tmp_path / "none")) is None
    assert outline("ada/model") is None
    assert outline("\0") is None
    assert outline("~nobody-of-that-name/x") is None
