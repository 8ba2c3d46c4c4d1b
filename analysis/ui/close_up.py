"""The work behind one head's page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis.mask import Head, HeadMask, name
from analysis.progress import Step
from analysis.ui import work
from analysis.ui.jobs import Job
from analysis.ui.resources import TOKENS, Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    from analysis.deciles import Entropies, Example
    from analysis.evaluation import Evaluation
    from analysis.likeness import Likeness

READ = 1000
"""Calibration sentences from which examples are chosen, at most."""
COMPARED = 200
"""Calibration sentences on which heads are compared, at most."""


def examples(here: Workspace, head: Head) -> Job[tuple[Example, ...]]:
    """A sentence from each tenth of the calibration sentences by this head's entropy."""
    return work.desk.ask(
        (here.key, "examples", head),
        lambda found: _choosing(here, found, head),
        owner=current().id,
        kind="examples",
        title=f"Examples of {name(head)}",
        after=[entropies(here)],
    )


def entropies(here: Workspace) -> Job[Entropies]:
    """The entropy of every head in every one of some calibration sentences."""
    return work.desk.ask(
        (here.key, "entropies"),
        lambda: _measuring(here),
        owner=current().id,
        kind="entropies",
        title="Entropy of every head in every sentence",
    )


def likeness(here: Workspace) -> Job[Likeness]:
    """How alike the maps of every two heads are."""
    return work.desk.ask(
        (here.key, "likeness"),
        lambda: _comparing(here),
        owner=current().id,
        kind="likeness",
        title="Which heads are alike",
    )


def without(here: Workspace, head: Head) -> Job[Evaluation]:
    """Accuracy and loss without this one head, on the selection split."""
    return work.evaluation(here, HeadMask.off(here.anatomy, [head]))


def measured_without(here: Workspace, head: Head) -> Job[Evaluation] | None:
    """That measurement, if it was asked for."""
    mask = HeadMask.off(here.anatomy, [head])
    return work.desk.find(work.evaluation_key(here, mask, "selection", None, "zero"))


def _measuring(here: Workspace) -> Iterator[Step[Entropies]]:
    from analysis.deciles import measuring

    yield from measuring(here.subject, here.sentences("calibration", READ), tokens=TOKENS)


def _choosing(here: Workspace, found: Entropies, head: Head) -> Iterator[Step[tuple[Example, ...]]]:
    from analysis.deciles import examples

    yield from examples(here.subject, here.sentences("calibration", READ), found, head)


def _comparing(here: Workspace) -> Iterator[Step[Likeness]]:
    from analysis.likeness import comparing

    yield from comparing(here.subject, here.sentences("calibration", COMPARED))
