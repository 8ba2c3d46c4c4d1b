"""What the page of plans can have measured: one plan for a comparison, or everything that is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.mask import HeadMask
from analysis.plan_tree import Branch, branches, table
from analysis.progress import Step
from analysis.store import Occasion, Result, Saving, Setting, Store, StoredPlan
from analysis.ui import work
from analysis.ui.jobs import Job, Urgency
from analysis.ui.plans import shelf
from analysis.ui.plans.shelf import Shelf
from analysis.ui.resources import Workspace
from analysis.ui.state import current

if TYPE_CHECKING:
    import pandas as pd

    from analysis.evaluation import Evaluation
    from analysis.measuring import Treatment
    from analysis.models import Subject
    from analysis.profiling import Profile
    from analysis.repair import Repaired


@dataclass(frozen=True)
class Numbers:
    """What the store knows of the plans in one setting; by the plan's id, `""` for the full model."""

    tree: tuple[Branch, ...]
    settings: dict[str, Setting]
    occasions: dict[str, Occasion]
    results: dict[str, Result]
    savings: dict[str, Saving]

    @property
    def table(self) -> pd.DataFrame:
        """One row a plan."""
        return table(self.tree, self.results, self.savings)

    @property
    def missing(self) -> int:
        """Measurements that have not been made."""
        known = len(self.results) + len(self.savings)
        return len(self.settings) + len(self.occasions) - known


def numbers(here: Workspace, found: Shelf, limit: int | None) -> Numbers:
    """What is known of every plan and of the full model; answers that the desk has are kept on the way."""
    from analysis.measuring import is_removable, occasion

    full = HeadMask.full(here.anatomy)
    rows = {"": ("zero", "none", full)}
    rows |= {plan.id: (plan.ablation, plan.repair, plan.mask) for plan in found.plans}
    settings = {
        id: shelf.setting(here, mask, ablation, repair, limit)
        for id, (ablation, repair, mask) in rows.items()
    }
    occasions = {
        id: occasion(here.subject, mask)
        for id, (_, _, mask) in rows.items()
        if is_removable(here.subject, mask)
    }
    results: dict[Setting, Result] = shelf.ask(
        lambda store: store.results.several(settings.values()), {}
    )
    fresh = _fresh(here, settings, results, limit)
    savings: dict[Occasion, Saving] = shelf.ask(
        lambda store: store.results.savings(occasions.values()), {}
    )
    known = {**results, **fresh}
    return Numbers(
        branches(found.plans, found.deleted),
        settings,
        occasions,
        {id: known[each] for id, each in settings.items() if each in known},
        {id: savings[each] for id, each in occasions.items() if each in savings},
    )


def everything_key(here: Workspace, limit: int | None) -> tuple[Any, ...]:
    """The key of the work that measures all plans, to find it when it has been asked for."""
    return (here.key, "plans", limit, current().checked("precision", work.PRECISIONS))


def everything(
    here: Workspace, plans: Sequence[StoredPlan], known: Numbers, limit: int | None
) -> Job[int]:
    """Measure what is missing, accuracies first, and keep each number as soon as it is whole."""
    key = everything_key(here, limit)
    work.desk.forget(key)
    return work.desk.ask(
        key,
        lambda *needed: _measuring(here, plans, known, limit, key[-1], shelf.store(), *needed),
        owner=current().id,
        kind="plans",
        title=f"Measuring {len(plans)} plan{'s' * (len(plans) > 1)}",
        is_lasting=True,
        urgency=Urgency.LONG,
        after=_means(here, [plan.ablation for plan in plans]),
    )


