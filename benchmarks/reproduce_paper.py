"""The paper's comparison, made anew: every method, 10 to 90 % of heads, accuracy, inference time, operations.

    python benchmarks/reproduce_paper.py --model demo --data demo

Writes `curve.csv` (the test split), `selection.csv` (where everything was chosen), `curve.svg` and `README.md`
with a verdict on each claim into `docs/reproduction`. What has been measured is kept beside the tables, so a
run that was stopped goes on where it was, and it says how long the rest will take; `--device cuda` measures
accuracy on a GPU, while inference time is always measured on the processor.
`check_reproduction.py` computes rows drawn by chance anew and compares them with the record.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reproduction_report import report
from reproduction_runs import Forecast, claim, planned
from reproduction_tables import TESTED

from analysis.data import load_data, matched
from analysis.journal import Journal, journal_of, key_of, save_table
from analysis.latency import ratio_interval
from analysis.mask import HeadMask
from analysis.models import Subject, load_model
from analysis.precision import PRECISIONS, dtype_of
from analysis.progress import Step, finish
from analysis.removal import LENGTH, ROUNDS, removal_of
from analysis.scores import METHODS
from analysis.surgery import prune
from analysis.sweep import sweeping
from analysis.sweep_table import table_of
from analysis.text import LabelledText

FRACTIONS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
CELL = ("method", "fraction", "seed", "ablation", "repair", "split")
"""What names a row."""
SPECIAL = 5
"""Token numbers that may stand for padding and the like; the tokens that are timed come after them."""
TOGETHER = 8
"""Smaller models that are timed in turns with the full one."""


def main() -> None:
    options = _options()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    subject = load_model(options.model)
    data = matched(load_data(options.data), subject.labels)
    if "accuracy" in options.stages:
        measure(subject, data, out, options)
    if "time" in options.stages:
        subject.model.to("cpu")
        time_all(subject, out)
    if "report" in options.stages:
        tables = {split: written(out, split) for split in ("selection", "test")}
        print(report(subject, data, tables, rankings(out), out, machine(options)))


def measure(subject: Subject, data: LabelledText, out: Path, options: argparse.Namespace) -> None:
    """All accuracies, the cheap ones first."""
    claim(Journal(journal_of(out / "sweep.csv")), subject, data, options.precision)
    subject.model.to(options.device)
    runs = planned(options.methods, options.fractions, options.random)
    forecast = Forecast(runs)
    for run in runs:
        settings = {"fractions": run.fractions, "repairs": (run.repair,), "split": run.split}
        steps = sweeping(
            subject,
            data,
            run.methods,
            seeds=tuple(range(options.random)),
            tuned=True,
            precision=options.precision,
            journal=journal_of(out / "sweep.csv"),
            **settings,
        )
        finish(steps, forecast.watching(run))


def time_all(subject: Subject, out: Path) -> None:
    """Time the model without the heads of every mask that was measured, some masks and the full model in turns.

    Masks with equal counts a layer are timed once. Operations depend on the number of heads alone, which is
    all that is counted anew.
    """
    journal = Journal(journal_of(out / "sweep.csv"))
    masks = {
        tuple(map(sum, mask.rows)): mask
        for row in _rows(journal)
        for mask in [HeadMask.decode(subject.anatomy, row["mask"])]
    }
    costs = {sum(counts): mask for counts, mask in masks.items()}
    for heads, mask in costs.items():
        key = key_of("cost", subject.fingerprint, heads)
        if journal.get(key) is None:
            found = removal_of(subject, mask, timed=False)
            shares = {"flops_ratio": found.flops_ratio, "parameters_ratio": found.parameters_ratio}
            journal.put(key, {"heads": heads, **shares})
    keys = {counts: key_of("processor time", subject.fingerprint, counts) for counts in masks}
    length = min(LENGTH, subject.max_length)
    left = [counts for counts in masks if journal.get(keys[counts]) is None]
    for start in range(0, len(left), TOGETHER):
        group = left[start : start + TOGETHER]
        smaller = [prune(subject, masks[counts]).model for counts in group]
        for counts, ratios in zip(group, speeds([subject.model, *smaller], length), strict=True):
            low, high = ratio_interval(np.array(ratios))
            times = {
                "latency_ratio": float(np.median(ratios)),
                "latency_low": low,
                "latency_high": high,
            }
            journal.put(keys[counts], {"counts": counts, **times})
        _say(Step(start + len(group), len(left), "models"), "timing")


@torch.inference_mode()
def speeds(models: Sequence[Any], length: int) -> list[list[float]]:
    """How many times faster than the first each other model is, a number a round, by processor time on one core.

    Processor time, not the clock, since a machine that others use lends its cores in turns; every round runs
    every model once.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ids = SPECIAL + torch.arange(length)[None] % (models[0].config.vocab_size - SPECIAL)
    rounds = []
    for _ in range(ROUNDS + 1):
        seconds = []
        for model in models:
            start = time.process_time()
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
            seconds.append(time.process_time() - start)
        rounds.append([seconds[0] / each for each in seconds[1:]])
    torch.set_num_threads(threads)
    return [list(ratios) for ratios in zip(*rounds[1:], strict=True)]  # the first round warms up


