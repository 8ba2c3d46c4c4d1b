"""The maps of one text as the attention page shows them: which, by tokens or words, with special tokens or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from analysis.errors import HeadcountError
from analysis.mask import Head, HeadMask
from analysis.progress import Step
from analysis.ui import bertviz, work
from analysis.ui.jobs import Job, Urgency
from analysis.ui.resources import Workspace
from analysis.ui.sprites import sprite
from analysis.ui.state import current
from analysis.ui.widgets import segments, setting, switch

if TYPE_CHECKING:
    import numpy as np

    from analysis.maps import Maps

MAPS = {"all": "all heads", "masked": "under the mask", "difference": "difference"}
BERTVIZ = {"none": "off", **{view: f"{view} view" for view in bertviz.VIEWS}}


@dataclass(frozen=True)
class Reading:
    """How the maps of a text are read."""

    what: str
    """One of `MAPS`."""
    special: bool
    """With the tokens that the tokenizer adds."""
    words: bool
    """By words instead of tokens."""

    @property
    def is_difference(self) -> bool:
        """Whether weights are changes, and may be below 0."""
        return self.what == "difference"


@dataclass(frozen=True, eq=False)
class Atlas:
    """The maps of every head on a text, read in one way, and their common picture."""

    maps: Maps
    picture: str
    """Data URL of a PNG, layers downwards."""
    length: int
    """Tokens that the model read, special ones included."""

    def weights(self, head: Head) -> np.ndarray:
        """One head's map, `[query, key]`."""
        found: np.ndarray = self.maps.weights[head[0]][head[1]].float().numpy()
        return found


def reading(mask: HeadMask) -> Reading:
    """The choices above the maps."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        what = "all"
        if not mask.is_full:
            what = setting(
                "maps",
                list(MAPS),
                segments,
                label="Maps",
                format_func=MAPS.get,
                help="With all heads on; with the heads off that are off; the second minus the first.",
            )
        special = switch(
            "special",
            label="Special tokens",
            help="Tokens that the tokenizer adds, such as [CLS] and [SEP]. Without them the other weights "
            "stay as they are: what a row lacks to 1 went to them.",
        )
        words = switch(
            "words",
            label="Whole words",
            help="Merge the tokens of a word: attention on a word is the sum over its tokens, attention of a "
            "word their mean.",
        )
    if mask.is_full:
        st.caption("Switch heads off on the Prune page to see how the maps above them change.")
    return Reading(what, special, words)


def atlas(here: Workspace, text: str, mask: HeadMask, chosen: Reading) -> Job[Atlas]:
    """The maps of a text, read as chosen."""
    return work.desk.ask(
        (here.key, "atlas", text, mask, chosen),
        lambda maps: _drawing(maps, chosen),
        owner=current().id,
        kind="atlas",
        title="Attention on one text",
        urgency=Urgency.CLICK,
        after=[work.maps(here, text, mask)],
    )


def read(pair: tuple[Maps, Maps], chosen: Reading) -> Maps:
    """The maps with all heads and under a mask, as one, read as chosen.

    Raises:
        MethodError: words are asked for and the tokenizer does not know them.
    """
    from analysis.maps import by_words, without_special

    full, masked = pair
    found = masked if chosen.what == "masked" else full
    if chosen.is_difference:
        changes = tuple(
            after - before for after, before in zip(masked.weights, full.weights, strict=True)
        )
        found = replace(full, weights=changes)
    if not chosen.special:
        found = without_special(found)
    return by_words(found) if chosen.words else found


def in_bertviz(found: Atlas, chosen: Reading, head: Head) -> None:
    """BertViz's views of the same maps, where it can bear them."""
    view = setting(
        "bertviz",
        list(BERTVIZ),
        segments,
        label="BertViz",
        format_func=BERTVIZ.get,
        help="Lines instead of squares, as the BertViz library draws them; nothing is loaded from anywhere.",
    )
    if view == "none":
        return
    if chosen.is_difference:
        st.info(
            "BertViz draws weights, not changes: choose the maps of all heads or under the mask."
        )
        return
    try:
        page = bertviz.page(view, found.maps, head)
    except HeadcountError as error:
        st.info(str(error))
        return
    tokens = len(found.maps.tokens)
    height = 120 + 23 * tokens if view == "head" else 900
    st.iframe(page, height=height, alt=f"BertViz {BERTVIZ[view]}")


def _drawing(pair: tuple[Maps, Maps], chosen: Reading) -> Iterator[Step[Atlas]]:
    found = read(pair, chosen)
    picture = sprite(found.weights, is_difference=chosen.is_difference)
    yield Step(1, 1, "texts", Atlas(found, picture, len(pair[0].tokens)))
