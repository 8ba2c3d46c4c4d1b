"""Measure every figure on speed and print it beside its target and the last record.

python -m benchmarks [--json] [--repeats 3] [--limit N] [--only clicks,searches] [--record]
python -m benchmarks --readme
"""

from __future__ import annotations

import argparse
import json
import sys

from analysis import load_data, load_model
from benchmarks import browsers, clicks, estimates, gpu, growth, plots, products, profiles, repairs
from benchmarks.figures import machine, readme, record, recorded, table

PARTS = {
    "agreement": lambda subject, data, options: clicks.agreement(subject, data.split("selection")),
    "clicks": lambda subject, data, options: clicks.clicks(
        subject, data.split("selection"), options.repeats, options.precision
    ),
    "estimates": lambda subject, data, options: estimates.estimates(
        subject, data.split("selection")
    ),
    "searches": lambda subject, data, options: clicks.searches(
        subject, data.split("calibration"), options.repeats, options.precision
    ),
    "repairs": lambda subject, data, options: repairs.repairs(subject, data, options.repeats),
    "forecasts": lambda subject, data, options: clicks.forecasts(
        subject, data.split("calibration"), options.repeats
    ),
    "profiles": lambda subject, data, options: profiles.profiles(
        subject, data.split("calibration"), options.repeats
    ),
    "products": lambda subject, data, options: products.products(subject, options.repeats),
    "browsers": lambda subject, data, options: browsers.browsers(subject, options.repeats),
    "hurried": lambda subject, data, options: browsers.hurried(subject),
    "gpu": lambda subject, data, options: gpu.gpu(subject, data, options.repeats),
    "growth": lambda subject, data, options: growth.growth(subject, data, options.repeats),
}
NUMBERED = ("clicks", "searches")
"""Parts that can be measured in numbers other than the fastest."""


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--model", default="demo")
    parser.add_argument("--data", default="demo")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "float32"),
        help=f"numbers of {' and '.join(NUMBERED)}; float32 has a record of its own",
    )
    parser.add_argument("--limit", type=int, help="sentences of a split at most")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--record", action="store_true", help="keep the figures for the next comparison"
    )
    parser.add_argument(
        "--readme",
        action="store_true",
        help="print the README's table from the records, measure nothing",
    )
    options = parser.parse_args()
    if options.readme:
        print(readme())
        return
    chosen = [name.strip() for name in options.only.split(",") if name.strip()]
    wrong = [name for name in chosen if name not in PARTS]
    if wrong or options.repeats < 1:
        parser.error(f"--only takes some of {', '.join(PARTS)}; --repeats 1 or more")
    if options.record and (options.model, options.data) != ("demo", "demo"):
        parser.error("--record keeps figures of the built-in model and data only")
    numbers = options.precision
    if numbers != "auto" and not set(chosen) <= set(NUMBERED):
        parser.error(f"--precision is for {' and '.join(NUMBERED)}; say --only")
    subject, data = load_model(options.model, device=options.device), load_data(options.data)
    if options.limit:
        data = limited(data, options.limit)
    previous, figures = recorded(numbers), []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        found = PARTS[name](subject, data, options)
        figures += found
        if options.record:
            kept = record(found, numbers)  # at once: a later part may take an hour, or fail
            if any(figure.x is not None for figure in found):
                plots.draw(kept)
    if options.json:
        print(
            json.dumps(
                {"machine": machine(numbers), "figures": [vars(figure) for figure in figures]},
                indent=1,
            )
        )
    else:
        print(", ".join(f"{key} {value}" for key, value in machine(numbers).items()), end="\n\n")
        print(table(figures, previous))


def limited(data, n):
    """The data with at most `n` sentences a split."""
    from dataclasses import replace

    return replace(data, splits={name: split.limited(n) for name, split in data.splits.items()})


if __name__ == "__main__":
    main()
