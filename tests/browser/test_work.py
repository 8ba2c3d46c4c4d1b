"""Long work goes on, is listed on every page, can be cancelled, and is found again."""

from __future__ import annotations

import re

from browsing import QUESTIONS, go, settled
from playwright.sync_api import Browser, expect


def test_a_slow_sweep_runs_on_through_another_page_and_a_reload(server, page) -> None:
    page.goto(server.link("curves", methods="magnitude random", sentences="all", timed="on"))
    page.get_by_role("button", name="Draw").click()
    running = page.locator(".stProgress").filter(has_text="Curves of 2 methods")
    counted = re.compile(r"\b([1-9][\d,]*) of [\d,]+ ")
    expect(running).to_have_text(counted)
    go(page, "Overview")
    expect(page.get_by_role("button", name=re.compile(r"\d+ running"))).to_be_visible()
    go(page, "Curves")
    expect(running).to_have_text(counted)
    before = counted.search(running.inner_text())[1]
    page.reload()
    expect(running).to_have_text(counted)
    after = counted.search(running.inner_text())[1]
    assert int(after.replace(",", "")) >= int(before.replace(",", ""))
    expect(page.get_by_role("heading", name="All numbers")).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Curves of 2 methods: cancelled.").first).to_be_visible()


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
