"""Load an exported model and compare its answers with stored ones. Run as a program; imports no Headcount."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import torch
import transformers
from safetensors.torch import load_file


def main(folder: str, auto_class: str, form: str, probes: str) -> None:
    """Print, as JSON, the largest difference over all probes."""
    run, loaded_with = _onnx(folder) if form == "onnx" else _torch(folder, auto_class, form)
    stored = load_file(probes)
    difference = largest = 0.0
    for number in range(1 + max(int(name.split(".")[0]) for name in stored)):
        inputs = {
            name.partition(".")[2]: tensor
            for name, tensor in stored.items()
            if name.startswith(f"{number}.")
        }
        expected = inputs.pop("expected")
        found = run(inputs)
        if "attention_mask" in inputs and found.dim() == 3:
            found = found * inputs["attention_mask"][..., None]
        difference = max(difference, float((found - expected).abs().max()))
        largest = max(largest, float(expected.abs().max()))
    if "analysis" in sys.modules:
        raise SystemExit("Headcount was imported, so this proves nothing about its absence")
    print(json.dumps({"difference": difference, "largest": largest, "loaded_with": loaded_with}))


def _torch(folder: str, auto_class: str, form: str) -> tuple[Callable[..., torch.Tensor], str]:
    kind = getattr(transformers, auto_class)
    trusted = form == "removed"
    model = kind.from_pretrained(folder, trust_remote_code=trusted).eval()

    def run(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        with torch.inference_mode():
            output = model(**inputs)
        logits = getattr(output, "logits", None)
        return (output.last_hidden_state if logits is None else logits).float()

    option = ", trust_remote_code=True" if trusted else ""
    versions = f"transformers {transformers.__version__}, torch {torch.__version__}"
    return run, f"{auto_class}.from_pretrained(DIR{option}), {versions}"


def _onnx(folder: str) -> tuple[Callable[..., torch.Tensor], str]:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(
        f"{folder}/model.onnx", providers=["CPUExecutionProvider"]
    )
    names = {wanted.name for wanted in session.get_inputs()}

    def run(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        given = {name: tensor.numpy() for name, tensor in inputs.items() if name in names}
        return torch.from_numpy(session.run(None, given)[0]).float()

    return run, f"onnxruntime {onnxruntime.__version__}"


if __name__ == "__main__":
    main(*sys.argv[1:])
