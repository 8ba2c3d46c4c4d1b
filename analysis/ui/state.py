"""What one person sees: the source, the mask with its history, and the choices of the pages.

Streamlit forgets the state of widgets when the page changes; this is where it is kept instead. The
functions at the end know Streamlit, the rest is plain values.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from analysis.errors import HeadcountError, MaskError, unknown
from analysis.mask import HasHeads, Head, HeadMask, parse_heads
from analysis.ui.jobs import Origin
from analysis.ui.resources import Source, Workspace

STEPS_BACK = 200
"""Masks that undo remembers."""
LONGEST_IN_LINK = 600
"""Characters of a text that a link carries; a longer one stays out of it."""

DEFAULTS: dict[str, str] = {
    "ablation": "zero",
    "statistic": "entropy",
    "colour": "entropy",
    "cells": "numbers",
    "whose": "data",
    "maps": "all",
    "special": "on",
    "words": "off",
    "bertviz": "none",
    "method": "attention-guided",
    "x": "entropy",
    "y": "output_norm",
    "steady": "attention-guided",
    "head": "0.0",
    "text": "",
    "sentences": "all",
    "precision": "auto",
    "methods": "attention-guided entropy-high magnitude random",
    "column": "main",
    "timed": "off",
    "fractions": "0.1 0.25 0.5 0.75 0.9",
    "masks": "20",
    "curve_repair": "none",
    "tuned": "off",
    "step": "1",
    "repair": "least-squares",
    "shape": "small",
    "onnx": "off",
    "timed_batch": "1",
    "timed_length": "128",
    "timed_threads": "all",
    "timed_dtype": "float32",
    "plan": "",
    "plan_a": "",
    "plan_b": "",
}
"""Choices that a link carries, and what they are when it does not."""


@dataclass(frozen=True)
class Shown:
    """What undo, or redo, goes to."""

    mask: HeadMask
    ablation: str | None = None
    """What heads that are off contributed; None where the step has left that as it was."""


@dataclass
class Session:
    """Everything that belongs to one browser tab."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    source: Source = field(default_factory=Source)
    """What is shown, or loading for the first time."""
    wanted: Source | None = None
    """What is loading and will take its place if it can be read."""
    refused: Source | None = None
    """What was asked for last where it could not be read or was cancelled; the form keeps it, to be corrected."""
    here: Workspace | None = None
    """The loaded source."""
    mask: HeadMask | None = None
    """The truth about which heads are on; None until the model is known."""
    link_mask: str | None = None
    """The mask that the link asked for, while the model is not yet known."""
    revision: int = 0
    """Rises when something other than the grid itself changed the mask."""
    past: list[Shown] = field(default_factory=list)
    future: list[Shown] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    touched: Head | None = None
    """The head that was switched last, by itself; None before one was."""
    preset: tuple[str, int] | None = None
    """Method and number of heads to keep that were asked for and whose scores are not known yet."""
    notices: list[str] = field(default_factory=list)
    """Sentences to show until they are dismissed."""

    def change(self, mask: HeadMask, *, by_grid: bool = False, ablation: str | None = None) -> None:
        """Make this the mask, and what heads that are off contribute if given, as a step that can be undone."""
        if ablation == self.choices["ablation"]:
            ablation = None
        if self.mask is None or (mask == self.mask and ablation is None):
            return
        self.past = [*self.past, self._step(Shown(mask, ablation))][-STEPS_BACK:]
        self.future = []
        self.revision += not by_grid

    def want(self, method: str, keep: int) -> None:
        """Ask for the mask that keeps the best heads; it comes when their scores are known."""
        self.preset = (method, keep)

    def undo(self) -> None:
        """Back to what was before the last change."""
        if self.past and self.mask is not None:
            self.future.append(self._step(self.past.pop()))
            self.revision += 1

    def redo(self) -> None:
        """Forward again after an undo."""
        if self.future and self.mask is not None:
            self.past.append(self._step(self.future.pop()))
            self.revision += 1

    def expect(self, shape: HasHeads) -> None:
        """Have a mask for a model that is still loading and promises this shape; `adopt` checks it."""
        full = HeadMask.full(shape)
        if self.mask is None or self.mask.heads != full.heads:
            self.mask = self._mask_of_link(shape) or full

    def adopt(self, here: Workspace, source: Source) -> None:
        """Show a loaded source; the mask stays when it fits the model, and history starts anew.

        What was clicked while the first source was loading can still be undone.
        """
        is_first, before = self.here is None, (self.mask, self.choices["head"])
        self.here, self.source, self.wanted, self.touched = here, source, None, None
        full = HeadMask.full(here.anatomy)
        if self.mask is None or self.mask.heads != full.heads:
            self.mask = self._mask_of_link(here.anatomy) or full
        self.link_mask = None
        if not (is_first and self.mask == before[0]):
            self.past, self.future = [], []
        if not _is_head(self.choices["head"], here.anatomy):
            self._refuse("head", "no such head in this model")
        self.revision += before != (self.mask, self.choices["head"])

    def follow(self, query: Mapping[str, str]) -> None:
        """Be as a link says, in the place of what is shown now; a mask of the same model can be undone."""
        asked, ablation = from_query(query), self.choices["ablation"]
        self.choices, self.preset = asked.choices, None
        if asked.source != self.source:
            self.source, self.wanted, self.refused, self.here = asked.source, None, None, None
            self.mask, self.link_mask = None, asked.link_mask
        elif self.here is not None:
            self.link_mask = asked.link_mask
            mask = self._mask_of_link(self.here.anatomy) or HeadMask.full(self.here.anatomy)
            wanted, self.choices["ablation"] = self.choices["ablation"], ablation
            self.change(
                mask, ablation=wanted
            )  # the ablation is a part of the step that can be undone
            self.link_mask = None

    def head(self) -> Head:
        """The head that was picked last."""
        return parse_heads(self.choices["head"])[0]

    def checked(self, name: str, options: Sequence[str]) -> str:
        """A choice, or its default when it is none of the options; the first of them where the default is none.

        Only what somebody asked for is worth a notice: a usual length may simply be more than a model reads.
        """
        value = self.choices[name]
        if value not in options and value != DEFAULTS[name]:
            self._refuse(name, unknown(name, value[:40], options))
        return self.choices[name] if self.choices[name] in options else options[0]

    def query(self) -> dict[str, str]:
        """The state as parameters of a link: only what differs from the default."""
        found = (self.wanted or self.source).query()
        if self.mask is not None and not self.mask.is_full:
            found["off"] = self.mask.encode()
        elif self.mask is None and self.link_mask is not None:
            found["off"] = self.link_mask
        for name, default in DEFAULTS.items():
            value = self.choices[name]
            if value != default and len(value) <= LONGEST_IN_LINK:
                found[name] = value
        return found

    def _step(self, to: Shown) -> Shown:
        """Go there; returns the step back."""
        assert self.mask is not None
        back = Shown(self.mask, self.choices["ablation"] if to.ablation else None)
        self.mask = to.mask
        if to.ablation:
            self.choices["ablation"] = to.ablation
        return back

    def _mask_of_link(self, anatomy: HasHeads) -> HeadMask | None:
        if self.link_mask is None:
            return None
        try:
            return HeadMask.decode(anatomy, self.link_mask)
        except MaskError as error:
            self.notices.append(f"The link's mask was not used: {error}.")
            return None

    def _refuse(self, name: str, reason: str) -> None:
        self.notices.append(f"The link's {name} was not used: {reason}.")
        self.choices[name] = DEFAULTS[name]


