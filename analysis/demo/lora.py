"""A LoRA adapter in PEFT's file format, read and merged into weights without PEFT.

For an adapted matrix, `W + scale * B @ A` with `A [rank, in]`, `B [out, rank]` and
`scale = alpha / rank` (Hu et al. 2021), or `alpha / sqrt(rank)` for rank-stabilised LoRA
(Kalajdzievski 2023). Modules that were trained whole replace what was there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any

import torch
from safetensors.torch import load

from analysis.errors import ModelError

_PREFIX = "base_model.model."


@dataclass(frozen=True)
class Adapter:
    """An adapter as stored.

    Attributes:
        tensors: PEFT's tensors by name, in the precision of the file.
        scale: factor of `B @ A`.
        sha256: hash of both files; another adapter has another one.
    """

    tensors: dict[str, torch.Tensor]
    scale: float
    sha256: str


def fingerprint(folder: Traversable) -> str:
    """SHA-256 of the adapter's two files."""
    return hashlib.sha256(_config(folder) + _weights(folder)).hexdigest()


def read(folder: Traversable) -> Adapter:
    """The adapter in `folder`: `adapter_config.json` and `adapter_model.safetensors`.

    Raises:
        ModelError: it is not a plain LoRA adapter that can be merged.
    """
    config: dict[str, Any] = json.loads(_config(folder))
    if config["peft_type"] != "LORA" or config.get("use_dora") or config.get("fan_in_fan_out"):
        raise ModelError("the demo's adapter is not a plain LoRA adapter; reinstall headcount")
    rank = config["r"]
    scale = config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank)
    return Adapter(load(_weights(folder)), scale, fingerprint(folder))


def merged(weights: dict[str, torch.Tensor], adapter: Adapter) -> dict[str, torch.Tensor]:
    """`weights` with the adapter merged in, in float32; the given tensors are not changed.

    Raises:
        ModelError: the adapter adapts a module that the weights do not have.
    """
    result = dict(weights)
    for name, tensor in adapter.tensors.items():
        module, _, part = name.removeprefix(_PREFIX).partition(".lora_")
        if not part:
            result[module] = tensor.float()
        elif part == "A.weight":
            target = f"{module}.weight"
            if target not in weights:
                raise ModelError(f"the demo's adapter adapts {module}, which its model lacks")
            up = adapter.tensors[name.replace(".lora_A.", ".lora_B.")].float()
            result[target] = weights[target] + adapter.scale * (up @ tensor.float())
    return result


def _config(folder: Traversable) -> bytes:
    return _file(folder, "adapter_config.json")


def _weights(folder: Traversable) -> bytes:
    return _file(folder, "adapter_model.safetensors")


def _file(folder: Traversable, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"the demo's adapter has no {name}; reinstall headcount") from error
