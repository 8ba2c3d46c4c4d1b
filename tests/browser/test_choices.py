"""What a link or a person has chosen is what the widgets show, however late a browser comes to draw them."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_the_menu_of_examples_opens_right_after_typing(server, page: Page) -> None:
    page.goto(server.link("attention"))
    text = settled(page).get_by_label("Text", exact=True)
    text.fill("a film of my own")
    page.get_by_label("or a sentence of the data").click()
    option = page.get_by_role("option").nth(2)
    expect(option).to_be_visible()
    wanted = option.inner_text()
    option.click()
    expect(page.get_by_label("Text", exact=True).first).to_have_value(wanted)


def test_other_sentences_have_their_own_number(server, page: Page, tmp_path) -> None:
    """A browser answers with the label of a choice, and the label has the number in it."""
    page.goto(server.link("curves", methods="magnitude"))
    expect(settled(page).get_by_role("combobox", name="Sentences")).to_have_value("all 191")
    fewer = tmp_path / "fewer.csv"
    lines = Path(server.source.data).read_text().splitlines()
    fewer.write_text("\n".join(lines[: len(lines) * 2 // 3]) + "\n")
    page.get_by_role("button", name="model · data.csv").click()
    page.get_by_role("textbox", name="Sentences").fill(str(fewer))
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_role("button", name="model · fewer.csv").click()  # closes the form
    settled(page).get_by_text("Time the smaller models too", exact=True).first.click()
    expect(page).to_have_url(re.compile("timed=on"))
    settled(page)
    expect(page.get_by_text("was not used")).to_have_count(0)
