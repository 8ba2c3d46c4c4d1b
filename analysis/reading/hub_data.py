"""Labelled text from the Hugging Face hub, or from a folder laid out like one there.

Code that comes with a data set is never run: the datasets library no longer can, and only its
readers of plain tables are let through here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analysis.errors import DataError, first_line
from analysis.places import cache_dir
from analysis.reading.tables import LARGEST, READERS, Table
from analysis.text import Provenance

HUB_ID = re.compile(r"(?P<id>[\w.-]{1,96}(?:/[\w.-]{1,96})?)(?::(?P<config>[\w.-]{1,96}))?")
"""`owner/name`, with the part of a data set that has several after a colon: `nyu-mll/glue:sst2`."""
PATIENCE = 5.0
"""Seconds to wait for the hub's first answer before it counts as out of reach."""
PLAIN = frozenset({"arrow", "cache", "csv", "json", "parquet"})
"""Readers of the datasets library that see tables and nothing else."""

_offline_lock = threading.RLock()


def read_folder(folder: Path) -> dict[str, Table]:
    """Read a folder in the hub's layout, such as `data/train-00000-of-00001.parquet` or `train.csv`.

    Raises:
        DataError: the folder holds no tables, or they cannot be read.
    """
    endings = {*READERS, ".arrow"}
    if not any(file.suffix.lower() in endings for file in folder.rglob("*") if file.is_file()):
        what = "a model, not labelled text" if (folder / "config.json").exists() else "no tables"
        raise DataError(f"{folder} holds {what}; files ending in {', '.join(READERS)} are read")
    return _prepared(str(folder), None, folder.name, cache_dir=str(cache_dir() / "datasets"))


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
        tables = _prepared(match["id"], match["config"], spec)
    else:
        with _offline():
            tables = _prepared(match["id"], match["config"], spec, reach=False)
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
) -> dict[str, Table]:
    """Every split of a data set as a table, by the publisher's names."""
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
    return {str(split): _table(rows) for split, rows in loaded.items() if len(rows)}


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
