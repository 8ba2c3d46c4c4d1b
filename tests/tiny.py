"""Tiny random models of every family, made from a config, a tokenizer of a few words, and sentences."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

WORDS = "the a film movie plot is was good bad fine dull warm cold , . ! and not very".split()
ENCODERS = ("distilbert", "bert", "roberta", "electra")


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {
        word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])
    }
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    )


def tiny_config(family: str, **changes):
    settings = dict(
        vocab_size=4 + len(WORDS),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=72,
        pad_token_id=0,
        num_labels=2,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
    )
    if family == "electra":
        settings["embedding_size"] = 32
    if family == "distilbert":
        settings = {
            {
                "hidden_size": "dim",
                "num_hidden_layers": "n_layers",
                "num_attention_heads": "n_heads",
                "intermediate_size": "hidden_dim",
            }.get(name, name): value
            for name, value in settings.items()
        }
    return CONFIG_MAPPING[family](**{**settings, **changes})


def tiny_model(family: str, seed: int = 0, **changes):
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(tiny_config(family, **changes))
    # Random initial weights are so small that heads hardly matter; larger ones make wrong masks visible.
    # Much larger ones would make rounding visible too.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
        model.eval()
        head = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
        head.bias -= model(**_examples()).logits.mean(
            0
        )  # so that it does not always answer the same
    return model


def _examples() -> dict[str, torch.Tensor]:
    ids = torch.randint(4, 4 + len(WORDS), (32, 12), generator=torch.Generator().manual_seed(0))
    ids[:, 0], ids[:, -1] = 2, 3
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def sentences(n: int, seed: int = 0) -> tuple[tuple[str, ...], tuple[int, ...]]:
    generator = torch.Generator().manual_seed(seed)
    texts = []
    for _ in range(n):
        length = int(torch.randint(2, 20, (1,), generator=generator))
        words = torch.randint(len(WORDS), (length,), generator=generator)
        texts.append(" ".join(WORDS[word] for word in words))
    labels = torch.randint(2, (n,), generator=generator)
    return tuple(texts), tuple(labels.tolist())
