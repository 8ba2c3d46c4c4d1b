"""The plans of a model as a tree, and what is known of each as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import pandas as pd

from analysis.store import Result, Saving, StoredPlan

NUMBERS = [entry.name for kind in (Result, Saving) for entry in fields(kind)]


@dataclass(frozen=True)
class Branch:
    """A plan in its place in the tree."""

    plan: StoredPlan
    depth: int
    """Plans above it."""
    parent: str | None
    """Id of the nearest plan above it that is there; None below the full model itself."""


def branches(plans: Sequence[StoredPlan], deleted: Sequence[StoredPlan] = ()) -> tuple[Branch, ...]:
    """The plans, each one before those that were made from it.

    Args:
        plans: those that are there, in the order in which they were made.
        deleted: those that were deleted; their children hang under the next plan above.
    """
    there = {plan.id for plan in plans}
    above = {plan.id: plan.parent for plan in (*plans, *deleted)}
    children: dict[str | None, list[StoredPlan]] = {}
    for plan in plans:
        children.setdefault(_living(plan.parent, there, above), []).append(plan)
    found: list[Branch] = []
    waiting = [(plan, 0, None) for plan in reversed(children.get(None, []))]
    while waiting:
        plan, depth, parent = waiting.pop()
        found.append(Branch(plan, depth, parent))
        below = reversed(children.get(plan.id, []))
        waiting += [(each, depth + 1, plan.id) for each in below]  # type: ignore[misc]
    return tuple(found)


def table(
    tree: Sequence[Branch], results: Mapping[str, Result], savings: Mapping[str, Saving]
) -> pd.DataFrame:
    """One row a plan, in the order of the tree; what was not measured is missing.

    Args:
        tree: the plans.
        results: what was measured, by the plan's id.
        savings: what really removing saves, by the plan's id.

    Returns:
        `id`, `parent`, `depth`, `name`, `note`, `heads_on`, `heads_total`, `ablation`, `repair`, `created`, and the
        fields of `Result` and `Saving`.
    """
    rows = [
        {
            "id": branch.plan.id,
            "parent": branch.parent,
            "depth": branch.depth,
            "name": branch.plan.name,
            "note": branch.plan.note,
            "heads_on": branch.plan.mask.heads_on,
            "heads_total": branch.plan.mask.heads_total,
            "ablation": branch.plan.ablation,
            "repair": branch.plan.repair,
            "created": branch.plan.created,
            **_numbers(results.get(branch.plan.id)),
            **_numbers(savings.get(branch.plan.id)),
        }
        for branch in tree
    ]
    known = ["id", "parent", "depth", "name", "note", "heads_on", "heads_total"]
    columns = [*known, "ablation", "repair", "created", *NUMBERS]
    found = pd.DataFrame(rows, columns=columns)
    return found.astype(dict.fromkeys(NUMBERS, float))


def _numbers(record: Result | Saving | None) -> dict[str, float | None]:
    return {} if record is None else asdict(record)


def _living(id: str | None, there: set[str], above: Mapping[str, str | None]) -> str | None:
    """The plan itself if it is there, else the nearest one above it that is."""
    seen: set[str] = set()
    while id is not None and id not in there:
        if id in seen:
            return None
        seen.add(id)
        id = above.get(id)
    return id
