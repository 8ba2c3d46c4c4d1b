"""How commands tell of looks at the test split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analysis.cli.output import say
from analysis.errors import PlaceError, StoreError

if TYPE_CHECKING:
    from analysis.looks import Look
    from analysis.models import Subject
    from analysis.text import LabelledText


def tell_look(subject: Subject, data: LabelledText, taken: Iterable[Look]) -> None:
    """Note what was measured on the test split, and say how many looks there have been."""
    from analysis.looks import look
    from analysis.store import opened
    from analysis.store.database import address

    taken = tuple(taken)
    try:
        told = look(opened(address()), subject, data, taken).told(*taken)
    except (StoreError, PlaceError) as error:
        told = f"looks at the test split are not counted: {error}"
    if told:
        say(told)
