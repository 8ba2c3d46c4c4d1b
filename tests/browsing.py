"""What a browser test says about a page: its parts by name, and that it has come to rest."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=60_000)

QUESTIONS = {
    "overview": "How many attention heads",
    "heads": "What does each head do",
    "head": "What is this one head for",
    "attention": "Where does every head look",
    "prune": "What happens when these heads",
    "plans": "Which plan is worth keeping",
    "curves": "How fast does a model get worse",
    "present": "read every text",
    "export": "What do you get when these heads",
}
"""Every page and what its heading says. Add a page by adding a row."""
REST = 500
"""Milliseconds without work after which a page counts as settled."""


def cell(page: Page, layer: int, head: int) -> Locator:
    return page.locator(f"button[data-layer='{layer}'][data-head='{head}']")


def heads_off(page: Page) -> Locator:
    return page.locator("button[role=switch][aria-checked=false]")


def tile(page: Page, label: str) -> Locator:
    """The value of a tile whose label is exactly this, so not one that is still growing."""
    metric = page.get_by_test_id("stMetric").filter(has_text=re.compile(rf"^{label}(?! …)"))
    return metric.get_by_test_id("stMetricValue")


def measured(page: Page, heads: str) -> str:
    """The accuracy, when it is that of so many heads and final."""
    expect(tile(page, "Heads on")).to_have_text(heads)
    expect(tile(page, "Accuracy")).to_have_text(re.compile(r"%"))
    return tile(page, "Accuracy").inner_text()


def settled(page: Page) -> Page:
    """Wait until the page has drawn, nothing is being computed and nothing more is coming."""
    expect(page.locator("h1").first).to_be_visible()
    page.evaluate("window.restingSince = undefined")  # what rested before does not count
    page.wait_for_function(
        """rest => {
            const app = document.querySelector("[data-testid=stApp]");
            const running = [...document.querySelectorAll("[data-testid=stPopover]")]
                .some(each => /\\d+ running/.test(each.textContent));
            const coming = ".stProgress, [data-testid=stSkeleton], [data-stale=true]";
            const fading = document.getAnimations()  // what was dimmed as stale takes a moment to be itself
                .some(each => each instanceof CSSTransition && each.playState === "running");
            const busy = running || fading || document.querySelector(coming)
                || app?.dataset.testScriptState !== "notRunning";
            if (busy) window.restingSince = undefined;
            else window.restingSince ??= Date.now();
            return !busy && Date.now() - window.restingSince >= rest;
        }""",
        arg=REST,
    )
    return page


def go(page: Page, title: str) -> None:
    """Change to another page by the bar."""
    page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(rf"^{title}$")).click()
    expect(page.locator("h1")).to_contain_text(QUESTIONS[title.lower()])
