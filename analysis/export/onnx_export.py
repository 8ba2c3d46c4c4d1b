"""A model as an ONNX file that takes any batch and length."""

from __future__ import annotations

import inspect
import io
import warnings
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from analysis.anatomy import family_of
from analysis.errors import ModelError, first_line
from analysis.export.parity import probes
from analysis.models import Subject, structural_copy
from analysis.tasks import answers

OUTPUT = "logits"
"""Name of the file's output; hidden states where the model has no logits."""


class _Plain(nn.Module):
    """The model as a function of tensors in a fixed order."""

    def __init__(self, model: Any, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.names = names
        self.options = (
            {"use_cache": False}
            if "use_cache" in inspect.signature(model.forward).parameters
            else {}
        )

    def forward(self, *given: Tensor) -> Tensor:
        """The answers."""
        return answers(self.model(**dict(zip(self.names, given, strict=True)), **self.options))


def check_packages() -> None:
    """Refuse to write ONNX without the packages for it.

    Raises:
        ModelError: one is missing.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"ONNX needs the package {missing[0]}, which is not installed; pip install {' '.join(missing)}"
        )


def write_onnx(model: Any, subject: Subject, path: Path) -> None:
    """Write a model as ONNX with dynamic batch and, for texts, dynamic length.

    Args:
        model: the transformers model.
        subject: the subject that it belongs to.
        path: the file.

    Raises:
        ModelError: the packages for it are missing, or the model's code cannot be exported.
    """
    check_packages()
    copy = structural_copy(model).eval()
    if family_of(copy).interface:
        copy.set_attn_implementation("sdpa")
    inputs = probes(subject)[1]
    names = tuple(inputs)
    text = "pixel_values" not in inputs
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    axes = {0: batch, 1: length} if text else {0: batch}
    try:
        # The exporter prints its progress and warns about its own libraries.
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
            torch.inference_mode(False),
            torch.no_grad(),
        ):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Plain(copy, names),
                tuple(inputs.values()),
                str(path),
                input_names=list(names),
                output_names=[OUTPUT],
                dynamic_shapes=(tuple(axes for _ in names),),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # the exporter raises whatever its many parts raise
        raise ModelError(f"this model cannot be written as ONNX: {first_line(error)}") from error
