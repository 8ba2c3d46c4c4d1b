"""Files that people upload, kept under the hash of what is in them, and not more than fit."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from pathlib import Path

from analysis.errors import DataError
from analysis.places import cache_dir

ENDINGS = ("csv", "tsv", "jsonl", "parquet", "txt", "conll")
"""Kinds of files that can be uploaded."""
MOST_FILES = 50
"""Uploads that are kept; those that were used longest ago go first."""
MOST_BYTES = 500_000_000
"""Their size in all; the newest is kept whatever its size."""
ABANDONED = 600.0
"""Seconds after which a file that was never written to its end is taken away."""

_NAME = re.compile(rf"upload:([0-9a-f]{{64}})\.({'|'.join(ENDINGS)})")
_lock = threading.Lock()


def keep(name: str, content: bytes) -> str:
    """Keep an uploaded file and return the name by which `Source.data` knows it.

    It appears under its name only when it is whole.

    Raises:
        DataError: the file is empty, of a kind that cannot be read, or there is no room for it.
    """
    ending = Path(name).suffix.lower().lstrip(".")
    if ending not in ENDINGS:
        raise DataError(f"cannot read {name[:80]!r}: upload one of {', '.join(ENDINGS)}")
    if not content:
        raise DataError(f"{name[:80]!r} is empty: was the upload interrupted?")
    stored = f"{hashlib.sha256(content).hexdigest()}.{ending}"
    part = folder() / f"{stored}.part-{threading.get_ident()}"
    try:
        part.write_bytes(content)
        part.replace(folder() / stored)
    except OSError as error:
        raise DataError(f"cannot keep {name[:80]!r} ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)
    _tidy(folder() / stored)
    return f"upload:{stored}"


def path_of(data: str) -> str:
    """Where the sentences lie: the kept file for an upload, otherwise what was asked for.

    Raises:
        DataError: the upload is not known on this machine.
    """
    if not data.startswith("upload:"):
        return data
    path = folder() / data.removeprefix("upload:")
    if not _NAME.fullmatch(data) or not path.is_file():
        raise DataError("the uploaded file is not on this machine (any more); upload it again")
    path.touch()  # it is in use, so others go first
    return str(path)


def folder() -> Path:
    """Where uploads are kept."""
    found = cache_dir() / "uploads"
    found.mkdir(exist_ok=True)
    return found


def _tidy(newest: Path) -> None:
    """Remove what was used longest ago until the rest fits, and what was never finished."""
    with _lock:
        room, files = MOST_BYTES, MOST_FILES
        states = [(path.stat(), path) for path in folder().iterdir() if path.is_file()]
        for state, path in sorted(states, key=lambda each: each[0].st_mtime, reverse=True):
            if ".part-" in path.name:
                if time.time() - state.st_mtime > ABANDONED:
                    path.unlink(missing_ok=True)
                continue
            room, files = room - state.st_size, files - 1
            if path != newest and (room < 0 or files < 0):
                path.unlink(missing_ok=True)
