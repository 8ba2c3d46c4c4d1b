"""What most tests need: a subject of every family, a tokenizer of a few words, labelled text."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before PyTorch reads it, here and in what tests start

import pytest
import torch
from tiny import ENCODERS, sentences, tiny_model, tiny_tokenizer

from analysis import models as subjects
from analysis.text import Calibration, LabelledText, Provenance, Selection, Test

torch.set_num_threads(1)  # more threads only get in each other's way on models this small


@pytest.fixture(autouse=True)
def _data_of_our_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADCOUNT_DATA", str(tmp_path / "headcount-data"))
    monkeypatch.delenv("HEADCOUNT_DATABASE_URL", raising=False)


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="session", params=ENCODERS)
def subject(request, tokenizer):
    return subjects.load_model(tiny_model(request.param), tokenizer=tokenizer)


@pytest.fixture(scope="session")
def distilbert(tokenizer):
    return subjects.load_model(tiny_model("distilbert"), tokenizer=tokenizer)


@pytest.fixture(scope="session")
def text():
    return LabelledText(
        name="tiny",
        label_names=("negative", "positive"),
        splits={
            split.name: split(*sentences(40, seed))
            for seed, split in enumerate((Calibration, Selection, Test))
        },
        provenance=Provenance("made for the tests", "none"),
    )
