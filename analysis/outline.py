"""The shape of a model from its configuration alone, seconds before PyTorch has been imported.

What is read here is a promise, not the model: whoever uses it checks it against the `Anatomy` once that is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from analysis.demo import HEADS, LAYERS
from analysis.families import FAMILIES

LARGEST = 1 << 20
"""Bytes of a configuration at most."""
MOST = 512
"""Layers, and heads of a layer, at most."""
REMOVED = "headcount"
"""Entry of the configuration of a model that Headcount has made smaller."""


@dataclass(frozen=True)
class Outline:
    """How many heads each layer has."""

    heads: tuple[int, ...]
    groups: tuple[int, ...]
    """Key/value heads of each layer; several heads may share one."""


def outline(model: str) -> Outline | None:
    """The shape of the built-in model or of one in a folder; None where it cannot be told this early.

    Args:
        model: as it is given to `load_model`.
    """
    if model == "demo":
        return Outline((HEADS,) * LAYERS, (HEADS,) * LAYERS)
    return _read(_configuration(model))


def _configuration(folder: str) -> dict[str, Any]:
    try:
        file = Path(folder).expanduser() / "config.json"
        if file.stat().st_size > LARGEST:
            return {}
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):
        return {}  # loading the model will say what is wrong with it
    return found if isinstance(found, dict) else {}


def _read(config: dict[str, Any]) -> Outline | None:
    family = FAMILIES.get(str(config.get("model_type")))
    if family is None or not family.shape:
        return None
    shares = any(place.ratio for place in family.places)
    if isinstance(smaller := config.get(REMOVED), dict):
        left = smaller.get("heads")
        if shares or not isinstance(left, list) or not 0 < len(left) <= MOST:
            return None
        return (
            Outline(tuple(left), tuple(left)) if any(left) and all(map(_is_count, left)) else None
        )
    layers, heads = (config.get(name) for name in family.shape)
    groups = config.get("num_key_value_heads") if shares else heads
    if not (_is_count(layers) and _is_count(heads) and _is_count(groups)):
        return None
    if not (layers and heads and groups) or heads % groups:
        return None
    return Outline((heads,) * layers, (groups,) * layers)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
