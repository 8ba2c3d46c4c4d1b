"""What the pages can have computed: each function asks for a job and returns it at once.

A job's key names everything that its result depends on, so equal questions are answered once,
whoever asks them, and an answer to another question is never shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from analysis.mask import HeadMask
from analysis.ui import computing
from analysis.ui.choice import Choice
from analysis.ui.comparison import Comparison
from analysis.ui.desk import Desk
from analysis.ui.jobs import Job, Urgency
from analysis.ui.resources import Source, Workspace, opening
from analysis.ui.state import current, origin

if TYPE_CHECKING:
    import pandas as pd

    from analysis.evaluation import Evaluation
    from analysis.forecast import Forecast
    from analysis.handover.delivered import Delivery
    from analysis.maps import Maps
    from analysis.profiling import Profile
    from analysis.scores import Ranking

desk = Desk(
    keep_of_kind={"opening": 2, "maps": 8, "atlas": 8, "repaired A": 1, "repaired B": 1},
    origin=origin,
)
"""Where all sessions of this server ask."""

PRECISIONS = ("auto", "float32")
"""Numbers to evaluate with: the fast ones of this processor, or the reference."""


def open_source(source: Source, owner: str | None = None) -> Job[Workspace]:
    """Load a model and sentences, for this session or for who is named."""
    return desk.ask(
        ("opening", source),
        lambda: opening(source),
        owner=owner or current().id,
        kind="opening",
        title=f"Loading {source.model} and {source.data}",
        urgency=Urgency.ALONE,
    )


def evaluation(
    here: Workspace,
    mask: HeadMask,
    *,
    split: str = "selection",
    limit: int | None = None,
    ablation: str = "zero",
    urgency: Urgency = Urgency.CLICK,
) -> Job[Evaluation]:
    """Accuracy under a mask against the full model on the same sentences."""
    precision = evaluated_in(split)
    after = [] if mask.is_full or ablation == "zero" else [profile(here)]
    return desk.ask(
        evaluation_key(here, mask, split, limit, ablation),
        lambda *needed: computing.evaluating(
            here, mask, split, limit, ablation, precision, *needed
        ),
        owner=current().id,
        kind=f"{'full' if mask.is_full else 'masked'} model, {split}",
        title=f"Accuracy with {mask.heads_on} of {mask.heads_total} heads, {split} split",
        urgency=urgency,
        after=after,
    )


def forecast(here: Workspace) -> Job[Forecast]:
    """Effects of all heads on some calibration sentences, for forecasts of clicks."""
    return desk.ask(
        (here.key, "forecast"),
        lambda: computing.foreseeing(here),
        owner=current().id,
        kind="forecast",
        title="Effect of every head, for forecasts",
        urgency=Urgency.LONG,
    )


def start(ask: Callable[..., Job[Any]], *given: Any, **named: Any) -> Callable[[], None]:
    """A callback that asks for this work when its button is pressed."""

    def pressed() -> None:
        ask(*given, **named)

    return pressed


class EvaluationKey(NamedTuple):
    """What an evaluation is known by."""

    here: str
    """The workspace's key."""
    kind: str
    mask: HeadMask
    split: str
    limit: int | None
    ablation: str
    precision: str


def evaluation_key(
    here: Workspace, mask: HeadMask, split: str, limit: int | None, ablation: str
) -> EvaluationKey:
    """The key of an evaluation, to find one that has been asked for."""
    # What a head that is off contributes does not matter when none is.
    ablation = "zero" if mask.is_full else ablation
    return EvaluationKey(here.key, "evaluation", mask, split, limit, ablation, evaluated_in(split))


def evaluated_in(split: str) -> str:
    """The numbers to evaluate in: the session's, and float32 on the test split, whose results are handed on."""
    return "float32" if split == "test" else current().checked("precision", PRECISIONS)


