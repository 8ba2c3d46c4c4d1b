"""The scores of the heads that are known, as statistics of a head, and the work that finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from analysis.progress import Step
from analysis.ui import views, work
from analysis.ui.jobs import Job
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    import pandas as pd

    from analysis.scores import Ranking
    from analysis.statistics import Statistic

CHANCE = "random"
"""The method whose order says nothing about the heads."""


def scores(here: Workspace) -> Job[dict[str, Ranking]]:
    """The rankings by every method that takes a few passes."""
    return work.desk.ask(
        scores_key(here),
        lambda: _scoring(here),
        owner=current().id,
        kind="scores",
        title="Scores of the heads by every quick method",
        is_lasting=True,
    )


def scores_key(here: Workspace) -> tuple[str, str]:
    """The key of the scores by every quick method, to find them when they have been asked for."""
    return (here.key, "scores")


def ranking(here: Workspace, method: str) -> Job[Any]:
    """The work that a method's scores come from: that on every quick method while it runs, else its own."""
    together = work.desk.find(scores_key(here))
    is_among_them = method != CHANCE and not views.methods()[method].long
    if together is not None and together.is_open and is_among_them:
        return together
    return work.ranking(here, method, is_lasting=True)


def known(here: Workspace) -> dict[str, Ranking]:
    """Every ranking that is known, whoever asked for it, by method."""
    together = work.desk.find(scores_key(here))
    found = dict(together.answer or {}) if together is not None else {}
    for method in views.methods():
        job = work.desk.find(work.ranking_key(here, method))
        if job is not None and job.answer is not None:
            found[method] = job.answer
    return found


def telling(rankings: Mapping[str, Ranking]) -> dict[str, Ranking]:
    """The rankings that say something about the heads: all but the random one."""
    return {method: each for method, each in rankings.items() if method != CHANCE}


def statistics(methods: Iterable[str]) -> dict[str, Statistic]:
    """A method's ranking as a statistic of a head, its place in the order, by the name that links have for it."""
    from analysis.statistics import Statistic

    known = views.methods()
    return {
        f"score_{method}": Statistic(
            f"score_{method}",
            f"Score: {known[method].title}",
            "place in the order",
            0,
            1,
            f"{known[method].meaning} 1 is kept longest, 0 goes first.",
        )
        for method in methods
    }


def method_of(statistic: str) -> str | None:
    """The method whose ranking a statistic is; None for one that is measured."""
    method = statistic.removeprefix("score_")
    return method if method != statistic else None


def joined(table: pd.DataFrame, rankings: Mapping[str, Ranking]) -> pd.DataFrame:
    """The statistics' table with a column for each ranking, which has no standard error."""
    columns: dict[str, Any] = {}
    for method, ranking in rankings.items():
        places = ranking.values["score"].rank(method="average") - 1
        columns[f"score_{method}"] = places / max(len(places) - 1, 1)
        columns[f"score_{method}_se"] = float("nan")
    return table.assign(**columns)


def trust(ranking: Ranking) -> str:
    """How far scores that are sampled can be trusted, in a sentence."""
    from analysis.scores import sampled

    return sampled(ranking)


def _scoring(here: Workspace) -> Iterator[Step[dict[str, Ranking]]]:
    from analysis.errors import MethodError
    from analysis.scores import QUICK, ranking

    found: dict[str, Ranking] = {}
    methods = [method for method in QUICK if method != "random"]
    for number, method in enumerate(methods, 1):
        try:
            for step in ranking(here.subject, here.data, method):
                if step.result is not None:
                    found[method] = step.result
        except MethodError:
            pass  # labels or derivatives that are not there; the others can still be compared
        yield Step(number, len(methods), "methods", found if number == len(methods) else None)
