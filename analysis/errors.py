"""Every error that Headcount raises on purpose.

    HeadcountError
     ├── ModelError      a model cannot be found, read, or is of a kind that Headcount does not know
     ├── DataError       labelled text cannot be found, read, or does not fit the model
     ├── MaskError       a mask names heads that the model does not have, or cannot be read
     ├── PlanError       a plan cannot be read or belongs to another model
     ├── MethodError     a scoring method, statistic or option that does not exist or cannot run here
     ├── ProtocolError   a split was used for what it must not be used for
     ├── PlaceError      a folder that cannot be written
     └── StoreError      the store of plans cannot be reached, read or written

Messages are sentences for the person who made the request: what, where, and what would work.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HeadcountError(Exception):
    """Base of all errors that are the caller's to mend; its text can be shown to a person as it is."""


class ModelError(HeadcountError):
    """A model that cannot be loaded or is not supported."""


class DataError(HeadcountError):
    """Labelled text that cannot be loaded or does not fit the model."""


class MaskError(HeadcountError):
    """A mask that does not fit the model's heads or cannot be decoded."""


class PlanError(HeadcountError):
    """A plan that cannot be read or belongs to another model."""


class MethodError(HeadcountError):
    """An unknown or inapplicable method, statistic or option."""


class ProtocolError(HeadcountError):
    """A split used for a purpose that would make the reported numbers dishonest."""


class PlaceError(HeadcountError):
    """A folder that cannot be read or written."""


class StoreError(HeadcountError):
    """A store of plans that cannot be reached, read or written."""


def first_line(error: Exception, longest: int = 300) -> str:
    """The first line of another library's error, cut short; its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:longest]


def unknown(kind: str, name: str, choices: Iterable[str]) -> str:
    """The sentence for a name that is not among the choices.

    >>> unknown("method", "entrpy", ["entropy", "sparsity"])
    "unknown method 'entrpy'; did you mean 'entropy'? Choose one of entropy, sparsity"
    """
    known = list(choices)
    close = difflib.get_close_matches(name, known, n=1)
    if len(name) > 60:
        name = name[:59] + "…"
    hint = f"; did you mean {close[0]!r}? Choose" if close else "; choose"
    return f"unknown {kind} {name!r}{hint} one of {', '.join(known)}"
