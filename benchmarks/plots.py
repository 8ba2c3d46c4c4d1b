"""How cost grows, drawn from the last record of the machine that was measured last."""

from __future__ import annotations

from pathlib import Path

PLOT = Path(__file__).parent / "growth.svg"
PANELS = (
    (("full pass, ",), "sentences", "seconds for a full pass", "linear"),
    (("profile over a plain pass, ",), "words of a text", "profile over a plain pass", "linear"),
    (
        ("click against a full pass, 12 x 12, ", "click against a full pass, 24 x 16, "),
        "layer of the head",
        "a click, times as fast as a full pass",
        "log",
    ),
    (("click with ",), "people at once", "seconds to an exact answer", "linear"),
)
"""Of each panel: beginnings of its figures' names, the titles of its axes and the kind of its scale."""


def draw(record):
    """Write the plot; panels whose figures were not measured stay empty."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams["svg.hashsalt"] = "headcount"
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 6.5), layout="constrained")
    for axis, (beginnings, x_title, y_title, scale) in zip(axes.flat, PANELS, strict=True):
        for beginning in beginnings:
            found = [each for each in record["figures"] if each["name"].startswith(beginning)]
            found = sorted((each for each in found if each.get("x") is not None), key=_place)
            label = beginning.strip(", ").removeprefix("click against a full pass, ")
            axis.plot(
                [_place(each) for each in found],
                [_value(each) for each in found],
                "o-",
                label=label,
            )
        axis.set(xlabel=x_title, ylabel=y_title, yscale=scale)
        if scale == "linear":
            axis.set_ylim(bottom=0, top=1.08 * axis.get_ylim()[1])
        if len(beginnings) > 1:
            axis.legend(frameon=False)
    machine = record["machine"]
    names = (
        machine["processor"],
        f"{machine['threads']} cores",
        machine["units"],
        f"torch {machine['torch']}",
    )
    figure.suptitle(", ".join(filter(None, names)))
    figure.savefig(PLOT, metadata={"Date": None})
    pyplot.close(figure)


def _place(figure):
    return figure["x"]


def _value(figure):
    return figure["median"]