def profile(here: Workspace, *, is_quick: bool = False) -> Job[Profile]:
    """Every statistic of every head, on the calibration split.

    The colours of a board can be had several times sooner in this processor's fast numbers. Once the exact ones are
    asked for they serve everything, and the quick ones are not computed any more.
    """
    asked = desk.find((here.key, "profile", "float32"))
    wanted = current().checked("precision", PRECISIONS) if is_quick and asked is None else "float32"
    precision = computing.shown_in(here, wanted)
    return desk.ask(
        (here.key, "profile", precision),
        lambda: computing.profiling(here, precision),
        owner=current().id,
        kind="profile",
        title="Statistics of every head",
    )


def ranking_key(here: Workspace, method: str, seed: int = 0) -> tuple[Any, ...]:
    """The key of a ranking, to find one that has been asked for."""
    return (here.key, "ranking", method, seed)


def ranking(
    here: Workspace, method: str, seed: int = 0, *, is_lasting: bool = False
) -> Job[Ranking]:
    """The heads in order of importance by a method; other work stops it unless it was started to last."""
    return desk.ask(
        ranking_key(here, method, seed),
        lambda: computing.ranking(here, method, seed),
        owner=current().id,
        kind="ranking",
        title=f"Scores of the heads by {method}",
        is_lasting=is_lasting,
    )


def maps(here: Workspace, text: str, mask: HeadMask) -> Job[tuple[Maps, Maps]]:
    """Attention on one text with all heads, and under the mask."""
    return desk.ask(
        (here.key, "maps", text, mask),
        lambda: computing.mapping(here, text, mask),
        owner=current().id,
        kind="maps",
        title="Attention on one text",
        urgency=Urgency.CLICK,
    )


def speed(here: Workspace, mask: HeadMask, *, batch: int, length: int) -> Job[computing.Speed]:
    """Latency and cost of the really smaller model against the full and the masked one."""
    return desk.ask(
        (here.key, "speed", mask, batch, length),
        lambda: computing.timing(here, mask, batch, length),
        owner=current().id,
        kind="speed",
        title=f"Latency without {mask.heads_total - mask.heads_on} heads",
    )


def delivery_key(here: Workspace, mask: HeadMask, choice: Choice) -> tuple[Any, ...]:
    """The key of a delivery, to find one that has been asked for, whatever the plan was called then."""
    return (here.key, "delivery", mask, replace(choice, name=""))


def delivery(here: Workspace, mask: HeadMask, choice: Choice) -> Job[Delivery]:
    """Really remove the heads, repair, judge on the test split, time, write and check."""
    return desk.ask(
        delivery_key(here, mask, choice),
        lambda: computing.delivering(here, mask, choice),
        owner=current().id,
        kind="delivery",
        title=f"A model without {mask.heads_total - mask.heads_on} heads",
        is_lasting=True,
        urgency=Urgency.LONG,
    )


def delivered(here: Workspace, mask: HeadMask) -> tuple[str, ...]:
    """The repairs of the finished deliveries of this mask, however they were written and timed."""
    found: list[str] = []
    for job in desk.done("delivery"):
        key: Any = job.key
        if key[:3] == (here.key, "delivery", mask) and job.answer is not None:
            found.append(job.answer.report.used)
    return tuple(found)


def sweep_key(here: Workspace, asked: Comparison) -> tuple[Any, ...]:
    """The key of a sweep, to find one that has been asked for."""
    return (here.key, "sweep", *asked.key)


def sweep(here: Workspace, asked: Comparison) -> Job[pd.DataFrame]:
    """Quality against heads removed, for several methods, on the selection split.

    Rows are kept on disk as they come: one that was cancelled, or that a restart of the server ended, goes on where
    it was when it is asked for again.
    """
    from analysis.latency import computer
    from analysis.sweep import sweeping

    key, methods = sweep_key(here, asked), asked.methods
    old = desk.find(key)
    if old is not None and old.state in ("failed", "cancelled"):
        desk.forget(key)
    return desk.ask(
        key,
        lambda: sweeping(
            here.subject,
            here.data,
            methods,
            journal=asked.place(here.key, computer(here.subject)),
            **asked.options,
        ),
        owner=current().id,
        kind="sweep",
        title=f"Curves of {len(methods)} method{'s' * (len(methods) > 1)}",
        is_lasting=True,
        urgency=Urgency.LONG,
    )
