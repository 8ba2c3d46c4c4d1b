"""Which masks have been measured on the test split, so that the page can say how many looks there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import HeadcountError
from analysis.ui import work

if TYPE_CHECKING:
    from analysis.looks import Looks
    from analysis.mask import HeadMask
    from analysis.ui.resources import Workspace


def looks(here: Workspace) -> Looks:
    """The masks that anybody has measured on the test split; since this server started where nothing is kept."""
    from analysis import looks as kept

    own = _of_this_server(here)
    try:
        known = kept.looks(here.subject, here.data).masks
    except HeadcountError:
        return kept.Looks(own, "since this server started")
    return kept.Looks(tuple(dict.fromkeys((*known, *own))))


def _of_this_server(here: Workspace) -> tuple[HeadMask, ...]:
    """Those that are known without the store, each once, in order; delivered models are judged there too."""
    done = [*work.desk.done("masked model, test"), *work.desk.done("delivery")]
    of_these = [job for job in done if job.key[0] == here.key]  # type: ignore[index]
    found = sorted(
        (
            (job.ended or 0.0, job.key[2])  # type: ignore[index]
            for job in of_these
            if job.kind != "delivery" or getattr(job.answer, "split", "") == "test"
        ),
        key=lambda each: each[0],
    )
    return tuple(dict.fromkeys(mask for _, mask in found if not mask.is_full))
