"""Which sentence serves which purpose: calibration, selection or test.

Splits that a publisher names are kept. What is missing is taken out of `train`, or out of the only
table there is, by a hash of each text: the order of the rows moves no sentence from one split to
another, two spellings of one sentence stay together, and from `SMALL` rows on added rows move none
either. Fewer are dealt out in the order of their hashes, so that every split gets its share; a note
says that added rows can then move them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.errors import DataError
from analysis.text import NO_LABEL, SPLITS, Split, key

ROLES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
    "heldout": "test",
    "calibration": "calibration",
    "selection": "selection",
}
"""What a split's published name means here; `validation` becomes selection, test, or both others."""
ONE_TABLE = {"calibration": 0.25, "selection": 0.25, "test": 0.5}
"""Shares of a table without splits. No train: the model has been trained already."""
FROM_TRAIN = {"calibration": 0.1, "selection": 0.2}
"""Shares of `train` that serve as calibration and selection; the rest remains train."""
FEWEST = 12
"""Sentences that a table needs so that every split gets some."""
SMALL = 100
"""Below this many sentences shares are exact; from it on they are a hash's, and added rows move no other."""


@dataclass(frozen=True)
class Rows:
    """Labelled texts before they have a purpose."""

    texts: tuple[str, ...]
    labels: tuple[Any, ...]
    """As `text.Split` has them."""

    def __len__(self) -> int:
        return len(self.texts)

    def pick(self, rows: Sequence[int]) -> Rows:
        """The rows of those numbers."""
        return Rows(tuple(self.texts[i] for i in rows), tuple(self.labels[i] for i in rows))


def arrange(name: str, parts: Mapping[str, Rows]) -> tuple[dict[str, Split], tuple[str, ...]]:
    """Give every sentence its purpose.

    Args:
        name: what to call the data set in an error.
        parts: the labelled rows under the names that their publisher gave them, none empty.

    Returns:
        The splits, in the order train, calibration, selection, test, and a sentence for each decision.

    Raises:
        DataError: there are too few sentences.
    """
    named = {ROLES[part]: part for part in parts if part in ROLES}
    if len(named) < 2:
        only = next(iter(named.values()), next(iter(parts)))
        used = {only}
        chosen, notes = (
            _divided(parts[only], ONE_TABLE, name),
            [_shares("one table", parts[only], ONE_TABLE)],
        )
    else:
        used = set(named.values())
        chosen, notes = _from_named(name, {role: parts[part] for role, part in named.items()})
    left_out = [part for part in parts if part not in used]
    if left_out:
        notes.append(f"the splits {', '.join(left_out)} were left out")
    notes += _without_overlap(chosen)
    splits = {
        kind: SPLITS[kind](chosen[kind].texts, chosen[kind].labels)
        for kind in SPLITS
        if chosen.get(kind)
    }
    notes += _warnings(splits)
    return splits, tuple(notes)


def role_of(stem: str) -> str | None:
    """What a file of that name is for, as `films_train-2` is for `train`; None where it says nothing or two things."""
    words = re.findall(r"[a-z]+", stem.lower())
    found = {ROLES[word] for word in ("".join(words), *words) if word in ROLES}
    return found.pop() if len(found) == 1 else None


def _from_named(name: str, known: dict[str, Rows]) -> tuple[dict[str, Rows], list[str]]:
    """Splits when a publisher names at least two."""
    chosen = dict(known)
    notes = []
    validation = chosen.pop("validation", None)
    if validation is not None and "test" not in chosen:
        chosen["test"], validation = validation, None
        notes.append("there is no labelled test split; the validation split stands in as test")
    if validation is not None and "selection" not in chosen:
        if "calibration" in chosen or "train" in chosen:
            chosen["selection"] = validation
            notes.append("the validation split serves as selection")
        else:
            halves = {"calibration": 0.5, "selection": 0.5}
            chosen |= _divided(validation, halves, name)
            notes.append(_shares("validation", validation, halves))
    wanted = {kind: share for kind, share in FROM_TRAIN.items() if kind not in chosen}
    if wanted and "train" in chosen:
        notes.append(_shares("train", chosen["train"], wanted))
        chosen |= _divided(chosen["train"], wanted, name, rest="train")
    return chosen, notes


