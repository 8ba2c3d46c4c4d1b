"""A small model and labelled sentences on the disk, for tests that begin with a link or a path."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import NamedTuple

from tiny import sentences, tiny_model, tiny_tokenizer

from analysis import evaluate, load_model
from analysis.batches import batches
from analysis.text import Split

LABELS = ("negative", "positive")


class Stored(NamedTuple):
    """Where they lie."""

    model: str
    data: str

    @property
    def query(self) -> dict[str, str]:
        """As parameters of a link."""
        return {"model": self.model, "data": self.data}


def store(folder: Path, rows: int = 800) -> Stored:
    """Write a model of 3 x 4 heads and sentences on which it is right five times out of six.

    The labels follow the model's own answers, so that switching heads off changes its accuracy.
    """
    model = tiny_model("distilbert")
    model.save_pretrained(folder / "model")
    tiny_tokenizer().save_pretrained(folder / "model")
    texts = tuple(dict.fromkeys(sentences(rows)[0]))
    subject = load_model(model, tokenizer=tiny_tokenizer())
    answers = evaluate(subject, batches(subject, Split(texts, (0,) * len(texts)))).predictions
    chance = random.Random(0)
    with (folder / "data.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for text, answer in zip(texts, answers.answers.tolist(), strict=True):
            writer.writerow([text, LABELS[answer if chance.random() < 5 / 6 else 1 - answer]])
    return Stored(str(folder / "model"), str(folder / "data.csv"))
