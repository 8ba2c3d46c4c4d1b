"""Looks at the test split, kept between runs: of many models measured there the best looks better than it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from analysis.journal import digest
from analysis.models import Subject
from analysis.store import Look, Store
from analysis.text import LabelledText, Split, Test

__all__ = ["Look", "Looks", "look", "looks"]


@dataclass(frozen=True)
class Looks:
    """What was measured of one model on one test split."""

    taken: tuple[Look, ...]
    """In the order of the first time; the full model is nobody's choice and is not among them."""
    since: str = "so far"
    """From when they are counted, at the end of a sentence."""

    @property
    def before(self) -> str:
        """How many there were, for whoever is about to look; empty where there was none."""
        if not self.taken:
            return ""
        many = len(self.taken)
        looks = "One measurement has" if many == 1 else f"{many} measurements have"
        return f"{looks} been made on it {self.since}."

    def told(self, *those: Look) -> str:
        """Which measurement this was, in a sentence; empty for what was not measured there."""
        mine = [each for each in dict.fromkeys(those) if each in self.taken]
        many = len(self.taken)
        if not mine:
            return ""
        if many == 1:
            return f"This is the only measurement on the test split {self.since}."
        if len(mine) == 1:
            which = f"This is measurement {self.taken.index(mine[0]) + 1} of {many}"
        elif len(mine) == many:
            which = f"These are {'both' if many == 2 else f'all {many}'} measurements"
        else:
            which = f"These are {len(mine)} of {many} measurements"
        return (
            f"{which} on the test split {self.since}: the best of several looks better than it is."
        )


def looks(store: Store, subject: Subject, data: LabelledText) -> Looks:
    """The looks that a store knows of.

    Raises:
        DataError: the data has no test split.
        StoreError: the store cannot be used.
    """
    sentences = _digest(data.split(Test.name))
    return Looks(store.looks.all(subject.anatomy, subject.fingerprint, sentences))


def look(store: Store, subject: Subject, data: LabelledText, taken: Iterable[Look]) -> Looks:
    """Note what was measured on the test split; all looks there have been.

    Raises:
        DataError, StoreError: see `looks`.
    """
    store.looks.keep(subject.fingerprint, _digest(data.split(Test.name)), taken)
    return looks(store, subject, data)


@lru_cache(maxsize=8)
def _digest(split: Split) -> str:
    return digest(split)
