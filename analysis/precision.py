"""What to compute on, and with which numbers: 16 bits where the processor has units for them, else float32."""

from __future__ import annotations

import torch

from analysis.errors import MethodError, unknown

PRECISIONS: dict[str, str] = {
    "auto": "bfloat16 where the processor multiplies it natively, float16 on older graphics processors, else float32",
    "float32": "the reference: slower, and what exports and parity checks use",
    "bfloat16": "8 bits of mantissa: several times faster on processors made for it",
    "float16": "11 bits of mantissa, but no number above 65,504: for graphics processors without bfloat16",
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""What PyTorch can be asked to compute in."""
TENSOR_CORES = (7, 0)
"""Compute capability from which NVIDIA's graphics processors have units for float16."""

DEVICES: dict[str, str] = {
    "auto": "the graphics processor where PyTorch finds one, else the processor",
    "cpu": "the processor",
    "cuda": "the first NVIDIA graphics processor",
}


def device_of(name: str) -> torch.device:
    """The device of that name.

    Raises:
        MethodError: an unknown device, or one that is not here.
    """
    if name not in DEVICES:
        raise MethodError(unknown("device", name, DEVICES))
    if name == "cuda" and not torch.cuda.is_available():
        raise MethodError("PyTorch finds no NVIDIA graphics processor here; choose cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def dtype_of(precision: str, device: torch.device) -> torch.dtype:
    """The number format that a precision stands for on a device.

    Raises:
        MethodError: an unknown precision.
    """
    if precision not in PRECISIONS:
        raise MethodError(unknown("precision", precision, PRECISIONS))
    if precision != "auto":
        return DTYPES[precision]
    if has_bfloat16(device):
        return torch.bfloat16
    return torch.float16 if has_float16(device) else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def has_float16(device: torch.device) -> bool:
    """Whether a device multiplies float16 faster than float32."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= TENSOR_CORES
