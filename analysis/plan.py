"""A plan: which heads of which model go, and what was measured for it. A small JSON file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from analysis.errors import MaskError, PlanError
from analysis.mask import HasHeads, HeadMask
from analysis.protocol import HASH, TRACED

VERSION = 2
"""Version of the file's form; another one is refused, not guessed at, but for the first, which had no trace."""
LARGEST = 1_000_000
"""Characters of a plan at most."""
LONGEST = 500
"""Characters of a name at most."""
MOST_NUMBERS = 1000
"""Measured numbers of a plan at most."""
HIGHEST = 1e300
"""No measured number comes near this; NaN, infinity and endless integers fail the comparison."""

Ablation = Literal["zero", "mean"]
Repair = Literal["none", "mean", "least-squares"]


@dataclass(frozen=True)
class Plan:
    """A mask with a name and the numbers measured for it."""

    name: str
    """What a person calls it."""
    model: str
    """The model it was made for, as it was asked for: `demo`, a hub id or a folder."""
    fingerprint: str
    """SHA-256 over that model's weights (`Subject.fingerprint`)."""
    mask: HeadMask
    ablation: Ablation = "zero"
    """What a head that is off contributes while the plan is evaluated."""
    repair: Repair = "none"
    """How the output projection is corrected when the heads are removed."""
    parent: str | None = None
    """Name of the plan that this one was made from."""
    numbers: Mapping[str, float] = field(default_factory=dict, hash=False)
    """What was measured, by name, such as `accuracy` (0 to 1) or `change` (points)."""
    trace: str = ""
    """Of the texts that its heads were chosen by (`protocol.trace`), so that it is not judged on them; empty where
    nobody knows."""

    def to_json(self) -> str:
        """The plan as the text of a file; `from_json` reads it back."""
        content = {
            "headcount": VERSION,
            "name": self.name,
            "model": self.model,
            "fingerprint": self.fingerprint,
            "mask": self.mask.encode(),
            "ablation": self.ablation,
            "repair": self.repair,
            "parent": self.parent,
            "numbers": dict(self.numbers),
            "trace": self.trace,
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(
        cls, anatomy: HasHeads, text: str | bytes, *, fingerprint: str | None = None
    ) -> Plan:
        """Read a plan, trusting nothing in it.

        Args:
            anatomy: of the model that the plan shall be used with.
            text: the content of the file.
            fingerprint: of that model; when given, a plan for other weights is refused.

        Raises:
            PlanError: it is not a plan, is damaged, or belongs to another model.
        """
        content = _parsed(text)
        try:
            mask = HeadMask.decode(anatomy, _text(content, "mask"))
        except MaskError as error:
            raise PlanError(f"the plan does not fit the model: {error}") from error
        plan = cls(
            name=_text(content, "name"),
            model=_text(content, "model"),
            fingerprint=_fingerprint(content),
            mask=mask,
            ablation=_one_of(content, "ablation", get_args(Ablation)),
            repair=_one_of(content, "repair", get_args(Repair)),
            parent=None if content["parent"] is None else _text(content, "parent"),
            numbers=_numbers(content["numbers"]),
            trace=_trace(content["trace"]),
        )
        if fingerprint is not None and plan.fingerprint != fingerprint:
            raise PlanError(
                f"the plan {plan.name!r} was made for {plan.model} with other weights than those "
                "loaded; load that model, or make a new plan for this one"
            )
        return plan


_KEYS = frozenset(
    "headcount name model fingerprint mask ablation repair parent numbers trace".split()
)
_TRACE = re.compile(rf"([0-9a-f]{{{HASH}}}){{0,{TRACED}}}")


def _parsed(text: str | bytes) -> dict[str, Any]:
    if len(text) > LARGEST:
        raise PlanError(f"a plan has at most {LARGEST:,} characters, this file has {len(text):,}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"the plan is not JSON: {error}") from error
    if not isinstance(content, dict) or "headcount" not in content:
        raise PlanError("this file is not a plan of Headcount; a plan has a key 'headcount'")
    if type(content["headcount"]) is int and content["headcount"] == 1:
        content = {**content, "headcount": VERSION, "trace": ""}
    if type(content["headcount"]) is not int or content["headcount"] != VERSION:
        raise PlanError(
            f"the plan has version {content['headcount']!r:.40}; this Headcount reads version {VERSION}"
        )
    if content.keys() != _KEYS:
        odd = sorted(content.keys() ^ _KEYS)[0]
        what = "lacks" if odd in _KEYS else "has an unknown"
        raise PlanError(f"the plan {what} key {odd[:40]!r}")
    return content


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content[key]
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        raise PlanError(f"the plan's {key} should be one line of 1 to {LONGEST} characters")
    return value


def _fingerprint(content: Mapping[str, Any]) -> str:
    value = content["fingerprint"]
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        raise PlanError("the plan's fingerprint should be 64 hexadecimal digits")
    return value


def _trace(content: Any) -> str:
    if not isinstance(content, str) or not _TRACE.fullmatch(content):
        raise PlanError(
            f"the plan's trace should be at most {TRACED} times {HASH} hexadecimal digits"
        )
    return content


def _one_of(content: Mapping[str, Any], key: str, choices: tuple[Any, ...]) -> Any:
    if content[key] not in choices:
        raise PlanError(
            f"the plan's {key} is {content[key]!r:.40}; it should be one of {', '.join(choices)}"
        )
    return content[key]


def _numbers(content: Any) -> dict[str, float]:
    if not isinstance(content, dict) or len(content) > MOST_NUMBERS:
        raise PlanError(f"the plan's numbers should be an object of at most {MOST_NUMBERS} numbers")
    for name, value in content.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not abs(value) < HIGHEST
            or len(name) > LONGEST
        ):
            raise PlanError(
                f"the plan's number {name[:40]!r} is not a number that can have been measured"
            )
    return content
