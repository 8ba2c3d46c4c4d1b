"""Pages are used by the keyboard alone: Tab reaches what they are about, and Enter or Space works it."""

from __future__ import annotations

import re

from browsing import cell, settled
from playwright.sync_api import Locator, Page, expect

FAR = 60
"""Presses of Tab after which a control counts as out of reach."""


def tab_to(page: Page, control: Locator) -> None:
    """Press Tab until this has the focus."""
    for _ in range(FAR):
        page.keyboard.press("Tab")
        if control.evaluate("element => element.matches(':focus')"):
            return
    raise AssertionError(f"{FAR} presses of Tab do not reach {control}")


def test_another_statistic_is_chosen_on_the_heads_page(server, page) -> None:
    page.goto(server.link("heads"))
    settled(page)
    tab_to(page, page.get_by_role("combobox", name="Statistic"))
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("statistic="))


def test_a_head_is_chosen_on_the_attention_page(server, page) -> None:
    page.goto(server.link("attention"))
    settled(page)
    tab_to(page, cell(page, 0, 0))
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="L1.H1")).to_be_visible()


def test_curves_are_drawn_from_the_curves_page(server, page) -> None:
    page.goto(server.link("curves", methods="output-norm", sentences="250"))
    settled(page)
    tab_to(page, page.get_by_role("button", name="Draw"))
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="All numbers")).to_be_visible()
