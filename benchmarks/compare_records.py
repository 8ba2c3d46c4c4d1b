"""Two records of the reproduction, row by row: what another machine, precision or program found.

    python benchmarks/compare_records.py --before docs/reproduction/gpu/test.csv --after docs/reproduction/test.csv

Rows are the same when method, share, seed and repair are; rows that only one record has are counted, not compared.
Nothing is computed anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from check_reproduction import ROW, SHOWN, compared, summary, told

from analysis.journal import save_table
from analysis.models import load_model


def main() -> None:
    options = _options()
    before, after = (
        pd.read_csv(record, dtype={"mask": str}).set_index(ROW, drop=False)
        for record in (options.before, options.after)
    )
    both = before.index.intersection(after.index)
    shape = load_model(options.model).anatomy
    rows = [compared(shape, before.loc[name], after.loc[name]) for name in both]
    for row in rows:
        if row["verdict"] != "the same":
            print(told(row))
    if options.out:
        save_table(pd.DataFrame(rows, columns=SHOWN), options.out)
    print(summary(rows, len(before), "rows of the record before"))
    if len(after) > len(both):
        print(f"{len(after) - len(both)} rows are in the record after alone.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", default="demo", help="of both records: demo, hub id or folder")
    parser.add_argument("--before", type=Path, required=True, help="test.csv or selection.csv")
    parser.add_argument("--after", type=Path, required=True, help="the same of another run")
    parser.add_argument("--out", type=Path, help="a table of all compared rows, .csv or .parquet")
    return parser.parse_args()


if __name__ == "__main__":
    main()
