"""Where Headcount keeps files of its own on a person's machine."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from analysis.errors import PlaceError


def cache_dir() -> Path:
    """Folder for what can be made again; `HEADCOUNT_CACHE` overrides it. Made when missing."""
    return _made("HEADCOUNT_CACHE", platformdirs.user_cache_path("headcount"))


def data_dir() -> Path:
    """Folder for what a person would miss (plans, results); `HEADCOUNT_DATA` overrides it."""
    return _made("HEADCOUNT_DATA", platformdirs.user_data_path("headcount"))


def _made(variable: str, default: Path) -> Path:
    folder = Path(os.environ.get(variable) or default).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlaceError(
            f"cannot make the folder {folder} ({error.strerror}); set {variable} to a folder that can be written"
        ) from error
    return folder
