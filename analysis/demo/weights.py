"""The built-in model's weights: read back, merged with the adapter, and kept in the cache folder.

Nothing here needs transformers, whose import takes seconds: whoever will need the model soon can
have its weights read meanwhile (`read_ahead`).
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

from analysis.demo import lora, tagger
from analysis.demo.kept import Weights, kept
from analysis.places import cache_dir

#: Part of the cached file's name: raise it when the conversion's result changes.
CONVERTER = 1
ADAPTER = files("analysis.demo") / "adapter"

_ahead: list[Future[Weights]] = []


def weights() -> Weights:
    """All weights in float32, by the names that transformers' DistilBERT gives its parameters.

    The first call converts the package's file (a few seconds) and keeps the result; later ones
    map it into memory.

    Raises:
        ModelError: the demo's packages are missing, or are not those the demo was made from.
        PlaceError: the converted weights cannot be kept in the cache folder.
    """
    try:
        found = _ahead.pop()
    except IndexError:
        return kept(cached_file(), converted)
    return found.result()


def read_ahead() -> None:
    """Begin to read in a thread of its own; the next `weights` gets what it found."""
    reader = ThreadPoolExecutor(1, "demo-weights")
    _ahead.append(reader.submit(lambda: kept(cached_file(), converted)))
    reader.shutdown(wait=False)


def cached_file() -> Path:
    """Where the converted model is kept: named after the source, the adapter and the converter."""
    key = f"{tagger.SHA256['tagger.onnx']} {lora.fingerprint(ADAPTER)} {CONVERTER}"
    return cache_dir() / f"demo-{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"


def converted() -> Weights:
    """The model's weights, made anew from the package and the adapter."""
    return lora.merged(tagger.encoder_weights(), lora.read(ADAPTER))
