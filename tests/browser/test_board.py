"""The switchboard under real clicks, keys and drags."""

from __future__ import annotations

import re

from browsing import cell, heads_off, measured, settled
from playwright.sync_api import expect


def test_a_click_changes_the_accuracy(server, page) -> None:
    page.goto(server.link("prune"))
    full = measured(settled(page), "12 of 12")
    for head in range(4):
        cell(page, 0, head).click()
    assert measured(page, "8 of 12") != full
    expect(page.get_by_text("answers became wrong")).to_be_visible()
    page.get_by_role("button", name="All on").click()
    assert measured(page, "12 of 12") == full


def test_a_chart_and_a_table_that_nobody_sees_are_drawn_before_the_first_click(
    server, page
) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    chart = page.locator(".st-key-expecting .js-plotly-plot")
    table = page.locator(".st-key-expecting").get_by_test_id("stDataFrame")
    for ahead in (chart, table):
        expect(ahead).to_be_attached()
        expect(ahead).to_be_hidden()
    for kind in ("stPlotlyChart", "stDataFrame"):
        expect(page.get_by_test_id(kind).filter(visible=True)).to_have_count(0)
    cell(page, 0, 0).click()
    measured(page, "11 of 12")
    for ahead in (chart, table):
        expect(ahead).to_have_count(0)


def test_the_bar_counts_the_heads_of_a_mask_that_was_measured_before(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    for _ in range(2):  # the second time the answers are known at once
        cell(page, 1, 1).click()
        measured(page, "11 of 12")
        expect(page.get_by_text("11 of 12 heads on")).to_be_visible()
        cell(page, 1, 1).click()
        measured(page, "12 of 12")
        expect(page.get_by_text("12 of 12 heads on")).to_be_visible()


def test_the_head_that_was_clicked_last_opens_its_page(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 0, 1).click()
    cell(page, 2, 3).click()
    page.get_by_role("button", name="Open the page of L2.H3").click()
    expect(page.get_by_role("heading", name="What is this one head for")).to_be_visible()
    expect(page).to_have_url(re.compile(r"head=2\.3"))


def test_twenty_fast_clicks_are_twenty_switches(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    for place in [*range(12), *range(8)]:
        cell(page, place // 4, place % 4).click(no_wait_after=True)
    expect(heads_off(page)).to_have_count(4)
    measured(page, "8 of 12")
    expect(heads_off(page)).to_have_count(4)
    expect(page).to_have_url(re.compile(r"off=0\.0\.f"))


def test_the_keyboard_is_enough(server, page) -> None:
    page.goto(server.link("prune"))
    measured(settled(page), "12 of 12")
    cell(page, 0, 0).focus()
    for key in ("Space", "ArrowRight", "Enter", "ArrowDown", "End", "Space"):
        page.keyboard.press(key)
    measured(page, "9 of 12")
    expect(page).to_have_url(re.compile(r"off=3\.8\.0"))
    for key in ("Home", "ArrowLeft", "Enter"):  # the layer's own button
        page.keyboard.press(key)
    measured(page, "6 of 12")
    expect(page).to_have_url(re.compile(r"off=3\.f\.0"))


def test_a_drag_switches_what_it_crosses_and_shift_click_a_block(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 0, 0).hover()
    page.mouse.down()
    cell(page, 0, 2).hover()
    page.mouse.up()
    measured(page, "9 of 12")
    cell(page, 1, 2).click()
    cell(page, 2, 3).click(modifiers=["Shift"])
    measured(page, "5 of 12")
    expect(page).to_have_url(re.compile(r"off=7\.c\.c"))


def test_undo_and_redo_move_the_board(server, page) -> None:
    page.goto(server.link("prune"))
    measured(page, "12 of 12")
    cell(page, 2, 1).click()
    measured(page, "11 of 12")
    page.get_by_role("button", name="Undo").click()
    expect(heads_off(page)).to_have_count(0)
    page.get_by_role("button", name="Redo").click()
    expect(heads_off(page)).to_have_count(1)
    measured(page, "11 of 12")


def test_the_keyboard_keeps_its_place_while_colours_and_forecasts_come(cold, page) -> None:
    page.goto(cold.link("prune"))
    cell(page, 0, 0).focus()
    page.keyboard.press("ArrowDown")
    settled(page)
    page.keyboard.press("Space")
    measured(page, "11 of 12")
    expect(cell(page, 1, 0)).to_have_attribute("aria-checked", "false")
