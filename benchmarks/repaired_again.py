"""Every model of the published curve at one fraction after least squares, made again from its mask.

    python benchmarks/repaired_again.py --fraction 0.25 --fill

The record keeps how many answers a model broke, not which; so where its rows were not measured in one run, a
method cannot be tested against the random mask of median accuracy. Here both sides are repaired and evaluated on
the test split again, and what comes out is compared with the record row by row. `--fill` puts the p values that
follow (McNemar's exact test, Holm over methods) into the record. What was made is kept in a journal beside the
result, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from check_reproduction import SHOWN, compared, summary, told

from analysis import evaluation
from analysis.data import load_data, matched
from analysis.journal import Journal, digest, journal_of, key_of, save_table
from analysis.mask import HeadMask
from analysis.models import Subject, load_model
from analysis.precision import PRECISIONS
from analysis.repair import repair, teacher_of
from analysis.replay import Replay
from analysis.sweep_table import pack, row_of, table_of
from analysis.text import Calibration, LabelledText, Test

REPAIR = "least-squares"
FILLED = ["p_random", "p_random_holm"]
"""Columns that need the answers of two models."""


def main() -> None:
    options = _options()
    record = pd.read_csv(options.record, dtype={"mask": str})
    there = (record["fraction"] == options.fraction) & (record["repair"] == REPAIR)
    if not there.any():
        known = sorted(set(record.loc[record["repair"] == REPAIR, "fraction"].tolist()))
        sys.exit(
            f"{options.record} has no row with {REPAIR} at {options.fraction}, only at {known}"
        )
    subject = load_model(options.model)
    data = matched(load_data(options.data), subject.labels)
    journal = Journal(journal_of(options.out))
    made, said = [], []
    for row in models(subject, data, record[there], journal, options.precision):
        made.append(row)
        said.append(compared(subject.anatomy, record[there].iloc[len(said)], row))
        print(f"{len(said)} of {there.sum()}: {told(said[-1])}", flush=True)
    table = table_of(made)
    both = pd.DataFrame(said, columns=SHOWN).assign(**{name: table[name] for name in FILLED})
    save_table(both, options.out)
    if options.fill:
        record.loc[there, FILLED] = table[FILLED].to_numpy()
        save_table(record, options.record)
    print(summary(said, int(there.sum()), "rows"))


def models(
    subject: Subject, data: LabelledText, rows: pd.DataFrame, journal: Journal, precision: str
) -> Iterator[dict[str, Any]]:
    """Each row's model repaired and evaluated again; rows with the same mask share it."""
    calibration, judged = data.split(Calibration.name), data.split(Test.name)
    assert isinstance(calibration, Calibration)
    full = Replay(subject, judged, precision=precision, memory=0).evaluate()
    teacher = teacher_of(subject, calibration)
    scope = (subject.fingerprint, digest(calibration), digest(judged), precision)
    for row in rows.to_dict("records"):
        key = key_of("again", scope, row["mask"])
        known: Mapping[str, Any] | None = journal.get(key)
        if known is None:
            mask = HeadMask.decode(subject.anatomy, row["mask"])
            mended = repair(subject, mask, calibration, REPAIR, teacher=teacher).subject
            alone = Replay(mended, judged, precision=precision, memory=0).evaluate()
            found = evaluation.compared(replace(alone, mask=mask), full)
            known = {**row_of(found), "right": pack(found.predictions.correct)}
            journal.put(key, known)
        yield {**row, **known}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    here = Path("docs/reproduction")
    parser.add_argument("--model", default="demo", help="demo, hub id or folder")
    parser.add_argument("--data", default="demo", help="demo, hub id, folder or file")
    parser.add_argument("--record", type=Path, default=here / "test.csv", help="the curve")
    parser.add_argument("--out", type=Path, default=here / "again.csv")
    parser.add_argument("--fraction", type=float, default=0.25, help="share of heads removed")
    parser.add_argument("--fill", action="store_true", help="put the p values into the record")
    parser.add_argument("--precision", default="float32", choices=list(PRECISIONS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
