"""The layer x head grid that people click: a Streamlit component with JavaScript of its own.

Protocol: Python sends the state together with a `revision`. The browser changes cells at once and
reports its state with the revision that it started from. It adopts Python's state only when the
revision has changed, and Python ignores a report that started from an older revision. So neither
side can undo the other's newer word.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from analysis.errors import MaskError
from analysis.mask import HasHeads, Head, HeadMask

_FOLDER = Path(__file__).parent
_HTML = """
<div class="switchboard">
  <div class="board"></div>
  <div class="note" aria-hidden="true"></div>
  <div class="status" role="status"></div>
  <div class="legend">
    <span class="title"></span> <span class="low"></span>
    <span class="bar"></span> <span class="high"></span>
    <span class="keys">
      <span class="key off">switched off</span> <span class="key repaired">repaired</span>
    </span>
  </div>
</div>
"""

_SCRIPTS = ("paint.js", "hands.js", "board.js")
"""The files of one JavaScript module: a component takes a single string."""

_component = st.components.v2.component(
    "headcount.switchboard",
    html=_HTML,
    css=(_FOLDER / "switchboard.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)

Grid = Sequence[Sequence[Any]]
"""One entry for each head, `grid[layer][head]`."""


@dataclass(frozen=True)
class Colouring:
    """What the cells show: one number a head and how to draw it."""

    title: str
    """Name and unit of the number, for the legend."""
    values: Grid
    """The numbers; None where there is none."""
    low: float
    """The number drawn in the scale's first colour."""
    high: float
    """The number drawn in the scale's last colour."""
    scale: Sequence[str]
    """Colours from low to high, as `#rrggbb`."""
    places: int = 2
    """Decimal places of the written numbers."""

    def text(self, value: float | None) -> str:
        """A number as the cells write it; empty where there is none."""
        return "" if value is None else f"{value:.{self.places}f}"


def switchboard(
    mask: HeadMask,
    *,
    key: str,
    revision: int,
    on_report: Callable[[], None],
    label: str = "Heads by layer",
    mode: Literal["switch", "choose"] = "switch",
    colouring: Colouring | None = None,
    note: str = "",
    chosen: Head | None = None,
    sprite: str | None = None,
    forecasts: Grid | None = None,
    groups: Sequence[int] = (),
    repaired: Collection[Head] = (),
    titles: Sequence[str] = (),
) -> None:
    """Draw the grid; `on_report` runs when the person changed something, see `reported_mask`.

    Args:
        mask: which heads are on; its shape is the grid's.
        key: session key of the component.
        revision: rises whenever Python, not the browser, changed `mask` or `chosen`.
        on_report: called before the next run, as Streamlit's own callbacks are.
        label: name of the grid for screen readers.
        mode: `switch` turns heads on and off, `choose` picks one of them.
        colouring: numbers and colours of the cells.
        note: stands in the legend's place while there are no colours.
        chosen: the picked head, in mode `choose`.
        sprite: data URL of one image with a small picture of every head, layers downwards.
        forecasts: what switching each head over would do, in words.
        groups: key/value heads of each layer, where several heads share one: such a group is drawn and
            switched as one.
        repaired: heads that carry the mark of a repair.
        titles: what each layer is, where its number does not tell.
    """
    data = {
        "mode": mode,
        "label": label,
        "heads": list(mask.heads),
        "groups": list(groups or mask.heads),
        "titles": list(titles),
        "repaired": [list(head) for head in repaired],
        "rows": ["".join("1" if on else "0" for on in row) for row in mask.rows],
        "revision": revision,
        "chosen": list(chosen) if chosen else None,
        "sprite": sprite,
        "forecasts": [list(row) for row in forecasts] if forecasts else None,
        **(_colours(colouring) if colouring else {"title": note}),
    }
    _component(key=key, data=data, on_report_change=on_report)


def reported_mask(key: str, anatomy: HasHeads, revision: int) -> HeadMask | None:
    """The mask in the browser's last report, or None when it is missing, stale or malformed."""
    rows = _report(key, revision).get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        return None
    if tuple(len(row) for row in rows) != anatomy.heads or set("".join(rows)) - {"0", "1"}:
        return None
    return HeadMask(tuple(tuple(bit == "1" for bit in row) for row in rows))


def reported_choice(key: str, anatomy: HasHeads, revision: int) -> Head | None:
    """The head that was picked, or switched last by itself; None when the report is missing, stale or malformed."""
    match _report(key, revision).get("chosen"):
        case [int(layer), int(head)]:
            try:
                HeadMask.off(anatomy, [(layer, head)])
            except MaskError:
                return None
            return layer, head
    return None


def _report(key: str, revision: int) -> dict[str, Any]:
    state = st.session_state.get(key)
    report = state.get("report") if state else None
    is_current = isinstance(report, dict) and report.get("revision") == revision
    return report if is_current and report else {}


def _colours(colouring: Colouring) -> dict[str, Any]:
    texts = [[colouring.text(value) for value in row] for row in colouring.values]
    return {
        "title": colouring.title,
        "values": [list(row) for row in colouring.values],
        "texts": texts,
        "notes": [[f"{colouring.title} {text}" if text else "" for text in row] for row in texts],
        "low": colouring.low,
        "high": colouring.high,
        "low_text": colouring.text(colouring.low),
        "high_text": colouring.text(colouring.high),
        "scale": list(colouring.scale),
    }
