"""A ranking as it is kept on disk."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.errors import MaskError
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.scores import Ranking


def written(found: Ranking) -> dict[str, Any]:
    """A ranking as plain values."""
    return {
        "ranking": found.method,
        "scores": found.values["score"].tolist(),
        "masks": {str(keep): mask.encode() for keep, mask in found.masks.items()},
        "setting": found.setting,
        "errors": list(found.errors),
    }


def read(subject: Subject, method: str, known: dict[str, Any]) -> Ranking | None:
    """`written` inverted, for the model that was ranked; None where the file holds no such ranking."""
    try:
        return _read(subject, method, known)
    except (KeyError, TypeError, ValueError, AttributeError, MaskError):
        return None


def _read(subject: Subject, method: str, known: dict[str, Any]) -> Ranking:
    heads = HeadMask.full(subject.anatomy).on_heads
    values = pd.DataFrame(
        [(*head, float(score)) for head, score in zip(heads, known["scores"], strict=True)],
        columns=["layer", "head", "score"],
    )
    masks = {
        int(keep): HeadMask.decode(subject.anatomy, code) for keep, code in known["masks"].items()
    }
    setting = known.get("setting")
    errors = tuple(known.get("errors", ()))
    return Ranking(method, values, masks, tuple(setting) if setting is not None else None, errors)
