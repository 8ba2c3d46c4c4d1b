"""How commands tell of looks at the test split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analysis.cli.output import say
from analysis.errors import PlaceError, StoreError

if TYPE_CHECKING:
    from analysis.mask import HeadMask
    from analysis.models import Subject
    from analysis.text import LabelledText


def tell_look(subject: Subject, data: LabelledText, masks: Iterable[HeadMask]) -> None:
    """Note which masks were measured on the test split, and say how many looks there have been."""
    from analysis.looks import look

    masks = tuple(masks)
    try:
        told = look(subject, data, masks).told(*masks)
    except (StoreError, PlaceError) as error:
        told = f"looks at the test split are not counted: {error}"
    if told:
        say(told)