def _divided(
    rows: Rows, shares: Mapping[str, float], name: str, rest: str | None = None
) -> dict[str, Rows]:
    """Deal rows out by the hash of their texts; what is past the last share goes to `rest`."""
    if len(rows) < FEWEST:
        what = "texts" if NO_LABEL in rows.labels else "labelled texts"
        raise DataError(
            f"{name} has {len(rows)} {what} to divide into {', '.join(shares)}; "
            f"at least {FEWEST} are needed, and some hundreds for numbers worth trusting"
        )
    dealt: dict[str, list[int]] = {kind: [] for kind in (*shares, *filter(None, [rest]))}
    last = rest or list(shares)[-1]
    for number, place in enumerate(_places(rows.texts)):
        bound = 0.0
        for kind, share in shares.items():
            bound += share
            if place < bound:
                dealt[kind].append(number)
                break
        else:
            dealt[last].append(number)
    if any(not dealt[kind] for kind in shares):
        raise DataError(f"{name} repeats a few texts; give at least {FEWEST} different ones")
    return {kind: rows.pick(numbers) for kind, numbers in dealt.items()}


def _places(texts: Sequence[str]) -> list[float]:
    """A number from 0 to 1 for each text that depends on its letters and digits."""
    hashes = [hashlib.sha256(key(text).encode()).digest() for text in texts]
    if len(texts) >= SMALL:
        return [int.from_bytes(each[:8]) / 2**64 for each in hashes]
    order = {each: rank for rank, each in enumerate(sorted(set(hashes)))}
    return [order[each] / len(order) for each in hashes]


def _without_overlap(chosen: dict[str, Rows]) -> list[str]:
    """Keep a sentence that stands in two splits only in the one that must stay cleanest."""
    notes = []
    seen: dict[str, str] = {}
    for kind in ("test", "selection", "calibration", "train"):
        rows = chosen.get(kind, Rows((), ()))
        keys = [key(text) for text in rows.texts]
        clean = [number for number, each in enumerate(keys) if each not in seen]
        if len(clean) < len(rows):
            where = ", ".join(sorted({seen[each] for each in keys if each in seen}))
            notes.append(
                f"{len(rows) - len(clean)} texts of {kind} also stand in {where}; left out"
            )
            chosen[kind] = rows.pick(clean)
        seen |= dict.fromkeys(keys, kind)
    return notes


def _warnings(splits: Mapping[str, Split]) -> list[str]:
    measured = {kind: split for kind, split in splits.items() if kind != "train"}
    notes = [
        f"all texts of {kind} have one label"
        for kind, split in measured.items()
        if set(split.labels) != {NO_LABEL} and len(set(split.labels)) == 1
    ]
    few = {kind: len(split) for kind, split in measured.items() if len(split) < SMALL}
    if few:
        fewest = min(few.values())
        sizes = ", ".join(f"{kind} {size}" for kind, size in few.items())
        one_each = all(isinstance(label, int) and label >= 0 for label in measured[min(few)].labels)
        notes.append(
            f"there are few texts ({sizes}): "
            + (
                f"an accuracy on {fewest} is uncertain by up to ±{100 / fewest**0.5:.0f} points, on 400 by "
                "±5, on 2,400 by ±2"
                if one_each
                else "what is measured on them depends on which texts they are"
            )
        )
    return notes


def _shares(origin: str, rows: Rows, shares: Mapping[str, float]) -> str:
    parts = ", ".join(f"{kind} {share:.0%}" for kind, share in shares.items())
    divided = f"{origin} was divided by a hash of each text: {parts}"
    if len(rows) >= SMALL:
        return divided
    return (
        f"{divided}; of fewer than {SMALL} texts, added ones move others from split to split: keep the splits in a "
        "column or in files of their own before this file grows"
    )
