from __future__ import annotations

import subprocess
import sys

DRAWN = """
import sys
import pandas as pd
from analysis.ui.computing import read_ahead

read_ahead()
before = set(sys.modules)

from analysis import answer_figures, flips, significance

kinds = dict.fromkeys(flips.KINDS, 1)
summary = pd.DataFrame({"group": ["a", "b"], "n": 4, "share": 0.5, "low": 0.1, "high": 0.9, **kinds})
answer_figures.by_group(summary).to_json()
significance.mcnemar(1, 2)
significance.detectable(3, 100)
print(*sorted(set(sys.modules) - before))
"""


def test_nothing_large_is_imported_for_the_first_answer_once_it_was_read_ahead() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRAWN], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == []
