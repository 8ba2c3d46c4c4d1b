"""How pages look to everybody: accessible in both themes, whole on a narrow screen, and calm while numbers come."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
from browsing import QUESTIONS, cell, measured, settled
from playwright.sync_api import Page, expect

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_STREAMLIT: dict[str, tuple[str, ...]] = {}
"""Rules of axe that Streamlit's own elements break: parts of the selectors that are not ours to mend."""
CALM = 0.1
"""Cumulative layout shift that counts as good (web.dev/cls)."""

SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) window.shifts.push(entry.value);
    }).observe({type: "layout-shift"});
}"""


def violations(page: Page) -> list[str]:
    """What axe finds wrong, without what Streamlit is known to do."""
    page.evaluate(AXE)
    found = page.evaluate(
        "levels => axe.run(document, {runOnly: levels, resultTypes: ['violations']})", LEVELS
    )
    return [
        f"{rule['id']}: {node['target']} {node['html'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
        if not any(known in str(node["target"]) for known in OF_STREAMLIT.get(rule["id"], ()))
    ]


@pytest.mark.parametrize("name", QUESTIONS)
def test_axe_finds_nothing_on_a_light_page(server, page, name) -> None:
    page.goto(server.link(name, off="1.0.8"))
    assert violations(settled(page)) == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_axe_finds_nothing_on_a_dark_page_and_it_fits_a_telephone(server, dark, name) -> None:
    dark.goto(server.link(name, off="1.0.8"))
    assert violations(settled(dark)) == []
    dark.set_viewport_size({"width": 360, "height": 740})
    settled(dark)
    assert dark.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 360
    expect(dark.locator("h1")).to_contain_text(QUESTIONS[name])


def test_nothing_jumps_while_an_evaluation_streams(server, page) -> None:
    page.goto(server.link("prune"))
    measured(settled(page), "12 of 12")
    page.evaluate(SHIFTS)
    for place in ((0, 0), (1, 2), (2, 3)):
        cell(page, *place).click()
        settled(page)
    measured(page, "9 of 12")
    assert page.evaluate("shifts.reduce((sum, each) => sum + each, 0)") < CALM
