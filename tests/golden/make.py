"""Make the golden files: logits of tiny classifiers by an implementation that is not ours.

transformers 4 switched heads off (`head_mask`, which multiplies the attention after the softmax) and
removed them (`prune_heads`); transformers 5 does neither. This script runs there and is kept as the record
of where the numbers come from; the tests only read what it wrote. In an empty virtual environment:

    pip install torch==2.13.0 transformers==4.57.6
    python tests/golden/make.py

It writes one folder a family (config, safetensors, tokenizer) and `expected.json` next to itself.
"""

from __future__ import annotations

import copy
import json
import platform
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

HERE = Path(__file__).parent
WORDS = "the a film movie plot is was good bad fine dull warm cold , . ! and not very".split()
TEXTS = [
    "the film was good .",
    "a dull and cold movie , not fine !",
    "bad",
    "the plot is very warm and the film is good , but not very good . the movie was fine and bad",
]
LAYERS, HEADS, WIDTH = 3, 4, 24
# Names of the masks as layer.head lists of the heads that are off.
MASKS: dict[str, list[tuple[int, int]]] = {
    "full": [],
    "one head": [(1, 2)],
    "one of each layer": [(0, 0), (1, 3), (2, 1)],
    "unequal": [(0, 0), (0, 1), (0, 3), (2, 2)],
    "a whole layer": [(1, 0), (1, 1), (1, 2), (1, 3)],
    "first layer and more": [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (2, 0), (2, 3)],
    "all but one": [
        (layer, head) for layer in range(3) for head in range(4) if (layer, head) != (2, 0)
    ],
    "every head": [(layer, head) for layer in range(3) for head in range(4)],
}
COMMON = {
    "vocab_size": 4 + len(WORDS),
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "id2label": {0: "negative", 1: "neutral", 2: "positive"},
    "label2id": {"negative": 0, "neutral": 1, "positive": 2},
}
DISTILBERT_NAMES = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
}
FAMILIES = {
    "distilbert": (
        DistilBertForSequenceClassification,
        DistilBertConfig(
            **{DISTILBERT_NAMES.get(name, name): value for name, value in COMMON.items()}
        ),
    ),
    "bert": (BertForSequenceClassification, BertConfig(**COMMON)),
    "roberta": (RobertaForSequenceClassification, RobertaConfig(**COMMON)),
    # Embeddings narrower than the stream, as in the released ELECTRA models.
    "electra": (ElectraForSequenceClassification, ElectraConfig(**COMMON, embedding_size=16)),
}


def tokenizer() -> PreTrainedTokenizerFast:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        model_max_length=32,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    )


def classifier(family: str) -> torch.nn.Module:
    torch.manual_seed(sum(map(ord, family)))
    kind, config = FAMILIES[family]
    config._attn_implementation = "eager"
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)  # fresh weights are so small that heads hardly matter
            else:
                parameter.add_(
                    0.3 * torch.randn_like(parameter)
                )  # biases and norms that do something
    return model


@torch.no_grad()
def expected(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor]
) -> dict[str, dict[str, object]]:
    # In float64, so that all rounding which the tests see is that of the code under test.
    double = copy.deepcopy(model).double()
    found = {}
    for name, off in MASKS.items():
        head_mask = torch.ones(LAYERS, HEADS, dtype=torch.float64)
        for layer, head in off:
            head_mask[layer, head] = 0
        masked = double(**inputs, head_mask=head_mask).logits.tolist()
        found[name] = {"off": off, "masked": masked, **removed(model, inputs, off)}
    return found


def removed(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], off: list[tuple[int, int]]
) -> dict[str, object]:
    pruned = copy.deepcopy(model)
    by_layer = {layer: [head for where, head in off if where == layer] for layer in range(LAYERS)}
    pruned.base_model._prune_heads({layer: heads for layer, heads in by_layer.items() if heads})
    parameters = sum(parameter.numel() for parameter in pruned.parameters())
    try:
        logits = pruned.double()(**inputs).logits.tolist()
    except (
        ZeroDivisionError,
        RuntimeError,
    ):  # some families there cannot run a layer without heads
        logits = None
    return {"pruned": logits, "pruned_parameters": parameters}


def main() -> None:
    words = tokenizer()
    inputs = dict(words(TEXTS, padding=True, return_tensors="pt"))
    results = {}
    for family in FAMILIES:
        model = classifier(family)
        model.save_pretrained(HERE / family)
        words.save_pretrained(HERE / family)
        results[family] = expected(model, inputs)
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
    }
    record = {
        "versions": versions,
        "texts": TEXTS,
        "inputs": {name: tensor.tolist() for name, tensor in inputs.items()},
        "families": results,
    }
    (HERE / "expected.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
