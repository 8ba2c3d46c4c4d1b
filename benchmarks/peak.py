"""Print how many megabytes one thing takes at its peak, in a process of its own.

python -m benchmarks.peak plain|profile
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from analysis import load_data, load_model, profile
from analysis.batches import batches

PROCESS = Path("/proc/self")


@torch.inference_mode()
def plain(subject, split):
    """The model's own pass over a split."""
    for batch in batches(subject, split):
        subject.model(**batch.inputs)


def memory(line):
    """A line of what Linux tells of this process's memory, in megabytes."""
    told = dict(row.split(":", 1) for row in (PROCESS / "status").read_text().splitlines())
    return int(told[line].split()[0]) / 1024


if __name__ == "__main__":
    subject, split = load_model("demo"), load_data("demo").split("calibration")
    (PROCESS / "clear_refs").write_text("5")  # the peak so far, of loading, is forgotten
    before = memory("VmRSS")
    {"plain": plain, "profile": profile}[sys.argv[1]](subject, split)
    print(memory("VmHWM") - before)
