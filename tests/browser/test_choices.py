"""What a link or a person has chosen is what the widgets show, however late a browser comes to draw them."""

from __future__ import annotations

import pytest
from browsing import settled
from playwright.sync_api import Page, expect


@pytest.fixture
def slow(page: Page) -> Page:
    """A browser on a slow computer: it draws what several runs of a page have sent at once."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 20})
    return page


def test_choices_survive_a_page_that_starts_twice_before_it_is_drawn(server, slow: Page) -> None:
    """A refused choice starts the page again, after the widgets above it."""
    slow.goto(server.link("curves", methods="confidence", sentences="250"))
    expect(slow.get_by_text("unknown sentences '250'")).to_be_visible()
    settled(slow).get_by_role("button", name="Dismiss").click()
    expect(slow.get_by_text("unknown sentences '250'")).to_have_count(0)
    expect(slow.get_by_role("button", name="Remove Confidence")).to_be_visible()
    expect(slow.get_by_role("button", name="Draw")).to_be_enabled()


def test_a_text_survives_it_too(server, slow: Page) -> None:
    slow.goto(server.link("attention", text="a fine film", special="perhaps"))
    expect(slow.get_by_text("unknown special 'perhaps'")).to_be_visible()
    settled(slow).get_by_role("button", name="Dismiss").click()
    expect(slow.get_by_text("unknown special 'perhaps'")).to_have_count(0)
    expect(slow.get_by_label("Text", exact=True)).to_have_value("a fine film")
