"""The switchboard by itself, at sizes that no test's model has."""

from __future__ import annotations

import re

from browsing import cell
from playwright.sync_api import Page, expect


def says(page: Page, off: int) -> None:
    """Both the grid and Python have so many heads off."""
    expect(page.locator("button[role=switch][aria-checked=false]")).to_have_count(off)
    expect(page.get_by_text(re.compile(rf"^off: {off}$"))).to_be_visible()


def test_a_board_of_80_by_64_takes_clicks_ranges_lines_and_bursts(boards, page) -> None:
    page.goto(f"{boards.address}/?layers=80&heads=64")
    expect(page.locator("button[role=switch]")).to_have_count(80 * 64)
    cell(page, 79, 63).click()
    says(page, 1)
    cell(page, 78, 0).click()
    cell(page, 79, 4).click(modifiers=["Shift"])
    says(page, 11)
    cell(page, 5, -1).click()
    says(page, 75)
    cell(page, -1, 7).click()
    says(page, 154)
    for head in range(20, 40):
        cell(page, 50, head).click(no_wait_after=True)
    says(page, 174)


def test_the_keyboard_reaches_everything(boards, page) -> None:
    page.goto(boards.address)
    says(page, 0)
    page.keyboard.press("Tab")
    while not page.evaluate(
        "document.activeElement?.shadowRoot?.activeElement?.dataset.layer ?? ''"
    ):
        page.keyboard.press("Tab")
    press = page.keyboard.press
    press("Space")
    press("Shift+ArrowRight")
    press("Shift+ArrowDown")
    says(page, 4)
    press("Control+End")
    press("Enter")
    says(page, 5)
    for key in ("Control+Home", "ArrowUp", "Enter"):  # the name of column 0
        press(key)
    says(page, 6)
    for key in ("ArrowLeft", "Space"):  # the corner: all that are on go off
        press(key)
    says(page, 12)
    press("Control+a")
    says(page, 0)
    expect(page.get_by_text("0 of 12 heads are off")).to_be_attached()


def test_a_group_is_switched_as_one(boards, page) -> None:
    page.goto(f"{boards.address}/?heads=6&groups=2")
    cell(page, 1, 4).click()
    says(page, 3)
    for head in (3, 4, 5):
        expect(cell(page, 1, head)).to_have_attribute("aria-checked", "false")
    expect(cell(page, 1, 4)).to_have_attribute("aria-label", re.compile("in the group H3 to H5"))


def test_layers_of_several_kinds_say_which_they_are(boards, page) -> None:
    page.goto(f"{boards.address}/?stacks=on")
    expect(cell(page, 2, -1)).to_have_attribute("title", "decoder 2")
    expect(cell(page, 2, 3)).to_have_attribute("aria-label", re.compile("^L2.H3, decoder 2"))
    page.goto(boards.address)
    expect(cell(page, 2, -1)).not_to_have_attribute("title", re.compile(".*"))


def test_cells_show_pictures_hatching_and_repairs(boards, page) -> None:
    page.goto(f"{boards.address}/?pictures=on")
    cell(page, 0, 0).click()
    says(page, 1)
    background = "node => getComputedStyle(node).backgroundImage"
    assert cell(page, 1, 1).evaluate(background).startswith('url("blob:')
    hatched = cell(page, 0, 0).evaluate(background)
    assert "repeating-linear-gradient" in hatched
    assert "blob:" in hatched
    expect(cell(page, 0, 1)).to_have_attribute("aria-label", re.compile("repaired"))
    expect(page.locator(".key.repaired")).to_be_visible()


def test_circled_heads_are_switched_together_and_back(server, page) -> None:
    page.goto(server.link("heads"))
    chart = page.locator(".st-key-scatter .nsewdrag, .st-key-figure-scatter .nsewdrag").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    left, top = box["x"] + 2, box["y"] + 2
    right, bottom = left + box["width"] - 4, top + box["height"] - 4
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Switch these 12 heads off").click()
    expect(page.get_by_text("0 of 12 heads on")).to_be_visible()
    page.locator(".st-key-scatter-undo button").click()
    expect(page.get_by_text("12 of 12 heads on")).to_be_visible()
