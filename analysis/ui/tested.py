"""Which masks have been measured on the test split, so that the page can say how many looks there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.ui import work

if TYPE_CHECKING:
    from analysis.mask import HeadMask
    from analysis.ui.resources import Workspace


def masks(here: Workspace) -> list[HeadMask]:
    """The masks that anybody has measured on the test split since this server started, each once, in order.

    Delivered models count too: they are judged there. The full model is nobody's choice and does not.
    """
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
    return list(dict.fromkeys(mask for _, mask in found if not mask.is_full))


def so_far(count: int) -> str:
    """How many looks there were before this one; empty where there was none."""
    if not count:
        return ""
    looks = "One mask has" if count == 1 else f"{count} masks have"
    return f"{looks} been measured on it since this server started."


def told(here: Workspace, mask: HeadMask) -> str:
    """Which look at the test split a mask's was, in a sentence; empty for a mask that was not measured there."""
    known = masks(here)
    if mask not in known:
        return ""
    if len(known) == 1:
        return "This is the only mask measured on the test split since this server started."
    return (
        f"This is mask {known.index(mask) + 1} of {len(known)} measured on the test split since this server started: "
        "the best of several looks better than it is."
    )
