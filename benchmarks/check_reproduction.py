"""Rows of the published curve, drawn by chance and computed again from end to end with the package as it is.

    python benchmarks/check_reproduction.py --rows 42 --seed 1

Every row is scored, removed, repaired and evaluated anew, by the calls that `reproduce_paper.py` makes; no number
of the record enters. Rows are drawn from every method with and without repair in turns, so that none is left
out. What was computed is kept in a journal beside the result, so a check that was stopped goes on where it
was; `--methods` computes the rows of some methods only, without changing what is drawn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reproduction_runs import claim

from analysis.data import load_data, matched
from analysis.journal import Journal, journal_of, save_table
from analysis.mask import HasHeads, HeadMask
from analysis.models import Subject, load_model
from analysis.precision import PRECISIONS
from analysis.progress import finish
from analysis.scores import METHODS
from analysis.sweep import sweeping
from analysis.text import LabelledText

ROW = ["method", "fraction", "seed", "repair"]
"""What names a row of the curve."""
SHOWN = [*ROW, "n", "recorded", "recomputed", "answers_differ", "heads_differ", "verdict"]
"""Columns of the result: `recorded` and `recomputed` are accuracies, `answers_differ` is the least number of
sentences that one of the two gets right and the other wrong (from the counts of fixed and broken answers, which is
all that the record keeps), `heads_differ` the number of heads on which the two masks disagree."""


def main() -> None:
    options = _options()
    record = pd.read_csv(options.record, dtype={"mask": str})
    rows = drawn(record, options.rows, options.seed)
    subject = load_model(options.model)
    data = matched(load_data(options.data), subject.labels)
    claim(Journal(journal_of(options.out)), subject, data, options.precision)
    chosen = rows[rows["method"].isin(options.methods)]
    done: list[dict[str, Any]] = []
    for number, (_, recorded) in enumerate(chosen.iterrows(), 1):
        found = recomputed(subject, data, recorded, options.precision, options.out)
        done.append(compared(subject.anatomy, recorded, found))
        print(f"{number} of {len(chosen)}: {told(done[-1])}", flush=True)
    save_table(pd.DataFrame(done, columns=SHOWN), options.out)
    print(summary(done, len(rows)))


def drawn(record: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Rows drawn with the seed from each method with each repair in turns, without replacement."""
    shuffled = record.sample(frac=1, random_state=np.random.default_rng(seed))
    turn = shuffled.groupby(["method", "repair"]).cumcount()
    return shuffled.loc[turn.sort_values(kind="stable").index[:count]].sort_index()


def recomputed(
    subject: Subject, data: LabelledText, row: Mapping[str, Any], precision: str, out: Path
) -> Mapping[str, Any]:
    """The row from end to end: scores, mask, repair, evaluation; a check that was stopped finds its own again."""
    steps = sweeping(
        subject,
        data,
        [row["method"]],
        fractions=(row["fraction"],),
        seeds=(row["seed"],),
        repairs=(row["repair"],),
        split=row["split"],
        tuned=True,
        precision=precision,
        journal=journal_of(out),
    )
    return finish(steps).iloc[0].to_dict()


def compared(
    shape: HasHeads, recorded: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any]:
    """A row of the record next to the same row computed now."""
    before, after = (
        np.array(sum(HeadMask.decode(shape, row["mask"]).rows, ())) for row in (recorded, found)
    )
    answers = sum(abs(int(found[name]) - int(recorded[name])) for name in ("fixed", "broken"))
    heads = int((before != after).sum())
    verdict = "other heads" if heads else "other answers" if answers else "the same"
    return {
        **{name: recorded[name] for name in [*ROW, "n"]},
        "recorded": recorded["accuracy"],
        "recomputed": found["accuracy"],
        "answers_differ": answers,
        "heads_differ": heads,
        "verdict": verdict,
    }


def told(row: Mapping[str, Any]) -> str:
    """A compared row in one line."""
    return (
        f"{row['method']} {row['fraction']:.0%}, seed {row['seed']}, {row['repair']}: recorded "
        f"{row['recorded']:.2%}, recomputed {row['recomputed']:.2%}, {row['answers_differ']} answers and "
        f"{row['heads_differ']} heads differ: {row['verdict']}"
    )


def summary(rows: Sequence[Mapping[str, Any]], asked: int, what: str = "drawn rows") -> str:
    """What the check found, in one sentence."""
    counts = {
        verdict: sum(row["verdict"] == verdict for row in rows)
        for verdict in ("the same", "other answers", "other heads")
    }
    apart = max((abs(row["recorded"] - row["recomputed"]) for row in rows), default=0.0)
    return (
        f"{len(rows)} of {asked} {what} recomputed: {counts['the same']} the same, "
        f"{counts['other answers']} with the same heads and other answers, {counts['other heads']} with other "
        f"heads; accuracies at most {100 * apart:.2f} points apart."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    here = Path("docs/reproduction")
    parser.add_argument("--model", default="demo", help="demo, hub id or folder")
    parser.add_argument("--data", default="demo", help="demo, hub id, folder or file")
    parser.add_argument("--record", type=Path, default=here / "test.csv", help="the curve to check")
    parser.add_argument("--out", type=Path, default=here / "check.csv")
    parser.add_argument("--rows", type=int, default=42, help="rows to draw")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--precision", default="float32", choices=list(PRECISIONS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
