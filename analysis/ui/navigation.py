"""The pages, in the order of their use: to see, to decide, to hand over. Each is one line here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import streamlit as st


@dataclass(frozen=True)
class Place:
    """A page: its file, its name in the bar, and what one finds there."""

    name: str
    """Its file in `pages/`, and its address."""
    title: str
    icon: str
    """Name of a Material symbol."""
    purpose: str
    """What it is for, in words that continue the title."""

    @property
    def file(self) -> str:
        """Its path, as Streamlit's links want it."""
        return f"pages/{self.name}.py"

    def link(self, label: str = "", query: dict[str, str] | None = None) -> None:
        """A link to the page; it bears the page's own name and purpose without a label."""
        st.page_link(
            self.file,
            label=label or f"**{self.title}**: {self.purpose}",
            icon=f":material/{self.icon}:",
            query_params=query,
        )


HOME = Place("overview", "Overview", "home", "the model, the sentences and the verdict so far")
SEE = (
    Place("heads", "Heads", "grid_on", "what each head does, measured on the calibration split"),
    Place("head", "One head", "center_focus_strong", "what a single head is, does and is worth"),
    Place("attention", "Attention", "visibility", "where every head looks in one text"),
)
DECIDE = (
    Place("prune", "Prune", "content_cut", "switch heads off and see accuracy and speed change"),
    Place(
        "plans", "Plans", "account_tree", "the masks that were kept, and two of them side by side"
    ),
    Place("curves", "Curves", "show_chart", "how accuracy falls as methods remove more heads"),
)
HAND_OVER = (
    Place("present", "Present", "slideshow", "the whole story in five large steps, for a wall"),
    Place("export", "Export", "package_2", "really remove the heads and take the smaller model"),
)
GROUPS = {"See": SEE, "Decide": DECIDE, "Hand over": HAND_OVER}
"""The pages after the first, by what one does there."""


def places() -> Iterator[Place]:
    """Every page, in the order of the bar."""
    yield HOME
    for group in GROUPS.values():
        yield from group


def place(name: str) -> Place:
    """The page of this name."""
    return next(place for place in places() if place.name == name)


def navigation() -> Any:
    """The bar of pages; returns the one to run.

    One row without icons, so that every page is seen, and is one click away, at 800 pixels too.
    """
    pages = [_page(place) for place in places()]
    home = pages[0]

    def overview() -> None:
        st.switch_page(home, query_params=st.query_params.to_dict())

    # The first page's address is "/"; whoever types its name gets there as well.
    named = st.Page(overview, title=HOME.title, url_path=HOME.name, visibility="hidden")
    return st.navigation([*pages, named], position="top")


def _page(place: Place) -> Any:
    return st.Page(
        place.file,
        title=place.title,
        icon="",
        help=f"{place.purpose[0].upper()}{place.purpose[1:]}.",
        default=place is HOME,
        url_path="home" if place is HOME else place.name,
    )
