"""Weights that are made once and kept as one safetensors file.

The file is written beside its place and renamed, so whoever reads sees all of it or none, also
when two processes make it at once. What does not read back as it was written is made again.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from analysis.errors import PlaceError

Weights = dict[str, torch.Tensor]


def kept(path: Path, make: Callable[[], Weights]) -> Weights:
    """The float32 weights in the file, mapped into memory; made and written when it has none.

    The mapping is private: changing a tensor in place does not change the file.

    Raises:
        PlaceError: the file cannot be written.
    """
    weights = _read(path)
    if weights is None:
        weights = make()
        _write(path, weights)
    return weights


def _read(path: Path) -> Weights | None:
    """The weights; None when there are none, or they are not those that were written."""
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            written = (file.metadata() or {}).get("checksum")
    except (OSError, SafetensorError):
        return None
    return weights if written == _checksum(weights) else None


def _write(path: Path, weights: Weights) -> None:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            save_file(weights, name, metadata={"format": "pt", "checksum": _checksum(weights)})
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        raise PlaceError(
            f"cannot keep the converted model in {path.parent} ({error}); set HEADCOUNT_CACHE to "
            "a folder that can be written, with 300 MB to spare"
        ) from error


def _checksum(weights: Weights) -> str:
    """CRC-32 over all names and values: as quick as reading, and any changed bit shows."""
    found = 0
    for name, tensor in sorted(weights.items()):
        found = zlib.crc32(name.encode(), found)
        found = zlib.crc32(tensor.contiguous().view(-1).numpy().data.cast("B"), found)
    return f"{found:08x}"
