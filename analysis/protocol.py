"""Who may look at which sentences: scores at calibration, choices at selection, nobody chooses at test."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.errors import ProtocolError
from analysis.text import Calibration, LabelledText, Selection, Split, Test, key


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


def _share_nothing(looked_at: Iterable[Split], judged: Split) -> None:
    seen = {key(text) for split in looked_at for text in split.texts}
    shared = sum(key(text) in seen for text in judged.texts)
    if shared:
        raise ProtocolError(
            f"{shared} of {len(judged)} texts of the {judged.name} split are also in the splits that heads "
            "are scored and chosen on; a result judged on them would say nothing"
        )
