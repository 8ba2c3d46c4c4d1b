"""`headcount profile`: what every head does."""

from __future__ import annotations

from analysis.cli.output import print_json, print_table, watch
from analysis.cli.request import AsJson, Request, asking
from analysis.mask import name
from analysis.protocol import unchosen


@asking(split="calibration")
def profile_command(
    request: Request,
    as_json: AsJson = False,
) -> None:
    """See what every head does: entropy, sparsity, where it looks, one row a head."""
    unchosen(request.split, "statistics of every head")
    subject, _, texts = request.open(needs_labels=False)
    from analysis.profiling import profiling
    from analysis.statistics import STATISTICS

    found = watch(profiling(subject, texts), f"profiling {request.model}")
    if as_json:
        heads = found.table.to_dict("records")
        measured = {"n": found.n, "tokens": found.tokens, "seconds": round(found.seconds, 3)}
        print_json({**request.answer(), **measured, "heads": heads})
        return
    columns = [column for column in STATISTICS if column in found.table]
    print_table(
        f"{request.model}: {found.n} texts of {request.data}, {request.split}",
        ["head", *columns],
        [
            [name((int(row["layer"]), int(row["head"]))), *(float(row[each]) for each in columns)]
            for row in found.table.to_dict("records")
        ],
    )
