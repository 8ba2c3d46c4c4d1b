"""Plans in the store: kept, renamed, deleted and brought back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.exc import IntegrityError

from analysis.errors import PlanError
from analysis.mask import HeadMask
from analysis.plan import LONGEST, Ablation, Plan, Repair
from analysis.protocol import together
from analysis.store.database import Database
from analysis.store.schema import plans

LONGEST_NOTE = 5000
"""Characters of a note at most."""


@dataclass(frozen=True)
class StoredPlan:
    """A plan as the store keeps it: for one model and one set of sentences."""

    id: str
    name: str
    note: str
    model: str
    """The model as it was asked for."""
    fingerprint: str
    """SHA-256 over its weights."""
    data: str
    """SHA-256 over the sentences."""
    data_name: str
    """What the sentences are called."""
    mask: HeadMask
    ablation: Ablation
    repair: Repair
    parent: str | None
    """Id of the plan that this one was made from."""
    trace: str
    """Of the texts that its heads, or those of the plan that it was made from, were chosen by (`protocol.trace`)."""
    created: datetime
    updated: datetime
    deleted: datetime | None
    """When it was deleted; None for a plan that is there."""

    def as_plan(
        self, *, parent: str | None = None, numbers: Mapping[str, float] | None = None
    ) -> Plan:
        """As the plan of a file; `parent` is the parent's name."""
        return Plan(
            name=self.name,
            model=self.model,
            fingerprint=self.fingerprint,
            mask=self.mask,
            ablation=self.ablation,
            repair=self.repair,
            parent=parent,
            numbers=dict(numbers or {}),
            trace=self.trace,
        )


class Plans:
    """The plans of a store. A plan's mask never changes; another mask is another plan."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(
        self,
        *,
        fingerprint: str | None = None,
        data: str | None = None,
        deleted: bool = False,
    ) -> tuple[StoredPlan, ...]:
        """Plans in the order in which they were made.

        Args:
            fingerprint: only those of this model.
            data: only those of these sentences.
            deleted: those that were deleted instead of those that are there.
        """
        wanted: list[ColumnElement[bool]] = [
            plans.c.deleted.is_not(None) if deleted else plans.c.deleted.is_(None)
        ]
        wanted += [plans.c.fingerprint == fingerprint] if fingerprint else []
        wanted += [plans.c.data == data] if data else []
        return self._rows(*wanted)

    def get(self, id: str) -> StoredPlan:
        """The plan of that id, deleted or not.

        Raises:
            PlanError: there is none.
        """
        found = self._rows(plans.c.id == id)
        if not found:
            raise PlanError(f"there is no plan {id[:40]!r} in the store")
        return found[0]

    def keep(
        self, plan: Plan, *, data: str, data_name: str, note: str = "", parent: str | None = None
    ) -> StoredPlan:
        """Keep a plan.

        Args:
            plan: its own `parent` and `numbers` are of a file and not kept.
            data: SHA-256 over the sentences that it is for.
            data_name: what they are called.
            note: anything a person wants to remember.
            parent: id of the plan that it was made from.

        Raises:
            PlanError: its name is empty or another plan of the same model and sentences has it, or there is no
                such parent.
        """
        now = datetime.now(UTC)
        kept = StoredPlan(
            id=uuid.uuid4().hex,
            name=named(plan.name),
            note=note[:LONGEST_NOTE],
            model=plan.model,
            fingerprint=plan.fingerprint,
            data=data,
            data_name=data_name,
            mask=plan.mask,
            ablation=plan.ablation,
            repair=plan.repair,
            parent=parent,
            trace=together(plan.trace, self.get(parent).trace if parent else ""),
            created=now,
            updated=now,
            deleted=None,
        )
        row = {**vars(kept), "mask": plan.mask.encode(), "heads": _written(plan.mask.heads)}
        self._write(lambda connection: connection.execute(plans.insert().values(row)), kept.name)
        return kept

    def rename(self, id: str, name: str) -> StoredPlan:
        """Give a plan another name.

        Raises:
            PlanError: there is no such plan, or the name is empty or taken.
        """
        return self._change(id, name=named(name))

    def annotate(self, id: str, note: str) -> StoredPlan:
        """Give a plan another note.

        Raises:
            PlanError: there is no such plan.
        """
        return self._change(id, note=note[:LONGEST_NOTE])

    def delete(self, id: str) -> StoredPlan:
        """Take a plan away; `restore` brings it back. Plans that were made from it stay.

        Raises:
            PlanError: there is no such plan.
        """
        return self._change(id, deleted=datetime.now(UTC))

    def restore(self, id: str) -> StoredPlan:
        """Bring a deleted plan back, under another name if its own has been taken meanwhile.

        Raises:
            PlanError: there is no such plan.
        """
        found = self.get(id)
        taken = {each.name for each in self.all(fingerprint=found.fingerprint, data=found.data)}
        if found.deleted is None:
            return found
        return self._change(id, deleted=None, name=free_name(found.name, taken))

    def _rows(self, *wanted: ColumnElement[bool]) -> tuple[StoredPlan, ...]:
        query = select(plans).where(*wanted).order_by(plans.c.created, plans.c.id)
        with self._database.reading() as connection:
            return tuple(_plan(row) for row in connection.execute(query))

    def _change(self, id: str, **values: Any) -> StoredPlan:
        self.get(id)
        values["updated"] = datetime.now(UTC)
        change = update(plans).where(plans.c.id == id).values(values)
        self._write(lambda connection: connection.execute(change), str(values.get("name", "")))
        return self.get(id)

    def _write(self, do: Any, name: str) -> None:
        try:
            with self._database.writing() as connection:
                do(connection)
        except IntegrityError as error:
            raise PlanError(
                f"there is a plan called {name!r} already; choose another name"
            ) from error


def named(text: str) -> str:
    """A name as it is kept: one line, without signs that cannot be seen.

    Raises:
        PlanError: nothing is left of it.
    """
    seen = "".join(sign if sign.isprintable() else " " for sign in text)
    name = " ".join(seen.split())[:LONGEST].strip()
    if not name:
        raise PlanError("a plan needs a name")
    return name


def free_name(name: str, taken: Collection[str]) -> str:
    """The name itself, or with the first number that makes it free: `36 of 72 heads (2)`."""
    if name not in taken:
        return name
    number = 2
    while (numbered := f"{name[: LONGEST - 8]} ({number})") in taken:
        number += 1
    return numbered


def _written(heads: tuple[int, ...]) -> str:
    return ",".join(map(str, heads))


def _plan(row: Row[Any]) -> StoredPlan:
    values = dict(row._mapping)
    shape = HeadMask(tuple((True,) * int(count) for count in values.pop("heads").split(",")))
    return StoredPlan(**{**values, "mask": HeadMask.decode(shape, values["mask"])})
