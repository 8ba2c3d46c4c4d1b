"""Logits of transformers 4, which could mask and remove heads itself, against ours (see golden/make.py)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from analysis import batches, evaluation, load_model, prune
from analysis.batches import Batch
from analysis.mask import HeadMask
from analysis.text import Split

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
FAMILIES = tuple(EXPECTED["families"])
MASKS = tuple(EXPECTED["families"]["bert"])
CLOSE = 1e-5


@pytest.fixture(scope="module")
def golden_subjects():
    return {family: load_model(GOLDEN / family) for family in FAMILIES}


def golden_batch() -> Batch:
    inputs = {name: torch.tensor(rows) for name, rows in EXPECTED["inputs"].items()}
    n = len(EXPECTED["texts"])
    return Batch(inputs, torch.zeros(n, dtype=torch.long), torch.arange(n))


def difference(logits: torch.Tensor, expected: list[list[float]]) -> float:
    return float((logits - torch.tensor(expected)).abs().max())


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_masked_logits_are_those_of_transformers_4(golden_subjects, family, name):
    subject, record = golden_subjects[family], EXPECTED["families"][family][name]
    mask = HeadMask.off(subject.anatomy, record["off"])
    logits = evaluation.logits(subject, golden_batch(), mask)
    assert difference(logits, record["masked"]) < CLOSE


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_pruned_logits_and_sizes_are_those_of_transformers_4(golden_subjects, family, name):
    subject, record = golden_subjects[family], EXPECTED["families"][family][name]
    pruned = prune(subject, HeadMask.off(subject.anatomy, record["off"]))
    logits = evaluation.logits(pruned, golden_batch(), HeadMask.full(pruned.anatomy))
    # transformers 4 could not run a layer without heads; its masked model says what is right there.
    assert difference(logits, record["pruned"] or record["masked"]) < CLOSE
    assert pruned.parameters == record["pruned_parameters"]


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_give_the_same_logits_through_our_own_batches(golden_subjects, family):
    subject, records = golden_subjects[family], EXPECTED["families"][family]
    split = Split(tuple(EXPECTED["texts"]), (0,) * len(EXPECTED["texts"]))
    mask = HeadMask.off(subject.anatomy, records["unequal"]["off"])
    found = evaluation.evaluate(subject, batches.batches(subject, split), mask)
    assert difference(found.predictions.logits, records["unequal"]["masked"]) < CLOSE
    assert difference(found.baseline.predictions.logits, records["full"]["masked"]) < CLOSE


def test_the_masks_matter():
    # Were the weights so small that heads did nothing, every test above would pass with any mask.
    for records in EXPECTED["families"].values():
        full = torch.tensor(records["full"]["masked"])
        for name, record in records.items():
            assert name == "full" or difference(full, record["masked"]) > 0.1
