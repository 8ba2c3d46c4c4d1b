"""Labelled text from the Hugging Face hub, or from a folder laid out like one there.

Code that comes with a data set is never run: the datasets library no longer can, and only its
readers of plain tables are let through here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.errors import DataError, first_line
from analysis.places import cache_dir
from analysis.reading.splitting import role_of
from analysis.reading.tables import LARGEST, READERS, Table, joined, read_table
from analysis.text import Provenance

HUB_ID = re.compile(r"(?P<id>[\w.-]{1,96}(?:/[\w.-]{1,96})?)(?::(?P<config>[\w.-]{1,96}))?")
"""`owner/name`, with the part of a data set that has several after a colon: `nyu-mll/glue:sst2`."""
PATIENCE = 5.0
"""Seconds to wait for the hub's first answer before it counts as out of reach."""
PLAIN = frozenset({"arrow", "cache", "csv", "json", "parquet"})
"""Readers of the datasets library that see tables and nothing else."""
SHARD = re.compile(r"-\d{5}-of-\d{5}")
"""What the hub writes into the names of the files that one split is cut into."""
DECLARED = re.compile(r"\A---\n(?:.*\n)*?(?:configs|dataset_info):")
"""The beginning of a data card that says itself which files are which split, or what their columns hold."""
BESIDE = re.compile(
    r"\..*|(README|LICEN[CS]E)\b.*|(dataset_infos?|dataset_dict|state)\.json", re.IGNORECASE
)
"""Names of files that stand beside the tables of a data set and hold no texts."""
MOST_NAMED = 5
"""Files that a note names at most."""

_offline_lock = threading.RLock()


def read_folder(folder: Path) -> dict[str, Table]:
    """Read a folder whose files are named by what they are for, such as `calibration.csv`, or a hub's layout.

    The hub's layout, such as `data/train-00000-of-00001.parquet`, a card that declares files, or files that no
    name says the use of, is read as the datasets library does. What is not read is named in a note of a table.

    Raises:
        DataError: the folder holds no tables, or they cannot be read.
    """
    files = _files(folder)
    if not any(file.suffix.lower() in {*READERS, ".arrow"} for file in files):
        what = "a model, not labelled text" if (folder / "config.json").exists() else "no tables"
        raise DataError(f"{folder} holds {what}; files ending in {', '.join(READERS)} are read")
    named = {} if _is_of_the_hub(folder, files) else _by_split(folder, files)
    if named:
        tables = {split: _read_together(folder, split, found) for split, found in named.items()}
        read = {file.resolve() for found in named.values() for file in found}
    else:
        cache = str(cache_dir() / "datasets")
        tables, read = _prepared(str(folder), None, folder.name, cache_dir=cache)
    return _telling(tables, _unread(folder, [file for file in files if file.resolve() not in read]))


def _files(folder: Path) -> list[Path]:
    """All files of a folder that may hold texts, by name."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not BESIDE.fullmatch(file.name)
        and not any(part.startswith((".", "__")) for part in file.relative_to(folder).parts)
    )


def _is_of_the_hub(folder: Path, files: list[Path]) -> bool:
    """Whether shards or a data card say which file is which split; the datasets library follows them."""
    card = folder / "README.md"
    return (
        any(SHARD.search(file.name) for file in files)
        or (folder / "dataset_infos.json").exists()
        or (card.exists() and bool(DECLARED.match(card.read_text("utf-8", "replace"))))
    )


def _by_split(folder: Path, files: list[Path]) -> dict[str, list[Path]]:
    """The tables that say in their own name, or else in that of a folder, what they are for, by what that is."""
    found: dict[str, list[Path]] = {}
    for file in files:
        names = (file.stem, *(parent.name for parent in file.relative_to(folder).parents))
        role = next(filter(None, map(role_of, names)), None)
        if role is not None and file.suffix.lower() in READERS:
            found.setdefault(role, []).append(file)
    return found


def _read_together(folder: Path, split: str, files: list[Path]) -> Table:
    """The rows of all files of a split."""
    table = joined([read_table(file) for file in files])
    if len(files) == 1:
        return table
    names = ", ".join(str(file.relative_to(folder)) for file in files)
    return replace(table, notes=(*table.notes, f"{names} were read together as {split}"))


def _unread(folder: Path, files: list[Path]) -> str:
    """A sentence on the files that were not read; empty where there are none."""
    if not files:
        return ""
    names = [str(file.relative_to(folder)) for file in files[:MOST_NAMED]]
    if len(files) > MOST_NAMED:
        names.append(f"{len(files) - MOST_NAMED} more")
    return (
        f"not read: {', '.join(names)} (a file is read whose name says what it is for: train, validation, test, "
        f"calibration or selection, and ends in {', '.join(READERS)})"
    )


def _telling(tables: dict[str, Table], note: str) -> dict[str, Table]:
    """The tables with a note on the first of them."""
    if not note or not tables:
        return tables
    first = next(iter(tables))
    return tables | {first: replace(tables[first], notes=(*tables[first].notes, note))}


def read_hub(spec: str) -> tuple[dict[str, Table], Provenance]:
    """Read a data set of the hub, or what an earlier download left when the hub is out of reach.

    Args:
        spec: `stanfordnlp/sst2`, or with the part of several after a colon, `nyu-mll/glue:sst2`.

    Raises:
        DataError: no such data set, no network and no earlier download, or nothing readable.
    """
    match = HUB_ID.fullmatch(spec)
    if match is None:
        raise DataError(
            f"{spec[:80]!r} is no file here and no data set id such as stanfordnlp/sst2"
        )
    licence = _licence(match["id"])
    if licence is not None:
        tables, _ = _prepared(match["id"], match["config"], spec)
    else:
        with _offline():
            tables, _ = _prepared(match["id"], match["config"], spec, reach=False)
    source = f"https://huggingface.co/datasets/{match['id']}"
    return tables, Provenance(
        source, licence or "see the data set's page", "from the Hugging Face hub"
    )


def _licence(repository: str) -> str | None:
    """The licence that the hub names, "" when it names none; None when the hub is out of reach."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        card = HfApi().dataset_info(repository, timeout=PATIENCE).card_data
    except RepositoryNotFoundError as error:
        raise DataError(
            f"there is no data set {repository!r} on the hub that you may read; check the name, "
            "or give a file, or 'demo'"
        ) from error
    except HFValidationError as error:
        raise DataError(f"{repository!r} is no file here and no id of a data set") from error
    except HfHubHTTPError as error:
        raise DataError(f"the hub did not give {repository!r}: {first_line(error)}") from error
    except Exception:
        return None
    licence = getattr(card, "license", None) or ""
    return ", ".join(licence) if isinstance(licence, list) else str(licence)


