"""A measured figure, the machine it was measured on, and how both are printed and kept."""

from __future__ import annotations

import json
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import transformers

RECORD = Path(__file__).parent / "record.json"
SHOWN = {
    "click in the last layer": "a click in the last layer, exact",
    "click, median of all heads": "a click, median of all 72 heads",
    "click in the first layer (worst)": "a click in the first layer (worst)",
    "leave-one-out of every head": "every head off once (leave-one-out)",
    "greedy elimination to 50 %": "greedy elimination to 50 % (read off three timed rounds)",
    "profile against output_attentions": "all statistics of all heads, against `output_attentions` and NumPy",
    "profile in bfloat16 against output_attentions": "the same in bfloat16, as pages colour the heads",
}
"""Figures in the README's table, and what they are called there."""

UNITS = {"amx_bf16": "AMX", "avx512_f": "AVX-512", "": "no AVX-512"}
"""What a processor multiplies with, the fastest first."""


@dataclass(frozen=True)
class Figure:
    """A ratio or a plain number with its spread over repeats."""

    name: str
    median: float
    low: float
    high: float
    unit: str
    detail: str
    target: str = ""
    x: float | None = None
    """Where the figure stands on the axis of its growth plot."""


def ratio(name, rival, own, detail, target="", x=None):
    """How many times faster `own` is than `rival`: seconds of repeats of both, paired in order."""
    pairs = [theirs / mine for theirs, mine in zip(rival, own, strict=True)]
    return spread(name, pairs, "x", detail, target, x)


def spread(name, values, unit, detail, target="", x=None):
    """Median and range of some repeats."""
    values = list(values)
    middle, low, high = statistics.median(values), min(values), max(values)
    return Figure(name, middle, low, high, unit, detail, target, x)


def timed(work):
    """Seconds that a call takes, and what it gives."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def machine(numbers="auto"):
    """What the figures were measured on, and with which numbers where these were not the fastest."""
    processor = platform.processor() or platform.machine()
    for line in (
        Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    ):
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    units = [
        name
        for name in ("avx512_f", "avx512_bf16", "amx_bf16")
        if torch.cpu.get_capabilities().get(name)
    ]
    found = {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor,
        "units": " ".join(units),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    if numbers != "auto":
        found["numbers"] = numbers
    return found


def table(figures, previous):
    """The figures as Markdown, with the record before for comparison."""
    before = {figure["name"]: figure["median"] for figure in previous.get("figures", [])}
    lines = ["| what | median | range | target | last record | how |", "|---|---|---|---|---|---|"]
    for figure in figures:
        last = f"{before[figure.name]:.3g} {figure.unit}" if figure.name in before else ""
        lines.append(
            f"| {figure.name} | {figure.median:.3g} {figure.unit} | {figure.low:.3g} to {figure.high:.3g} "
            f"| {figure.target} | {last} | {figure.detail} |"
        )
    return "\n".join(lines)


def readme():
    """The table of the README: a row a figure, a column a kind of machine, each with its range."""
    known = records()
    titles = [_title(each) for each in known]
    lines = [f"| times as fast | {' | '.join(titles)} |", "|---" * (len(known) + 1) + "|"]
    for name, title in SHOWN.items():
        cells = [_cell(each["figures"], name) for each in known]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _title(record):
    machine, sentences = record["machine"], _of(record["figures"], "click in the last layer")
    return ", ".join(
        (
            machine["processor"].replace("(R)", ""),
            next(name for unit, name in UNITS.items() if unit in machine["units"]),
            f"{machine['threads']} cores",
            *([machine["gpu"]] if "gpu" in machine else []),
            *([sentences["detail"]] if sentences else []),
        )
    )


def _of(figures, name):
    return next((figure for figure in figures if figure["name"] == name), None)


def _cell(figures, name):
    found = _of(figures, name)
    if found is None:
        return "not measured"
    middle, low, high = (f"{found[key]:.3g}" for key in ("median", "low", "high"))
    return f"{middle} ({low} to {high})"


def recorded(numbers="auto"):
    """The last record of a machine like this one; without figures when there is none."""
    here = machine(numbers)
    return next(
        (each for each in records() if _kind(each["machine"]) == _kind(here)),
        {"machine": here, "figures": []},
    )


def records():
    """The last record of every kind of machine."""
    return json.loads(RECORD.read_text()) if RECORD.exists() else []


def record(figures, numbers="auto"):
    """Keep the figures for the next comparison; those that were not measured now stay as they were."""
    before = recorded(numbers)
    today = {name: machine()[name] for name in ("date", "torch", "transformers")}
    now = {figure.name: {**asdict(figure), "measured": today} for figure in figures}
    kept = {figure["name"]: figure for figure in before["figures"]} | now
    found = {"machine": machine(numbers), "figures": list(kept.values())}
    others = [each for each in records() if _kind(each["machine"]) != _kind(found["machine"])]
    RECORD.write_text(json.dumps([*others, found], indent=1) + "\n")
    return found


def _kind(machine):
    named = ("processor", "units", "threads", "gpu", "numbers")
    return tuple(machine.get(name) for name in named)
