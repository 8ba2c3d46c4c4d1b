"""The real client of the hub, against a stand-in for the hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

LOAD = """
import json, sys, time
slept = []
time.sleep = slept.append  # what the hub's client waits between its tries
from analysis.data import load_data
from analysis.errors import DataError
try:
    data = load_data(sys.argv[1])
except DataError as error:
    print(json.dumps(str(error)))
else:
    splits = {name: split.texts for name, split in data.splits.items()}
    print(json.dumps([splits, data.label_names, data.notes, data.provenance.licence]))
assert sum(slept) < 15, slept
"""
NAME = "stanfordnlp/sst2"
CONFIGS = """---
configs:
- config_name: long
  data_files: data/train-*
- config_name: short
  data_files: data/validation-*
---
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The layout of `stanfordnlp/sst2`: the test split's labels are all -1."""
    from datasets import ClassLabel, Dataset, Features, Value

    classes = ClassLabel(names=["negative", "positive"])
    features = Features({"idx": Value("int32"), "sentence": Value("string"), "label": classes})
    root = tmp_path_factory.mktemp("repository")
    (root / "data").mkdir()
    (root / "README.md").write_text("# Sentences\n")
    for split, start, stop in (("train", 0, 600), ("validation", 600, 720), ("test", 800, 900)):
        columns = {
            "idx": list(range(stop - start)),
            "sentence": [f"sentence number {n}" for n in range(start, stop)],
            "label": [-1 if split == "test" else n % 2 for n in range(start, stop)],
        }
        rows = Dataset.from_dict(columns, features=features)
        rows.to_parquet(str(root / "data" / f"{split}-00000-of-00001.parquet"))
    return root


@contextmanager
def hub(root):
    stand_in = Path(__file__).with_name("hub_stand_in.py")
    command = [sys.executable, str(stand_in), str(root), NAME]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


@pytest.fixture
def loaded(tmp_path):
    def load(address, spec=NAME):
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path)}
        environment["HF_HUB_OFFLINE"] = "0"
        command = [sys.executable, "-c", LOAD, spec]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=True
        )
        return json.loads(done.stdout)

    return load


def test_a_data_set_of_the_hub_is_read_and_again_when_the_hub_is_gone(repository, loaded):
    with hub(repository) as address:
        splits, labels, notes, licence = loaded(address)
    assert labels == ["negative", "positive"]
    assert licence == "cc-zero"
    assert splits["test"] == [f"sentence number {n}" for n in range(600, 720)]
    assert sum(map(len, splits.values())) == 720
    assert "there is no labelled test split; the validation split stands in as test" in notes
    assert loaded(address)[:3] == [splits, labels, notes]


def test_what_the_hub_does_not_have_gets_one_sentence(repository, loaded):
    with hub(repository) as address:
        assert loaded(address, "no/such").startswith("there is no data set 'no/such' on the hub")


def test_a_hub_out_of_reach_is_given_up_within_seconds(loaded):
    sentence = loaded("http://127.0.0.1:9")
    assert sentence.startswith(f"cannot reach the hub for the data set '{NAME}', and no earlier")


def test_one_of_several_parts_is_asked_for(repository, loaded):
    readme = repository / "README.md"
    before = readme.read_text()
    readme.write_text(CONFIGS)
    try:
        with hub(repository) as address:
            assert "several parts; write one of them after a colon (long, short)" in loaded(address)
            splits = loaded(address, f"{NAME}:short")[0]
    finally:
        readme.write_text(before)
    assert sum(map(len, splits.values())) == 120
