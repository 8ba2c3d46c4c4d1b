"""What to compute on, and with which numbers: bfloat16 where the processor has units for it, else float32."""

from __future__ import annotations

import torch

from analysis.errors import MethodError, unknown

PRECISIONS: dict[str, str] = {
    "auto": "bfloat16 where the processor multiplies it natively, else float32",
    "float32": "the reference: slower, and what exports and parity checks use",
    "bfloat16": "8 bits of mantissa: several times faster on processors made for it",
}


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
    if precision == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    return torch.float32 if precision == "float32" else torch.bfloat16


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