def written(out: Path, split: str) -> pd.DataFrame:
    """Every row measured on a split, with its timing, percentiles and tests; written as a table too."""
    journal = Journal(journal_of(out / "sweep.csv"))
    timings = {tuple(value["counts"]): value for value in journal.values if "counts" in value}
    costs = {value["heads"]: value for value in journal.values if "heads" in value}
    rows: list[dict[str, Any]] = []
    for row in _rows(journal):
        if row["split"] == split:
            counts = _counts(row["mask"], row["heads_total"])
            known = {**costs.get(sum(counts), {}), **timings.get(counts, {})}
            rows.append(row | {name: known[name] for name in known if name in row})
    table = table_of(rows)
    save_table(table, out / f"{split}.csv")
    return table.assign(right=[row["right"] for row in rows])


def rankings(out: Path) -> list[dict[str, Any]]:
    """Every ranking that was computed, by method: `ranking` (its name), `seconds`, `scores`, `setting`."""
    values = Journal(journal_of(out / "sweep.csv")).values
    found = (value for value in values if "ranking" in value)
    return sorted(found, key=lambda value: list(METHODS).index(value["ranking"]))


def machine(options: argparse.Namespace) -> str:
    """Where and with what the numbers were made."""
    searched = str(dtype_of("auto", torch.device(options.device))).removeprefix("torch.")
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"Python {platform.python_version()}, torch {torch.__version__}, transformers "
        f"{transformers.__version__}; {platform.machine()}, {torch.get_num_threads()} threads, {accelerator}. "
        f"Accuracies in {options.precision}; scores from heads that are switched off, searches and tuning in "
        f"{searched}. "
        f"{options.note}".strip()
    )


def _rows(journal: Journal) -> Iterable[dict[str, Any]]:
    """The rows of a journal, of those that measure the same the last."""
    found = (value for value in journal.values if "accuracy" in value)
    return list({tuple(row[name] for name in CELL): row for row in found}.values())


def _counts(code: str, total: int) -> tuple[int, ...]:
    layers = code.split(".")
    return tuple(total // len(layers) - int(layer, 16).bit_count() for layer in layers)


def _say(step: Step[Any], what: str) -> None:
    left = "" if step.remaining is None else f", {step.remaining:.0f} s left"
    print(f"{what}: {step.done} of {step.total} {step.unit}{left}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", default="demo", help="demo, hub id or folder")
    parser.add_argument("--data", default="demo", help="demo, hub id, folder or file")
    parser.add_argument("--out", type=Path, default=Path("docs/reproduction"))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--fractions", nargs="+", type=float, default=FRACTIONS)
    parser.add_argument("--random", type=int, default=20, help="random masks at each fraction")
    parser.add_argument("--precision", default="float32", choices=list(PRECISIONS))
    parser.add_argument("--device", default="cpu", help="where accuracy is measured")
    parser.add_argument("--note", default="", help="what the report says of the machine besides")
    stages = ("accuracy", "time", "report")
    parser.add_argument("--stages", nargs="+", default=stages, choices=stages)
    options = parser.parse_args()
    if not set(TESTED) <= set(options.fractions):
        parser.error(
            f"--fractions must hold {' and '.join(map(str, TESTED))}, where claims are tested"
        )
    return options


if __name__ == "__main__":
    main()
