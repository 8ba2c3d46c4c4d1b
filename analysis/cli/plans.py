"""Plans from files."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import PlanError
from analysis.plan import LARGEST


def read_plan(path: Path | None) -> bytes | None:
    """The content of a plan's file, not more than a plan can have; None where no file is named.

    Raises:
        PlanError: the file cannot be read.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise PlanError(f"cannot read the plan {path}: {error.strerror}") from error