def from_query(query: Mapping[str, str]) -> Session:
    """The session that a link asks for; what it does not name is as usual."""
    session = Session()
    asked = {entry.name: query[entry.name] for entry in fields(Source) if query.get(entry.name)}
    session.source = replace(session.source, **asked)
    session.link_mask = query.get("off") or None
    for name in DEFAULTS:
        session.choices[name] = query.get(name) or DEFAULTS[name]
    return session


def current() -> Session:
    """The session of the browser tab that this script runs for."""
    if "headcount" not in st.session_state:
        st.session_state.headcount = from_query(st.query_params.to_dict())
    session: Session = st.session_state.headcount
    return session


def visit(query: Mapping[str, str]) -> None:
    """Let this tab follow a link."""
    current().follow(query)


def origin() -> Origin | None:
    """Where the script runs: the page and the state of its link; None before the first page."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None  # work that the start asks for, before anybody has come
    page = st.session_state.get("page")
    return Origin(page, current().query()) if page else None


def write_link() -> None:
    """Put the state into the address, if it is not there already."""
    wanted = current().query()
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _is_head(text: str, anatomy: HasHeads) -> bool:
    try:
        heads = parse_heads(text)
        HeadMask.off(anatomy, heads)
    except HeadcountError:
        return False
    return len(heads) == 1
