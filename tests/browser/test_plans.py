from __future__ import annotations

import re
from itertools import count
from pathlib import Path

import pytest
from browsing import cell, go, measured, settled
from playwright.sync_api import Browser, Page, expect

LEFT_OUT = count(1)
"""Sentences that a test's own data lack, so that no two tests have the same."""


def keep(page: Page, name: str) -> None:
    """Keep the mask by the keyboard alone: type a name, press Enter."""
    box = page.get_by_label("Name", exact=True)
    box.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"The switchboard shows the plan {name}.")).to_be_visible()


@pytest.fixture
def alone(server, page, tmp_path):
    """A page for whose sentences no plan is kept yet."""
    lines = Path(server.source.data).read_text().splitlines(keepends=True)
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("".join(lines[: -next(LEFT_OUT)]))
    page.goto(server.link("prune", off="1.0.0", data=str(fewer)))
    measured(settled(page), "11 of 12")
    return page


def test_a_plan_and_its_branch_are_kept_and_deleted_by_the_keyboard_and_undone(alone) -> None:
    keep(alone, "first")
    cell(alone, 2, 1).focus()
    alone.keyboard.press("Space")
    expect(alone.get_by_text("Changed since first")).to_be_visible()
    keep(alone, "second")
    go(alone, "Plans")
    expect(alone.get_by_text(re.compile("The two differ in 1 head,"))).to_be_visible()
    settled(alone)
    alone.get_by_role("button", name="Plan", exact=False).filter(has_text="Plan").first.focus()
    alone.keyboard.press("Enter")
    alone.get_by_role("button", name="Delete").focus()
    alone.keyboard.press("Enter")
    expect(alone.get_by_text("Deleted second.")).to_be_visible()
    alone.get_by_role("button", name="Undo the deletion").focus()
    alone.keyboard.press("Enter")
    expect(alone.get_by_text("Deleted second.")).to_have_count(0)


def test_a_renamed_plan_stays_open(alone) -> None:
    keep(alone, "first")
    settled(alone).get_by_role("button", name="Plan", exact=True).click()
    alone.get_by_label("New name").fill("better")
    alone.get_by_role("button", name="Save").last.click()
    expect(alone.get_by_text("The switchboard shows the plan better.")).to_be_visible()
    alone.keyboard.press("Escape")
    cell(settled(alone), 2, 1).click()
    expect(alone.get_by_text("Changed since better")).to_be_visible()
    expect(alone).to_have_url(re.compile("plan="))


def test_two_people_see_each_others_plans_and_a_restart_keeps_them(
    cold, chromium: Browser, page
) -> None:
    page.goto(cold.link("prune", off="1.0.0"))
    measured(settled(page), "11 of 12")
    keep(page, "mine")
    other = chromium.new_context().new_page()
    other.goto(cold.link("plans"))
    settled(other)
    other.get_by_label("Open a plan").click()
    other.get_by_role("option", name="mine").click()
    expect(other).to_have_url(re.compile("off=1.0.0"))
    address = other.url
    cold.restart()
    page.goto(address)
    settled(page)
    expect(page.get_by_text("11 of 12 heads on")).to_be_visible()
    expect(page.get_by_label("Open a plan")).to_have_value("mine")
    other.context.close()
