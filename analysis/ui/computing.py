"""How what the pages ask for is computed: generators of steps that run in the desk's threads, away from any session."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from analysis.errors import HeadcountError
from analysis.mask import HeadMask
from analysis.progress import Step
from analysis.store import Look, opened
from analysis.store.database import address
from analysis.ui.choice import Choice, plan_of
from analysis.ui.resources import TOKENS, Workspace

if TYPE_CHECKING:
    from analysis.cost import Cost
    from analysis.evaluation import Evaluation
    from analysis.forecast import Forecast
    from analysis.handover.delivered import Delivery
    from analysis.latency import Latency
    from analysis.maps import Maps
    from analysis.profiling import Profile
    from analysis.scores import Ranking

Result = TypeVar("Result")

FULL, MASKED, PRUNED = "full model", "masked model", "smaller model"
FORESEEN = 256
"""Calibration sentences that forecasts are made from."""
ROUNDS = 12
"""Timed rounds of a latency comparison."""


@dataclass(frozen=True)
class Speed:
    """What removing heads really buys."""

    latency: Latency
    full: Cost
    pruned: Cost


def evaluating(
    here: Workspace,
    mask: HeadMask,
    split: str,
    limit: int | None,
    ablation: Any,
    precision: str,
    profiled: Profile | None = None,
) -> Iterator[Step[Evaluation]]:
    """Accuracy under a mask, as far as it is known."""
    replay = here.replay(split, limit, precision)
    means = profiled.means if profiled else None
    steps = replay.evaluating(mask, ablation=ablation, means=means)
    if split == "test":
        steps = _noted(steps, lambda _: _look(here, [Look(mask, ablation)]))
    yield from steps


def _noted(steps: Iterator[Step[Result]], note: Callable[[Result], None]) -> Iterator[Step[Result]]:
    """The steps; the whole result is noted before anybody sees it, so that no look goes uncounted."""
    last: Step[Result] | None = None
    for step in steps:
        if last is not None:
            yield last
        last = step
    if last is not None:
        if last.result is not None:
            note(last.result)
        yield last


def _look(here: Workspace, taken: Sequence[Look]) -> None:
    """Note looks at the test split; where nothing can be kept the pages count those of this server."""
    from analysis.looks import look

    with suppress(HeadcountError):
        look(opened(address()), here.subject, here.data, taken)


def foreseeing(here: Workspace) -> Iterator[Step[Forecast]]:
    """Effects of all heads on some calibration sentences; nothing for tasks that answer more than once a text."""
    from analysis import forecast

    read_ahead()
    if here.subject.task.reads != "labelled texts":
        yield Step(
            1, 1, "sentences"
        )  # forecasts would need the effect of every head on every word or token
        return
    enough = min(FORESEEN, len(here.sentences("calibration")))
    yield from forecast.foreseeing(here.replay("calibration", enough, "auto"))


def read_ahead() -> None:
    """Import what the first answer is shown with, here where no click waits for it."""
    import pandas as pd

    from analysis import answer_figures, flips

    # Plotly and pandas import what they draw when they first draw it.
    nobody = pd.DataFrame({"group": [""], "n": 1, "share": 0.0, "low": 0.0, "high": 0.0})
    answer_figures.by_group(nobody.assign(**dict.fromkeys(flips.KINDS, 0))).to_json()


def shown_in(here: Workspace, precision: str) -> str:
    """The numbers in which the heads of this model are really shown, `float32` or `bfloat16`."""
    from analysis.passes.shown import numbers

    return numbers(here.subject, precision)


def profiling(here: Workspace, precision: str) -> Iterator[Step[Profile]]:
    """Every statistic of every head."""
    from analysis import profiling as profiles

    calibration = here.sentences("calibration")
    yield from profiles.profiling(here.subject, calibration, tokens=TOKENS, precision=precision)


def ranking(here: Workspace, method: str, seed: int) -> Iterator[Step[Ranking]]:
    """The heads by a method."""
    from analysis import scores

    yield from scores.ranking(here.subject, here.data, method, seed=seed)


def mapping(here: Workspace, text: str, mask: HeadMask) -> Iterator[Step[tuple[Maps, Maps]]]:
    """Attention on one text with all heads, and under the mask."""
    from analysis.maps import maps

    full = _halved(maps(here.subject, text))
    masked = full if mask.is_full else _halved(maps(here.subject, text, mask))
    yield Step(1, 1, "texts", (full, masked))


def _halved(maps: Maps) -> Maps:
    """The maps in half precision: at 512 tokens 384 heads are 200 MB, and several texts are kept."""
    return replace(maps, weights=tuple(layer.half() for layer in maps.weights))


def delivering(here: Workspace, mask: HeadMask, choice: Choice) -> Iterator[Step[Delivery]]:
    """A smaller model, written into a folder of its own."""
    from analysis.handover import delivery
    from analysis.places import data_dir

    folder = data_dir() / "exports" / f"{uuid.uuid4().hex[:8]}-{mask.encode()}"[:100]
    folder.parent.mkdir(exist_ok=True)
    timed = {name: getattr(choice, name) for name in ("batch", "length", "threads", "dtype")}
    wish = delivery.Wish(folder, padded=choice.padded, onnx=choice.onnx, rounds=ROUNDS, **timed)
    steps = delivery.delivering(here.subject, here.data, plan_of(here, mask, choice), wish)
    yield from _noted(steps, lambda found: _look(here, found.looks))


def timing(here: Workspace, mask: HeadMask, batch: int, length: int) -> Iterator[Step[Speed]]:
    """Latency of the full, the masked and the really smaller model, with their cost."""
    from analysis import latency
    from analysis.cost import cost
    from analysis.surgery import prune

    smaller = prune(here.subject, mask)
    full, pruned = (cost(s, batch=batch, length=length) for s in (here.subject, smaller))
    runners = {
        FULL: latency.Runner(here.subject),
        MASKED: latency.Runner(here.subject, mask),
        PRUNED: latency.Runner(smaller),
    }
    for step in latency.timing(runners, batch=batch, length=length, rounds=ROUNDS):
        known = Speed(step.result, full, pruned) if step.result else None
        yield Step(step.done, step.total, step.unit, known)
