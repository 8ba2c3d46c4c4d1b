"""Which masks have been measured on a test split, by anybody who uses this store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select

from analysis.mask import HasHeads, HeadMask
from analysis.store.database import Database
from analysis.store.results import INSERTS
from analysis.store.schema import looks


class KeptLooks:
    """The looks of a store. A mask is noted once, when it was first measured."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, fingerprint: str, sentences: str, masks: Iterable[HeadMask]) -> None:
        """Note that masks were measured; the full model is nobody's choice and is left out.

        Args:
            fingerprint: SHA-256 over the model's weights.
            sentences: digest of the test sentences.
            masks: what was measured on them.

        Raises:
            StoreError: it cannot be written.
        """
        codes = dict.fromkeys(mask.encode() for mask in masks if not mask.is_full)
        about = {"fingerprint": fingerprint, "sentences": sentences, "first": datetime.now(UTC)}
        rows = [
            {**about, "mask": code, "place": place, "key": _key(fingerprint, sentences, code)}
            for place, code in enumerate(codes)
        ]
        if not rows:
            return
        insert = INSERTS[self._database.dialect](looks).on_conflict_do_nothing()
        with self._database.writing() as connection:
            connection.execute(insert, rows)

    def masks(self, shape: HasHeads, fingerprint: str, sentences: str) -> tuple[HeadMask, ...]:
        """The masks that were measured on these sentences, in the order of their first time.

        Raises:
            StoreError: it cannot be read.
        """
        query = (
            select(looks.c.mask)
            .where(looks.c.fingerprint == fingerprint, looks.c.sentences == sentences)
            .order_by(looks.c.first, looks.c.place)
        )
        with self._database.reading() as connection:
            return tuple(HeadMask.decode(shape, code) for (code,) in connection.execute(query))


def _key(*parts: str) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
