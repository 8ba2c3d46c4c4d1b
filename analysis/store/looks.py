"""What has been measured on a test split, by anybody who uses this store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from analysis.mask import HasHeads, HeadMask
from analysis.plan import Ablation, Repair
from analysis.store.database import Database
from analysis.store.results import INSERTS
from analysis.store.schema import looks


@dataclass(frozen=True)
class Look:
    """A model that was measured: a mask and what was done about the heads that are off."""

    mask: HeadMask
    ablation: Ablation = "zero"
    repair: Repair = "none"

    def __post_init__(self) -> None:
        if self.repair != "none":  # a smaller model has no heads that are off
            object.__setattr__(self, "ablation", "zero")


class KeptLooks:
    """The looks of a store. One is noted once, when it was first taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, fingerprint: str, sentences: str, taken: Iterable[Look]) -> None:
        """Note looks; the full model is nobody's choice and is left out.

        Args:
            fingerprint: SHA-256 over the model's weights.
            sentences: digest of the test sentences.
            taken: what was measured on them.

        Raises:
            StoreError: it cannot be written.
        """
        several = dict.fromkeys(each for each in taken if not each.mask.is_full)
        about = {"fingerprint": fingerprint, "sentences": sentences, "first": datetime.now(UTC)}
        rows = []
        for place, each in enumerate(several):
            what = {"mask": each.mask.encode(), "ablation": each.ablation, "repair": each.repair}
            key = _key(fingerprint, sentences, *what.values())
            rows.append({**about, **what, "place": place, "key": key})
        if not rows:
            return
        insert = INSERTS[self._database.dialect](looks).on_conflict_do_nothing()
        with self._database.writing() as connection:
            connection.execute(insert, rows)

    def all(self, shape: HasHeads, fingerprint: str, sentences: str) -> tuple[Look, ...]:
        """What was measured on these sentences, in the order of the first time.

        Raises:
            StoreError: it cannot be read.
        """
        query = (
            select(looks.c.mask, looks.c.ablation, looks.c.repair)
            .where(looks.c.fingerprint == fingerprint, looks.c.sentences == sentences)
            .order_by(looks.c.first, looks.c.place)
        )
        with self._database.reading() as connection:
            return tuple(
                Look(HeadMask.decode(shape, code), ablation, repair)
                for code, ablation, repair in connection.execute(query)
            )


def _key(*parts: str) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
