"""What a repair costs beside a pass over the same sentences."""

from __future__ import annotations

from analysis.progress import finish
from analysis.repair import repair, teacher_of
from analysis.scores import ranking
from benchmarks.figures import spread, timed
from benchmarks.rivals import Naive


def repairs(subject, data, repeats):
    """Naive passes over the calibration split in the time of a repair with half of the heads gone.

    The first repair looks at the full model too; later ones on the same sentences share what it showed.
    """
    split = data.split("calibration")
    naive = Naive(subject, split)
    order = finish(ranking(subject, data, "magnitude"))
    mask = order.mask(subject.anatomy, subject.anatomy.heads_total // 2)
    first, later, mean = [], [], []
    for _ in range(repeats):
        seconds = timed(naive.logits)[0]
        teacher = teacher_of(subject, split)
        for found in (first, later):
            spent = timed(lambda teacher=teacher: repair(subject, mask, split, teacher=teacher))[0]
            found.append(spent / seconds)
        mean.append(timed(lambda: repair(subject, mask, split, "mean"))[0] / seconds)
    unit, detail = "naive passes", f"{len(split)} sentences, half of the heads, float32"
    return [
        spread("repair by least squares", first, unit, detail),
        spread("another repair by least squares", later, unit, f"{detail}, on the same sentences"),
        spread("repair by means", mean, unit, detail),
    ]
