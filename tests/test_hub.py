"""Models through the real client of the hub, against a stand-in for the hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

LOAD = """
import json, sys
from analysis.errors import ModelError
from analysis.models import load_model
found = []
for spec in sys.argv[1:]:
    try:
        subject = load_model(spec)
        found.append([subject.name, subject.fingerprint, subject.labels, subject.provenance.licence])
    except ModelError as error:
        found.append(str(error))
print(json.dumps(found))
"""
HERE = Path(__file__).parent
FOLDER = HERE / "golden" / "bert"
NAME = "somebody/tiny-bert"

pytestmark = pytest.mark.slow


@contextmanager
def hub():
    command = [sys.executable, str(HERE / "hub_stand_in.py"), str(FOLDER), NAME, "models"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def load(home: Path, address: str, *specs: str) -> list:
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home)}
    environment["HF_HUB_OFFLINE"] = "0"
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *specs],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Retrying" not in done.stderr
    return json.loads(done.stdout)


def test_a_model_of_the_hub_is_loaded_and_again_when_the_hub_is_gone(tmp_path):
    with hub() as address:
        found, folder, missing = load(tmp_path, address, NAME, str(FOLDER), "somebody/else")
    assert found == ["tiny-bert", folder[1], ["negative", "neutral", "positive"], "cc-zero"]
    assert "no model of that name on the hub" in missing
    # The port is closed now: what was downloaded serves, and what was not is refused without waiting.
    again, missing = load(tmp_path, address, NAME, "somebody/else")
    assert again[:3] == found[:3]
    assert "Check the name and the network" in missing
