"""Looks at the test split, kept between runs: of many masks measured there the best looks better than it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from analysis.journal import digest
from analysis.mask import HeadMask
from analysis.models import Subject
from analysis.store import opened
from analysis.store.database import address
from analysis.text import LabelledText, Split, Test


@dataclass(frozen=True)
class Looks:
    """The masks of one model that were measured on one test split."""

    masks: tuple[HeadMask, ...]
    """In the order of their first time; the full model is nobody's choice and is not among them."""
    since: str = "so far"
    """From when they are counted, at the end of a sentence."""

    @property
    def before(self) -> str:
        """How many there were, for whoever is about to look; empty where there was none."""
        if not self.masks:
            return ""
        looks = "One mask has" if len(self.masks) == 1 else f"{len(self.masks)} masks have"
        return f"{looks} been measured on it {self.since}."

    def told(self, *masks: HeadMask) -> str:
        """Which look this was, in a sentence; empty for masks that were not measured there."""
        mine = [mask for mask in dict.fromkeys(masks) if mask in self.masks]
        many = len(self.masks)
        if not mine:
            return ""
        if many == 1:
            return f"This is the only mask measured on the test split {self.since}."
        if len(mine) == 1:
            which = f"This is mask {self.masks.index(mine[0]) + 1} of {many}"
        elif len(mine) == many:
            which = f"These are all {many} masks"
        else:
            which = f"These are {len(mine)} of {many} masks"
        return (
            f"{which} measured on the test split {self.since}: the best of several looks better "
            "than it is."
        )


def looks(subject: Subject, data: LabelledText) -> Looks:
    """The looks that the store knows of.

    Raises:
        DataError: the data has no test split.
        StoreError: the store cannot be used.
        PlaceError: the user data directory cannot be made.
    """
    store = opened(address())
    about = subject.fingerprint, _digest(data.split(Test.name))
    return Looks(store.looks.masks(subject.anatomy, *about))


def look(subject: Subject, data: LabelledText, masks: Iterable[HeadMask]) -> Looks:
    """Note that masks were measured on the test split; all looks there have been.

    Raises:
        DataError, StoreError, PlaceError: see `looks`.
    """
    sentences = _digest(data.split(Test.name))
    opened(address()).looks.keep(subject.fingerprint, sentences, masks)
    return looks(subject, data)


@lru_cache(maxsize=8)
def _digest(split: Split) -> str:
    return digest(split)