@contextmanager
def _offline() -> Iterator[None]:
    """Let the hub's libraries look at earlier downloads only, without a minute of retries."""
    import datasets
    from huggingface_hub import constants

    with _offline_lock:
        before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
        datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
        try:
            yield
        finally:
            datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _prepared(
    place: str, config: str | None, name: str, *, reach: bool = True, **options: Any
) -> tuple[dict[str, Table], set[Path]]:
    """Every split of a data set as a table, by the publisher's names, and the files that they come from."""
    import datasets
    from datasets.exceptions import DatasetNotFoundError

    datasets.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        builder = datasets.load_dataset_builder(place, config, **options)
        _check(builder, name)
        builder.download_and_prepare()
        loaded = builder.as_dataset()
    except DataError:
        raise
    except (ConnectionError, DatasetNotFoundError) as error:
        raise DataError(_unreached(name, reach, error)) from error
    except ValueError as error:
        raise DataError(_which_part(name, place, error)) from error
    except Exception as error:
        raise DataError(f"cannot read the data set {name}: {first_line(error)}") from error
    read = {
        Path(file).resolve()
        for files in (builder.config.data_files or {}).values()
        for file in files
    }
    return {str(split): _table(rows) for split, rows in loaded.items() if len(rows)}, read


def _check(builder: Any, name: str) -> None:
    kind = type(builder).__module__.rsplit(".", 1)[-1]
    if kind not in PLAIN:
        raise DataError(f"{name} holds {kind} files; CSV, JSON Lines and Parquet are read")
    size = builder.info.dataset_size or 0
    if size > LARGEST:
        raise DataError(
            f"{name} has {size / 1e9:.1f} GB of text; save a sample of at most {LARGEST / 1e9:.0f} GB "
            "as a parquet file and give that"
        )


def _table(rows: Any) -> Table:
    """A split of the datasets library as a table; images and the like are left behind."""
    from datasets import ClassLabel, List, Value

    features = {
        name: feature
        for name, feature in rows.features.items()
        if isinstance(feature, ClassLabel | Value | List)
    }
    arrow = rows.select_columns(list(features)).with_format("arrow")[:]
    return Table(
        {name: arrow.column(name).to_pylist() for name in features},
        {
            name: tuple(inner.names)
            for name, feature in features.items()
            if isinstance(inner := getattr(feature, "feature", feature), ClassLabel)
        },
    )


def _unreached(name: str, reach: bool, error: Exception) -> str:
    if reach:
        return f"the hub could not give the data set {name!r}: {first_line(error)}"
    return (
        f"cannot reach the hub for the data set {name!r}, and no earlier download of it is here; "
        "check the network and the name, or give a file, or 'demo'"
    )


def _which_part(name: str, place: str, error: ValueError) -> str:
    """The library's way to say that a data set has several parts is a ValueError with their list."""
    parts = re.findall(r"'([\w.-]+)'", str(error)) if "config" in str(error).lower() else []
    if not parts:
        return f"cannot read the data set {name}: {first_line(error)}"
    choices = ", ".join(dict.fromkeys(part for part in parts if part != place))
    return f"{name} has several parts; write one of them after a colon ({choices})"
