"""Devices and number formats by name."""

from __future__ import annotations

import pytest
import torch

from analysis.errors import MethodError
from analysis.precision import device_of, dtype_of, has_bfloat16

CPU = torch.device("cpu")


def test_the_reference_is_float32():
    assert dtype_of("float32", CPU) == torch.float32
    assert dtype_of("bfloat16", CPU) == torch.bfloat16
    assert dtype_of("float16", CPU) == torch.float16


@pytest.mark.parametrize(
    ("units", "wanted"), [({"amx_bf16": True}, torch.bfloat16), ({}, torch.float32)]
)
def test_auto_is_bfloat16_only_where_the_processor_has_units_for_it(monkeypatch, units, wanted):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units)
    assert has_bfloat16(CPU) == bool(units)
    assert dtype_of("auto", CPU) == wanted


@pytest.mark.parametrize(
    ("has_bfloat16", "capability", "wanted"),
    [
        (True, (9, 0), torch.bfloat16),
        (False, (7, 5), torch.float16),
        (False, (6, 1), torch.float32),
    ],
)
def test_older_graphics_processors_get_float16(monkeypatch, has_bfloat16, capability, wanted):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bfloat16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert dtype_of("auto", torch.device("cuda")) == wanted


def test_unknown_names_are_refused_with_the_choices():
    with pytest.raises(MethodError, match="one of auto, float32, bfloat16, float16"):
        dtype_of("int4", CPU)
    with pytest.raises(MethodError, match="one of auto, cpu, cuda"):
        device_of("tpu")


def test_a_graphics_processor_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MethodError, match="no NVIDIA graphics processor"):
        device_of("cuda")
    assert device_of("auto") == CPU
