"""Who may look at which sentences: scores at calibration, choices at selection, nobody chooses at test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from analysis.errors import ProtocolError
from analysis.text import Calibration, LabelledText, Selection, Split, Test, key

HASH = 12
"""Hexadecimal digits of a text's hash in a trace: 2,000 texts share one with it by chance once in a billion times."""
TRACED = 128
"""Hashes of a trace at most, the smallest ones: all of few texts, and evenly drawn ones of many."""


def only(split: object, wanted: type[Split], refusal: str) -> None:
    """Refuse a split of another kind; a class that is two kinds at once is another kind.

    Args:
        split: what was given.
        wanted: what it must be.
        refusal: what to say, with `{name}` for what was given.

    Raises:
        ProtocolError: it is something else.
    """
    if type(split) is not wanted:
        name = getattr(split, "name", "") or type(split).__name__
        raise ProtocolError(refusal.format(name=repr(name)))


def disjoint(data: LabelledText, judged: Split) -> None:
    """Refuse to judge on sentences that heads are scored or chosen on, also in another spelling.

    Raises:
        ProtocolError: the splits share texts.
    """
    looked_at = (
        data.splits[name]
        for name in (Calibration.name, Selection.name)
        if name in data.splits and name != judged.name
    )
    _share_nothing(looked_at, judged)


def unseen(data: LabelledText, also: Split | None = None) -> None:
    """Refuse data whose test sentences a score or a choice would see.

    Args:
        data: labelled text.
        also: further sentences that are looked at.

    Raises:
        ProtocolError: see `disjoint`.
    """
    test = data.splits.get(Test.name)
    if test is not None:
        disjoint(data, test)
        _share_nothing([also] if also is not None else [], test)


def trace(*splits: Split | None) -> str:
    """What texts are known again by: the smallest of their hashes, one after the other."""
    return _written(set().union(*map(_hashes, filter(None, splits))))


def together(*traces: str) -> str:
    """The trace of all texts that any of these traces is of."""
    return _written(set().union(*map(_read, traces)))


def untraced(judged: Split, seen: str, what: str) -> None:
    """Refuse to report numbers of a choice on texts that it was made by.

    Args:
        judged: what is judged on; choices are reported on the test split, and on others nothing is refused.
        seen: `trace` of the texts that it was made by, as far as known.
        what: was chosen, such as "the plan 'half'".

    Raises:
        ProtocolError: some of them are among those that are judged on.
    """
    shared = len(_read(seen) & _hashes(judged)) if judged.name == Test.name else 0
    if shared:
        raise ProtocolError(
            f"{what} was chosen by texts that are in the test split too, at least {shared} of its {len(judged)}; "
            "a result judged on them would say nothing"
        )


def unfitted(judged: str, what: str) -> None:
    """Refuse to judge by the sentences that something was fitted to.

    Args:
        judged: name of the split that is judged on.
        what: was made of the calibration split, such as "a repair".

    Raises:
        ProtocolError: it is the calibration split.
    """
    if judged == Calibration.name:
        raise ProtocolError(
            f"{what} is made of the calibration split, so a number measured there would say nothing; "
            "measure on selection or test"
        )


def unchosen(looked_at: str, what: str) -> None:
    """Refuse to look for heads on the test split.

    Args:
        looked_at: name of the split.
        what: would be known of every head, such as "statistics of every head".

    Raises:
        ProtocolError: it is the test split.
    """
    if looked_at == Test.name:
        raise ProtocolError(
            f"{what} are what heads are chosen by, and nothing is chosen on the test split; "
            "take calibration, selection or train"
        )


def _share_nothing(looked_at: Iterable[Split], judged: Split) -> None:
    seen = {key(text) for split in looked_at for text in split.texts}
    shared = sum(key(text) in seen for text in judged.texts)
    if shared:
        raise ProtocolError(
            f"{shared} of {len(judged)} texts of the {judged.name} split are also in the splits that heads "
            "are scored and chosen on; a result judged on them would say nothing"
        )


def _hashes(split: Split) -> set[str]:
    return {hashlib.sha256(key(text).encode()).hexdigest()[:HASH] for text in split.texts}


def _written(hashes: set[str]) -> str:
    return "".join(sorted(hashes)[:TRACED])


def _read(trace: str) -> set[str]:
    return {trace[start : start + HASH] for start in range(0, len(trace), HASH)}
