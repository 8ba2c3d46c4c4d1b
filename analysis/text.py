"""Labelled text as every other module sees it: splits, their names, and where the text came from.

Each split is a class of its own, so that a function which must not look at the test split can say
so in its signature.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self

from analysis.errors import DataError, ProtocolError, unknown

NO_LABEL = -1
"""The label of a text that has none."""
_DROPPED = re.compile(r"[^a-z0-9]+")


def text_hash(text: str) -> str:
    """SHA-256, in hexadecimal, of the text in lower case with everything but a-z and 0-9 dropped.

    Two sentences that differ in spacing, case or punctuation alone have one hash.
    """
    return hashlib.sha256(_DROPPED.sub("", text.lower()).encode("ascii")).hexdigest()


def key(text: str) -> str:
    """The text's letters and digits in lower case, in any script: what makes two sentences one.

    However its characters are encoded (Unicode's NFKC); of a text without letters, what is not space.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", plain) or "".join(plain.split()) or text


@dataclass(frozen=True)
class Provenance:
    """Where a model or a data set came from.

    Attributes:
        source: package, hub id or path, with its version where there is one.
        licence: the licence its publisher names, or a sentence saying that none is named.
        note: what was done to it on the way here.
    """

    source: str
    licence: str
    note: str = ""


@dataclass(frozen=True)
class Split:
    """Labelled texts that serve one purpose.

    Attributes:
        texts: the texts, in a fixed order.
        labels: for each text the number of its label, 0-based; the numbers of its words' labels, words
            being what single spaces divide; or `NO_LABEL`.
    """

    name: ClassVar[str] = ""

    texts: tuple[str, ...]
    labels: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise DataError(
                f"a split needs one label for each text, not {len(self.texts)} texts and "
                f"{len(self.labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.texts)

    def limited(self, n: int) -> Self:
        """The first `n` texts in the order of their hashes; all of them when `n` is not smaller.

        The order depends on the texts alone, so a larger limit keeps what a smaller one chose
        and the choice does not follow the order of a file. The rows keep the split's order.

        Raises:
            DataError: `n` is below 1.
        """
        if n < 1:
            raise DataError(f"the limit must be 1 or more, not {n}")
        if n >= len(self):
            return self
        order = sorted(range(len(self)), key=lambda row: (text_hash(self.texts[row]), row))
        rows = sorted(order[:n])
        return type(self)(
            tuple(self.texts[row] for row in rows), tuple(self.labels[row] for row in rows)
        )


@dataclass(frozen=True)
class Train(Split):
    """Texts that a model was, or may be, trained on; never used for a reported number."""

    name: ClassVar[str] = "train"


@dataclass(frozen=True)
class Calibration(Split):
    """Texts for statistics, scores, mean ablation and repair."""

    name: ClassVar[str] = "calibration"


@dataclass(frozen=True)
class Selection(Split):
    """Texts for everything that is chosen or tuned."""

    name: ClassVar[str] = "selection"


@dataclass(frozen=True)
class Test(Split):
    """Texts for reported numbers; nothing is chosen on them."""

    name: ClassVar[str] = "test"
    __test__: ClassVar[bool] = False


SPLITS: dict[str, type[Split]] = {kind.name: kind for kind in (Train, Calibration, Selection, Test)}


@dataclass(frozen=True)
class LabelledText:
    """A data set: its splits, the names of its labels, and its origin.

    Attributes:
        name: what a person calls it.
        label_names: name of each label number.
        splits: the splits there are, by name; a data set need not have all four.
        provenance: where it came from and under which licence.
        notes: sentences about what was dropped, merged or renamed while reading.
        numbered: whether the label numbers are the publisher's own, so that they may be compared
            with a model's outputs; not so when words were numbered in alphabetical order here.
    """

    name: str
    label_names: tuple[str, ...]
    splits: Mapping[str, Split]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    numbered: bool = True

    def __post_init__(self) -> None:
        """Hold a copy of the splits that nobody can change.

        Raises:
            ProtocolError: a split stands under a name that is not its own: what may be done with it goes by its kind.
        """
        for name, split in self.splits.items():
            if type(split) is not SPLITS.get(name):
                kind = type(split).__name__
                raise ProtocolError(
                    f"{self.name}: the split {name!r} is of the kind {kind}; there are "
                    + ", ".join(f"{known} ({each.__name__})" for known, each in SPLITS.items())
                )
        object.__setattr__(self, "splits", MappingProxyType(dict(self.splits)))

    def split(self, name: str) -> Split:
        """The split of that name.

        Raises:
            DataError: there is no such split; the message names those there are.
        """
        if name not in self.splits:
            raise DataError(f"{self.name}: {unknown('split', name, self.splits)}")
        return self.splits[name]
