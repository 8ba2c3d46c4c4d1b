"""What the switchboard's cells show: a number as a colour, or where each head looks, on average or in one text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from analysis.mask import Head, HeadMask
from analysis.progress import Step
from analysis.ui import board_picture, examples, figure, frame, scored, views, work
from analysis.ui.jobs import Job
from analysis.ui.plans import shelf
from analysis.ui.resources import TOKENS, Workspace
from analysis.ui.sprites import sprite
from analysis.ui.state import current
from analysis.ui.switchboard import Colouring
from analysis.ui.widgets import segments, setting

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from analysis.patterns import Patterns

CELLS = {"numbers": "numbers", "patterns": "patterns"}
WHOSE = {"data": "data average", "text": "this text"}
SIDE = 48
"""Pixels of a pattern: the picture is sent again with every click."""


def patterns(here: Workspace) -> Job[Patterns]:
    """The mean attention pattern of every head, on the calibration split."""
    return work.desk.ask(
        (here.key, "patterns"),
        lambda: _averaging(here),
        owner=current().id,
        kind="patterns",
        title="Where every head looks on average",
    )


def choose() -> None:
    """Which number gives the colour, what a cell shows, and whose pattern."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        setting(
            "colour",
            [*views.statistics(), *_scores()],
            st.selectbox,
            label="Colour by",
            format_func=_title,
            help="Any statistic, or the place of the heads in a method's order; scores are measured "
            "when they are first chosen.",
            width=240,
        )
        setting("cells", list(CELLS), segments, label="Cells show", format_func=CELLS.get)
        setting("whose", list(WHOSE), segments, label="Pattern of", format_func=WHOSE.get)


def colouring(here: Workspace) -> Colouring | None:
    """The colours of the cells, or None while their numbers are being measured."""
    name = current().choices["colour"]
    if name not in _scores():
        profile = work.profile(here, is_quick=True).answer
        return views.colouring(profile.table, views.statistics()[name]) if profile else None
    ranking = work.ranking(here, _scores()[name]).answer
    if ranking is None:
        return None
    table = scored.joined(ranking.values[["layer", "head"]], {_scores()[name]: ranking})
    return views.colouring(table, scored.statistics(views.methods())[name])


def pictures(here: Workspace) -> str | None:
    """The patterns that the cells show, or None where they show numbers or nothing is known yet."""
    layers, _ = _shown(here)
    return sprite(layers, side=SIDE) if layers else None


def save(here: Workspace) -> None:
    """The way to save the board: as it is drawn now, and the numbers or patterns in its cells."""
    mask = current().mask
    assert mask is not None
    figure.save(
        lambda: board_picture.picture(mask, colouring=colouring(here), sprite=pictures(here)),
        lambda: _saved(here, mask),
        "heads-by-layer",
        key="board_save",
    )


def repaired(here: Workspace, mask: HeadMask) -> tuple[Head, ...]:
    """The heads whose projections a repair changes: that of the plan which is open, or of a finished export."""
    plan = shelf.opened(shelf.read(here))
    repairs = [*([plan.repair] if plan and plan.mask == mask else []), *work.delivered(here, mask)]
    marked = (views.repaired(mask, repair) for repair in repairs)
    return next((heads for heads in marked if heads), ())


def waiting(here: Workspace) -> None:
    """Progress of what the cells still lack, and what they show."""
    choices = current().choices
    if here.subject.note:
        st.caption(frame.escaped(here.subject.note))
    if choices["colour"] in _scores():
        _follow(work.ranking(here, _scores()[choices["colour"]]), "colour")
    if choices["cells"] == "numbers":
        return
    if choices["whose"] == "text":
        _follow(_maps(here), "patterns")
        text = examples.text_of(here)
        shown = text if len(text) <= 120 else text[:119] + "…"
        st.caption(f"Patterns of “{frame.escaped(shown)}”; choose the text on the Attention page.")
    else:
        _follow(patterns(here), "patterns")
        st.caption(
            f"Patterns are means over {len(here.sentences('calibration')):,} calibration sentences, each "
            "stretched to the same square: the one that looks downwards, what it looks at to the right."
        )


def _saved(here: Workspace, mask: HeadMask) -> pd.DataFrame:
    layers, names = _shown(here)
    if layers:
        return board_picture.weights(layers, names)
    return board_picture.numbers(mask, colouring(here))


def _shown(here: Workspace) -> tuple[Sequence[Tensor], Sequence[str]]:
    """The patterns that the cells show and what their places are called; nothing where they show numbers."""
    choices = current().choices
    if choices["cells"] == "numbers":
        return (), ()
    if choices["whose"] == "data":
        found = patterns(here).answer
        return (found.weights, [""] * found.weights[0].shape[-1]) if found else ((), ())
    maps = _maps(here).answer
    return (maps[0].weights, maps[0].tokens) if maps else ((), ())


def _maps(here: Workspace) -> Job[Any]:
    mask = current().mask
    assert mask is not None
    return work.maps(here, examples.text_of(here), mask.switched(mask.off_heads, on=True))


def _follow(job: Job[Any], place: str) -> None:
    """Progress while it runs, or why it failed; nothing once the answer is there."""
    job.wait(frame.AT_ONCE)
    if job.answer is None:
        frame.follow(job, place)


def _scores() -> dict[str, str]:
    """The methods, by the name that a choice of colour has for them."""
    return {f"score_{name}": name for name in views.methods()}


def _title(colour: str) -> str:
    if colour in views.statistics():
        return views.statistics()[colour].title
    return f"Score: {views.methods()[_scores()[colour]].title}"


def _averaging(here: Workspace) -> Iterator[Step[Patterns]]:
    from analysis.patterns import averaging

    yield from averaging(here.subject, here.sentences("calibration"), tokens=TOKENS)
