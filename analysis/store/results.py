"""What was measured, kept so that it need not be measured again; the full model has rows of its own."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from analysis.errors import StoreError
from analysis.mask import HeadMask
from analysis.store.database import Database
from analysis.store.schema import results, savings

if TYPE_CHECKING:
    from analysis.evaluation import Evaluation

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class Setting:
    """Everything that a measured number depends on."""

    fingerprint: str
    """SHA-256 over the model's weights."""
    data: str
    """SHA-256 over the sentences of all splits."""
    split: str
    mask: HeadMask
    ablation: str = "zero"
    repair: str = "none"
    precision: str = "float32"
    """What was really computed in, such as `bfloat16`; not `auto`, which differs between computers."""
    limit: int | None = None
    """Sentences of the split that were used; None for all."""

    def __post_init__(self) -> None:
        if self.mask.is_full:  # nothing is switched off, so nothing contributes or is repaired
            object.__setattr__(self, "ablation", "zero")
            object.__setattr__(self, "repair", "none")

    @property
    def key(self) -> str:
        """One key for equal settings."""
        values = [getattr(self, entry.name) for entry in fields(self) if entry.name != "mask"]
        return _key("result", self.mask.encode(), *values)


@dataclass(frozen=True)
class Result:
    """The task's first measure under a mask; the change is against the full model on the same texts."""

    n: int
    """Answers: sentences of a classifier, words of a tagger, next tokens of a language model."""
    value: float
    """In the measure's unit (accuracy: 0 to 1), with its 95 % interval `low` to `high`."""
    low: float
    high: float
    loss: float
    """Mean cross-entropy in nats."""
    change: float | None = None
    """Points for shares, else in the measure's unit, with its paired 95 % interval; None for the full model."""
    change_low: float | None = None
    change_high: float | None = None
    fixed: int | None = None
    """Answers that became right."""
    broken: int | None = None
    """Answers that became wrong."""

    @classmethod
    def of(cls, found: Evaluation) -> Result:
        """The numbers of a whole evaluation."""
        main, flips = found.main, found.flips
        change = main.change
        return cls(
            n=found.n,
            value=main.value,
            low=main.low,
            high=main.high,
            loss=found.loss,
            change=change.points if change else None,
            change_low=change.low if change else None,
            change_high=change.high if change else None,
            fixed=len(flips.fixed) if flips else None,
            broken=len(flips.broken) if flips else None,
        )


@dataclass(frozen=True)
class Saving:
    """What the model costs when the heads of a mask are really removed."""

    parameters: int
    flops: int
    """Operations of one batch."""
    latency_ratio: float | None = None
    """How many times faster than the full model, with its 95 % interval; None where it was not timed."""
    latency_low: float | None = None
    latency_high: float | None = None


@dataclass(frozen=True)
class Occasion:
    """Everything that a saving depends on."""

    fingerprint: str
    mask: HeadMask
    computer: str
    """On what it was timed; another computer has another ratio."""
    batch: int
    length: int

    @property
    def key(self) -> str:
        """One key for equal occasions."""
        return _key(
            "saving", self.fingerprint, self.mask.encode(), self.computer, self.batch, self.length
        )


class Results:
    """The measured numbers of a store. A row is replaced by one of an equal key only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, setting: Setting, result: Result) -> None:
        """Keep what was measured.

        Raises:
            StoreError: it cannot be written, or a mask's numbers were given out as the full model's.
        """
        if setting.mask.is_full != (result.change is None):
            raise StoreError(
                "the full model is what changes are measured against and has none itself; every other mask has one"
            )
        described = {**vars(setting), "sentences": setting.limit}
        del described["limit"]
        self._put(results, setting.key, {**described, **asdict(result)})

    def keep_evaluation(self, setting: Setting, found: Evaluation) -> None:
        """Keep the numbers of a whole evaluation, and those of the full model beside it in their own row.

        Raises:
            StoreError: they cannot be written.
        """
        self.keep(setting, Result.of(found))
        if found.baseline is not None and found.baseline.mask.is_full:
            self.keep(replace(setting, mask=found.baseline.mask), Result.of(found.baseline))

    def get(self, setting: Setting) -> Result | None:
        """What was measured in this setting, if it was."""
        return self.several([setting]).get(setting)

    def several(self, settings: Iterable[Setting]) -> dict[Setting, Result]:
        """Those of some settings that were measured."""
        keys = {setting.key: setting for setting in settings}
        return {keys[key]: Result(**row) for key, row in self._read(results, Result, keys).items()}

    def keep_saving(self, occasion: Occasion, saving: Saving) -> None:
        """Keep what removing costs and saves.

        Raises:
            StoreError: it cannot be written.
        """
        self._put(savings, occasion.key, {**vars(occasion), **asdict(saving)})

    def savings(self, occasions: Iterable[Occasion]) -> dict[Occasion, Saving]:
        """Those of some occasions that were measured."""
        keys = {occasion.key: occasion for occasion in occasions}
        return {keys[key]: Saving(**row) for key, row in self._read(savings, Saving, keys).items()}

    def _put(self, table: Table, key: str, values: dict[str, Any]) -> None:
        row = {
            **{name: _plain(value) for name, value in values.items()},
            "key": key,
            "measured": datetime.now(UTC),
        }
        insert = INSERTS[self._database.dialect](table).values(row)
        del row["key"]
        with self._database.writing() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=row))

    def _read(self, table: Table, kind: type, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        names = [entry.name for entry in fields(kind)]
        query = select(table.c.key, *(table.c[name] for name in names)).where(
            table.c.key.in_(list(keys))
        )
        with self._database.reading() as connection:
            return {
                row[0]: dict(zip(names, row[1:], strict=True)) for row in connection.execute(query)
            }


def _plain(value: Any) -> Any:
    if isinstance(value, HeadMask):
        return value.encode()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
