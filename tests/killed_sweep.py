"""A sweep of a tiny model that is killed in the middle of a row: `python killed_sweep.py TABLE ROWS`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from tiny import sentences, tiny_model, tiny_tokenizer

from analysis import sweep as sweeps
from analysis import sweep_work
from analysis.models import load_model
from analysis.text import Calibration, LabelledText, Selection, Test

METHODS = ("magnitude", "taylor", "random")
OPTIONS = {
    "fractions": (0.25, 0.5),
    "seeds": (0, 1),
    "repairs": ("none", "least-squares"),
    "precision": "float32",
    "split": "test",
}


def given():
    """The model and the sentences, the same in every process."""
    torch.set_num_threads(1)
    kinds = (Calibration, Selection, Test)
    splits = {kind.name: kind(*sentences(40, seed)) for seed, kind in enumerate(kinds)}
    subject = load_model(tiny_model("distilbert"), tokenizer=tiny_tokenizer())
    return subject, LabelledText("killed", ("negative", "positive"), splits, None)


def main() -> None:
    table, rows = Path(sys.argv[1]), int(sys.argv[2])
    plain, seen = sweep_work.Work._evaluated, []

    def evaluated(*arguments):
        seen.append(arguments)
        if len(seen) > rows:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*arguments)

    sweep_work.Work._evaluated = evaluated
    sweeps.sweep(*given(), METHODS, save=table, **OPTIONS)


if __name__ == "__main__":
    main()
