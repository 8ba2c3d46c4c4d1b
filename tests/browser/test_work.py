"""Long work goes on, is listed on every page, can be cancelled, and is found again."""

from __future__ import annotations

import re

from browsing import QUESTIONS, go, settled
from playwright.sync_api import Browser, expect


def test_curves_go_on_while_another_page_is_open_and_after_a_reload(server, page) -> None:
    page.goto(server.link("curves", methods="magnitude random", sentences="all"))
    page.get_by_role("button", name="Draw").click()
    begun = page.locator(".stProgress").or_(page.get_by_role("heading", name="All numbers"))
    expect(begun.first).to_be_visible()
    go(page, "Overview")
    go(page, "Curves")
    page.reload()
    expect(page.get_by_role("heading", name="All numbers")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_be_visible()


def test_work_is_listed_on_another_page_cancelled_there_and_leads_back(server, page) -> None:
    page.goto(
        server.link(
            "curves", methods="entropy-low sparsity-low random", sentences="all", off="1.0.0"
        )
    )
    page.get_by_role("button", name="Draw").click()
    expect(page.locator(".stProgress").first).to_be_visible()
    go(page, "Heads")
    page.get_by_role("button", name=re.compile(r"\d+ running")).click()
    expect(page.get_by_text(re.compile("Curves of 3 methods"))).to_be_visible()
    page.get_by_role("button", name="Cancel").last.click()
    finished = page.get_by_role("button", name=re.compile("Finished work"))
    expect(finished).to_be_visible()
    if not page.get_by_role("dialog").is_visible():
        finished.click()
    expect(page.get_by_text("Curves of 3 methods: cancelled")).to_be_visible()
    page.get_by_role("button", name="Go to it").first.click()
    expect(page.locator("h1")).to_contain_text(QUESTIONS["curves"])
    expect(page.get_by_text("cancelled.")).to_be_visible()
    expect(page).to_have_url(re.compile("methods=entropy-low"))


def test_finished_work_is_found_by_somebody_who_was_not_there(
    server, chromium: Browser, page
) -> None:
    page.goto(server.link("curves", methods="confidence", sentences="250"))
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("heading", name="All numbers")).to_be_visible()
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    other = context.new_page()
    other.goto(server.link())
    settled(other).get_by_role("button", name=re.compile("Finished work")).click()
    expect(other.get_by_text(re.compile("Curves of 1 method: done")).first).to_be_visible()
    other.get_by_role("button", name="Go to it").first.click()
    expect(other.get_by_role("heading", name="All numbers")).to_be_visible()
    expect(other).to_have_url(re.compile("methods=confidence"))
    context.close()
