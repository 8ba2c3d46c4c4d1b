"""A click on a point opens its mask on the switchboard, one on a row of a table the maps of its text."""

from __future__ import annotations

import re

from browsing import QUESTIONS, heads_off, measured, settled
from playwright.sync_api import expect


def test_a_click_on_a_point_opens_its_mask_on_the_switchboard(server, page) -> None:
    page.goto(server.link("curves", methods="magnitude", sentences="all"))
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("heading", name="All numbers")).to_be_visible()
    point = settled(page).locator(".scatterlayer .points path").nth(4)
    point.scroll_into_view_if_needed()
    spot = point.bounding_box()
    assert spot is not None
    page.mouse.click(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    expect(page.locator("h1")).to_contain_text(QUESTIONS["prune"])
    said = page.get_by_text(re.compile("The switchboard now shows Magnitude with"))
    on = int(re.search(r"with (\d+) of 12", said.inner_text()).group(1))
    assert 0 < on < 12
    measured(page, f"{on} of 12")
    expect(heads_off(page)).to_have_count(12 - on)


def test_a_click_on_a_row_opens_the_maps_of_its_text(server, page) -> None:
    page.goto(server.link("head", head="1.2"))
    table = settled(page).get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    sentence = table.locator("[aria-rowindex='2'] [role=gridcell]").last.text_content()
    table.click(position={"x": 45, "y": 52})  # the first row, below the names of the columns
    expect(page.locator("h1")).to_contain_text(QUESTIONS["attention"])
    expect(page.get_by_label("Text", exact=True)).to_have_value(sentence)
