"""Headcount's package: how many attention heads does a trained transformer really need?

The names below are what most programs need. They load on first use, so that `import analysis`
costs nothing until a model is touched.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.data import load_data as load_data
    from analysis.evaluation import evaluate as evaluate
    from analysis.evaluation import logits as logits
    from analysis.mask import HeadMask as HeadMask
    from analysis.models import load_model as load_model
    from analysis.plan import Plan as Plan
    from analysis.profiling import profile as profile
    from analysis.scores import rank as rank
    from analysis.surgery import prune as prune

__version__ = "0.1.0"

_HOMES = {
    "HeadMask": "analysis.mask",
    "Plan": "analysis.plan",
    "evaluate": "analysis.evaluation",
    "load_data": "analysis.data",
    "load_model": "analysis.models",
    "logits": "analysis.evaluation",
    "profile": "analysis.profiling",
    "prune": "analysis.surgery",
    "rank": "analysis.scores",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
