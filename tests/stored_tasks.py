"""Folders with a tiny language model and a tiny tagger, and files that they are judged on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from families.tiny import build
from tiny import sentences, tiny_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

TAGS = ("O", "B-PER", "I-PER")
WORDS = 200


@dataclass(frozen=True)
class StoredTask:
    """A model's folder and its data, as `--model` and `--data` take them."""

    model: str
    data: str

    @property
    def query(self) -> dict[str, str]:
        """The same as a link of the dashboard."""
        return {"model": self.model, "data": self.data}

    @property
    def options(self) -> tuple[str, ...]:
        """The same as options of a command."""
        return ("--model", self.model, "--data", self.data)


def store_language_model(folder: Path) -> StoredTask:
    """A GPT-2 of three layers with four heads, and a text file with a sentence a line."""
    config = GPT2Config(
        vocab_size=40,
        n_embd=32,
        n_layer=3,
        n_head=4,
        n_positions=64,
        bos_token_id=2,
        eos_token_id=3,
    )
    torch.manual_seed(0)
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    model.save_pretrained(folder / "lm")
    tiny_tokenizer().save_pretrained(folder / "lm")
    texts, _ = sentences(WORDS)
    (folder / "text.txt").write_text("\n".join(texts))
    return StoredTask(str(folder / "lm"), str(folder / "text.txt"))


def store_tagger(folder: Path) -> StoredTask:
    """A RoBERTa that tags words, and JSON Lines with tags by number."""
    labels = {"id2label": dict(enumerate(TAGS)), "label2id": {n: i for i, n in enumerate(TAGS)}}
    build("roberta-tokens", **labels).save_pretrained(folder / "tagger")
    tiny_tokenizer().save_pretrained(folder / "tagger")
    texts, _ = sentences(WORDS)
    generator = torch.Generator().manual_seed(0)
    rows = []
    for text in texts:
        words = text.split()
        tags = torch.randint(len(TAGS), (len(words),), generator=generator).tolist()
        rows.append(json.dumps({"tokens": words, "ner_tags": tags}))
    (folder / "ner.jsonl").write_text("\n".join(rows))
    return StoredTask(str(folder / "tagger"), str(folder / "ner.jsonl"))


def store_grouped(folder: Path) -> StoredTask:
    """A Llama whose heads share keys and values by fours, and a text file."""
    build("llama").save_pretrained(folder / "grouped")
    tiny_tokenizer().save_pretrained(folder / "grouped")
    (folder / "text.txt").write_text("\n".join(sentences(WORDS)[0]))
    return StoredTask(str(folder / "grouped"), str(folder / "text.txt"))