def evaluation(
    here: Workspace, treatment: Treatment, limit: int | None, side: str
) -> Job[Evaluation]:
    """A mask's answers for a comparison; `side` says for which of the two."""
    precision = current().checked("precision", work.PRECISIONS)
    mask, ablation = treatment.mask, treatment.ablation
    how: dict[str, Any] = {
        "owner": current().id,
        "kind": f"plan {side}",
        "title": f"Answers with {mask.heads_on} of {mask.heads_total} heads",
        # A repair takes long steps, and what comes after it one more pass.
        "urgency": Urgency.PAGE if treatment.is_repaired else Urgency.CLICK,
    }
    key = work.evaluation_key(here, mask, "selection", limit, ablation)
    if treatment.is_repaired:
        return work.desk.ask(
            (*key, treatment.repair),
            lambda made: _appraising(here, treatment, limit, precision, mended=made.subject),
            after=[mended(here, treatment, side)],
            **how,
        )
    return work.desk.ask(
        key,
        lambda *needed: _appraising(here, treatment, limit, precision, *needed),
        after=[] if mask.is_full else _means(here, [ablation]),
        **how,
    )


def mended(here: Workspace, treatment: Treatment, side: str) -> Job[Repaired]:
    """The smaller, repaired model of a plan, which answers in a comparison; `side` as for `evaluation`."""
    from analysis.measuring import mending

    mask = treatment.mask
    return work.desk.ask(
        (here.key, "repaired", mask, treatment.repair),
        lambda: mending(here.subject, here.data, treatment),
        owner=current().id,
        kind=f"repaired {side}",
        title=f"Repair of the model with {mask.heads_on} of {mask.heads_total} heads",
    )


def _fresh(
    here: Workspace,
    settings: dict[str, Setting],
    known: dict[Setting, Result],
    limit: int | None,
) -> dict[Setting, Result]:
    """Numbers that other pages have had measured and the store does not know yet."""
    fresh = {}
    for setting in settings.values():
        if setting in known or setting.repair != "none":
            continue
        key = work.evaluation_key(here, setting.mask, "selection", limit, setting.ablation)
        job = work.desk.find(key)
        if job is not None and (answer := job.answer) is not None:
            fresh[setting] = Result.of(answer)
            shelf.ask(_keeping(setting, answer), None)
    return fresh


def _keeping(setting: Setting, answer: Evaluation) -> Callable[[Store], None]:
    return lambda store: store.results.keep_evaluation(setting, answer)


def _means(here: Workspace, ablations: Sequence[str]) -> list[Job[Any]]:
    return [work.profile(here)] if "mean" in ablations else []


def _measuring(
    here: Workspace,
    plans: Sequence[StoredPlan],
    known: Numbers,
    limit: int | None,
    precision: str,
    store: Store,
    profiled: Profile | None = None,
) -> Iterator[Step[int]]:
    from analysis.measuring import Treatment, one_after_another, saving

    treatments = {plan.id: Treatment(plan.mask, plan.ablation, plan.repair) for plan in plans}
    treatments[""] = Treatment(HeadMask.full(here.anatomy))
    pieces: list[tuple[Callable[[], Iterator[Step[Any]]], Callable[[Any], None]]] = []
    for id, setting in known.settings.items():
        if id not in known.results:
            pieces.append(
                (
                    lambda id=id: _appraising(here, treatments[id], limit, precision, profiled),  # type: ignore[misc]
                    lambda found, at=setting: store.results.keep_evaluation(at, found),  # type: ignore[misc]
                )
            )
    for id, at in known.occasions.items():
        if id not in known.savings:
            pieces.append(
                (
                    lambda at=at: saving(here.subject, at.mask),  # type: ignore[misc]
                    lambda found, at=at: store.results.keep_saving(at, found),  # type: ignore[misc]
                )
            )
    yield from one_after_another(pieces)


def _appraising(
    here: Workspace,
    treatment: Treatment,
    limit: int | None,
    precision: str,
    profiled: Profile | None = None,
    mended: Subject | None = None,
) -> Iterator[Step[Evaluation]]:
    from analysis.measuring import appraising

    replay = here.replay("selection", limit, precision)
    means = profiled.means if profiled else None
    yield from appraising(replay, here.data, treatment, means, mended=mended)
