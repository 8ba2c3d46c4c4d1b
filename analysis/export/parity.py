"""Does a written model answer as the one in memory? Asked in a fresh process without Headcount."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from analysis.errors import ModelError
from analysis.models import Subject
from analysis.selftest import probe
from analysis.tasks import answers

TOLERANCE = 1e-4
"""Largest difference of answers that passes, as a share of the largest answer, or of 1 if that is more:
float32 rounding through a deep model."""
PATIENCE = 600
"""Seconds that the fresh process may take."""

LOADER = Path(__file__).with_name("parity_check.py")
"""The program that the fresh process runs; it imports nothing of Headcount."""


@dataclass(frozen=True)
class Parity:
    """A written model's answers against those of the model in memory."""

    form: str
    """`removed`, `padded` or `onnx`."""
    difference: float
    """Largest absolute difference of two answers over all probes."""
    largest: float
    """Largest absolute answer, to judge the difference by."""
    probes: int
    """Batches that were compared, with and without padding."""
    loaded_with: str
    """What loaded it: class and versions."""

    @property
    def passed(self) -> bool:
        """Whether the difference is within rounding."""
        return self.difference <= TOLERANCE * max(1.0, self.largest)


def probes(subject: Subject) -> list[dict[str, Tensor]]:
    """Batches of different sizes and lengths, some with padding."""
    found = []
    for lengths in ((6,), (11, 7, 3), (16, 16)):
        inputs = dict(probe(subject.model, len(lengths), max(lengths)))
        inputs.pop("decoder_input_ids", None)
        if "attention_mask" in inputs:
            ids, mask = inputs["input_ids"].clone(), inputs["attention_mask"].clone()
            padding = getattr(subject.model.config, "pad_token_id", None)
            ids[ids == padding] = (padding or 0) + 1
            end = ids[:, -1].clone()
            for row, length in enumerate(lengths):
                ids[row, length - 1] = end[row]
                mask[row, length:] = 0
                ids[row, length:] = padding or 0
            inputs = {"input_ids": ids, "attention_mask": mask}
        found.append(inputs)
    return found


@torch.inference_mode()
def answer(subject: Subject, inputs: dict[str, Tensor]) -> Tensor:
    """The model's answers, 0 at padding, which means nothing."""
    found = answers(subject.model(**inputs))
    if "attention_mask" in inputs and found.dim() == 3:
        found = found * inputs["attention_mask"][..., None]
    return found.float().cpu()


def check_fresh(folder: Path, subject: Subject, form: str) -> Parity:
    """Load a written model in a new Python process and compare its answers with the subject's.

    Args:
        folder: what was written.
        subject: the model that it must answer like.
        form: `removed` (loaded with its own code), `padded` (loaded without) or `onnx` (onnxruntime).

    Raises:
        ModelError: it does not load there, or answers differently.
    """
    given = probes(subject)
    with tempfile.TemporaryDirectory(prefix="headcount-parity-") as room:
        tensors = {
            f"{number}.{name}": tensor.cpu().contiguous()
            for number, inputs in enumerate(given)
            for name, tensor in inputs.items()
        }
        tensors |= {
            f"{number}.expected": answer(subject, inputs) for number, inputs in enumerate(given)
        }
        save_file(tensors, f"{room}/probes.safetensors")
        result = _run(folder, subject, form, Path(room))
    parity = Parity(form=form, probes=len(given), **result)
    if not parity.passed:
        raise ModelError(
            f"what was written ({form}) answers differently from the model in memory, by "
            f"{parity.difference:.2g} where answers reach {parity.largest:.2g}; nothing was kept"
        )
    return parity


def _run(folder: Path, subject: Subject, form: str, room: Path) -> dict[str, Any]:
    # Remote code is copied to a cache by transformers; this one vanishes with the room.
    environment = {
        **os.environ,
        "HF_MODULES_CACHE": str(room / "modules"),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    command = [sys.executable, "-P", str(LOADER), str(folder), subject.task.auto_class, form]
    try:
        done = subprocess.run(
            [*command, str(room / "probes.safetensors")],
            env=environment,
            cwd=room,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"loading what was written took over {PATIENCE} s") from error
    if done.returncode:
        last = next(iter(done.stderr.strip().splitlines()[-1:]), f"exit code {done.returncode}")
        raise ModelError(f"what was written ({form}) cannot be loaded in a fresh process: {last}")
    return json.loads(done.stdout.splitlines()[-1])
