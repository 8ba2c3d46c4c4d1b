"""`headcount profile`: what every head does."""

from __future__ import annotations

from analysis.cli.output import print_json, print_table, watch
from analysis.cli.request import (
    AsJson,
    Data,
    LabelColumn,
    Labels,
    Limit,
    Model,
    Request,
    SplitName,
    TextColumn,
    Trust,
)
from analysis.mask import name


def profile_command(
    model: Model = "demo",
    data: Data = "demo",
    split: SplitName = "calibration",
    limit: Limit = None,
    as_json: AsJson = False,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    labels: Labels = None,
    trust_remote_code: Trust = False,
) -> None:
    """See what every head does: entropy, sparsity, where it looks, one row a head."""
    request = Request(
        model, data, split, limit, text_column, label_column, labels, trust_remote_code
    )
    subject, _, texts = request.open()
    from analysis.profiling import profiling
    from analysis.statistics import STATISTICS

    found = watch(profiling(subject, texts), f"profiling {model}")
    if as_json:
        heads = found.table.to_dict("records")
        measured = {"n": found.n, "tokens": found.tokens, "seconds": round(found.seconds, 3)}
        print_json({**request.answer(), **measured, "heads": heads})
        return
    columns = [column for column in STATISTICS if column in found.table]
    print_table(
        f"{model}: {found.n} texts of {data}, {split}",
        ["head", *columns],
        [
            [name((int(row["layer"]), int(row["head"]))), *(float(row[each]) for each in columns)]
            for row in found.table.to_dict("records")
        ],
    )
