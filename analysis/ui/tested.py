"""What has been measured on the test split, so that the page can say how many looks there were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from analysis.errors import HeadcountError
from analysis.ui import work
from analysis.ui.plans import shelf

if TYPE_CHECKING:
    from analysis.looks import Look, Looks
    from analysis.mask import HeadMask
    from analysis.ui.resources import Workspace


def looks(here: Workspace) -> Looks:
    """What anybody has measured on the test split; since this server started where nothing is kept."""
    from analysis import looks as kept

    own = [each for _, each in sorted(_of_this_server(here), key=lambda found: found[0])]
    try:
        known = kept.looks(shelf.store(), here.subject, here.data).taken
    except HeadcountError:
        return kept.Looks(tuple(dict.fromkeys(own)), "since this server started")
    return kept.Looks(tuple(dict.fromkeys((*known, *own))))


def told(here: Workspace, mask: HeadMask, ablation: Any = "zero") -> str:
    """Which measurement on the test split that of a mask was, with heads that are switched off, in a sentence."""
    from analysis.looks import Look

    return looks(here).told(Look(mask, ablation))


def _of_this_server(here: Workspace) -> Iterator[tuple[float, Look]]:
    """Those that are known without the store, with the time; delivered models are judged there too."""
    from analysis.looks import Look

    for job in (*work.desk.done("masked model, test"), *work.desk.done("delivery")):
        key: Any = job.key
        if key[0] != here.key:
            continue
        if isinstance(key, work.EvaluationKey):
            if not key.mask.is_full:
                yield job.ended or 0.0, Look(key.mask, key.ablation)  # type: ignore[arg-type]
        elif (answer := job.answer) is not None:
            for each in answer.looks:
                yield job.ended or 0.0, each
