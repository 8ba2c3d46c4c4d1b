"""A link opens the page and the state that it names, in a fresh server, in another browser, and when it is broken."""

from __future__ import annotations

import re

import pytest
from browsing import QUESTIONS, cell, go, heads_off, measured, settled
from playwright.sync_api import Browser, expect


# The first page, one of the others, and the one without a frame.
@pytest.mark.parametrize("name", ["overview", "curves", "present"])
def test_a_link_into_a_server_that_nobody_has_visited_opens_its_page(cold, page, name) -> None:
    page.goto(cold.link(name, off="3.0.8"))
    expect(page.get_by_text("Getting the model ready")).to_be_visible()
    expect(page.locator("h1")).to_contain_text(QUESTIONS[name])
    bar = 0 if name == "present" else len(QUESTIONS)  # on a wall the pages' bar would be noise
    expect(page.get_by_test_id("stTopNavLink")).to_have_count(bar)
    expect(page.get_by_text("Page not found")).to_have_count(0)
    assert "off=3.0.8" in page.url


def test_heads_are_switched_while_the_model_loads_and_stay_so(cold, page) -> None:
    page.goto(cold.link("prune", off="3.0.8"))
    cell(page, 1, 1).click()
    expect(page.get_by_text("Getting the model ready")).to_be_visible()
    expect(page).to_have_url(re.compile(r"off=3\.2\.8"))
    measured(page, "8 of 12")
    expect(cell(page, 1, 1)).to_have_attribute("aria-checked", "false")
    expect(heads_off(page)).to_have_count(4)


def test_two_people_with_two_masks_do_not_meet(server, chromium: Browser, page) -> None:
    other = chromium.new_context().new_page()
    page.goto(server.link("prune"))
    other.goto(server.link("prune"))
    measured(settled(page), "12 of 12")
    measured(settled(other), "12 of 12")
    for head in range(4):
        cell(page, 0, head).click()
        cell(other, 2, head).click()
    measured(page, "8 of 12")
    measured(other, "8 of 12")
    expect(page).to_have_url(re.compile(r"off=f\.0\.0"))
    expect(other).to_have_url(re.compile(r"off=0\.0\.f"))
    other.context.close()


def test_a_link_that_is_sent_on_shows_the_same_in_a_second_browser(
    server, chromium: Browser, page
) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 1, 1).click()
    mine = measured(page, "11 of 12")
    expect(page).to_have_url(re.compile(r"off=0\.2\.0"))
    context = chromium.new_context()
    other = context.new_page()
    other.goto(page.url)
    assert measured(other, "11 of 12") == mine
    expect(cell(other, 1, 1)).to_have_attribute("aria-checked", "false")
    context.close()


def test_a_reload_keeps_the_mask(server, page) -> None:
    page.goto(server.link("prune", off="1.0.3"))
    before = measured(page, "9 of 12")
    page.reload()
    assert measured(page, "9 of 12") == before
    expect(heads_off(page)).to_have_count(3)


def test_a_change_of_page_keeps_the_mask(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 1, 1).click()
    measured(page, "11 of 12")
    go(page, "Heads")
    expect(page.get_by_text("11 of 12 heads on")).to_be_visible()
    go(page, "Prune")
    measured(page, "11 of 12")
    expect(cell(page, 1, 1)).to_have_attribute("aria-checked", "false")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"off": "zz.0.0"}, "mask was not used"),
        ({"off": "0.2.14.a0.c41.be8"}, "mask was not used"),  # of a model with six layers
        ({"statistic": "charm"}, "statistic was not used"),
        ({"head": "9.9"}, "head was not used"),
    ],
)
def test_what_a_link_got_wrong_is_said_and_the_rest_is_shown(server, page, query, said) -> None:
    page.goto(server.link("heads", **query))
    expect(page.get_by_test_id("stAlert")).to_contain_text(said)
    expect(page.get_by_text("12 of 12 heads on")).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
