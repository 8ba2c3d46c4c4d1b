"""Clicks in real browsers: what a person waits for, alone and with others at one server."""

from __future__ import annotations

import itertools
import os
import shutil
from contextlib import contextmanager

from benchmarks.dashboard import dashboard
from benchmarks.figures import spread

PEOPLE = (1, 2, 4, 8)
PATIENCE = 600_000
BUSY = {
    "heads are scored by leave-one-out": "heads?statistic=score_leave-one-out",
    "curves are measured": "curves?methods=random&sentences=all",
    "heads are scored repair-aware": "heads?statistic=score_repair-aware",
}
"""Work that takes a minute or more, and the page where somebody else has it done."""
CLICKS = 12
"""Clicks while it goes on."""
LOOK = 1000
"""Milliseconds for which a person looks at an estimate before the next click."""
HURRIED = 36
"""Clicks of a person who does not look: each as soon as the one before has its first estimate."""
WAITED_FOR = {
    "painted": ("the head is drawn as off", "<= 150"),
    "answered": ("the server has taken the mask, and the link says so", "<= 150"),
    "estimated": ("the first accuracy of this mask, with its interval", "<= 300"),
    "exact": ("the accuracy on every sentence", ""),
}
"""What is waited for after a click, and the target for one person in milliseconds."""

WATCH = """([layer, head, on]) => {
    const seen = window.seen = {};
    const find = root => {
        const button = root.querySelector(`button[data-layer='${layer}'][data-head='${head}']`);
        if (button) return button;
        for (const host of root.querySelectorAll("*")) {
            const found = host.shadowRoot && find(host.shadowRoot);
            if (found) return found;
        }
    };
    const button = find(document), before = location.search;
    const tile = start => [...document.querySelectorAll("[data-testid=stMetric]")]
        .map(metric => metric.textContent).find(text => text.startsWith(start)) ?? "";
    const note = (name, happened) => {
        if (happened && seen.start && !(name in seen)) seen[name] = performance.now() - seen.start;
    };
    const look = () => {
        const told = /%/.test(tile("Accuracy")) && tile("Heads on").includes(`${on} of`);
        note("painted", button.ariaChecked === "false");
        note("answered", location.search !== before);
        note("estimated", told);
        note("exact", told && !tile("Accuracy").startsWith("Accuracy …"));
        if (!("exact" in seen)) requestAnimationFrame(look);
    };
    addEventListener("pointerdown", event => { seen.start ??= event.timeStamp; }, true);
    look();
}"""


def browsers(subject, repeats):
    """Times from a real click of the mouse to what each step of the answer shows; of the built-in model only.

    However many people there are, each has the same to do at a server that has only just started: a click in
    the last, the middle and the first layer, all at once with the others and each a head of their own.
    """
    if subject.spec != "demo":
        return []
    figures = []
    with _chromium() as browser:
        for people in PEOPLE:
            with dashboard() as address:
                waits = _clicked(browser, f"{address}/prune", people, subject.anatomy, repeats)
            for name, (meaning, target) in WAITED_FOR.items():
                title = f"{name} after a click, {people} browser{'s' * (people > 1)}"
                aim = target if people == 1 else ""
                figures.append(spread(title, waits[name], "ms", meaning, aim))
    return figures


def hurried(subject):
    """First estimates of somebody who clicks on without looking, and while others have long work done."""
    if subject.spec != "demo":
        return []
    figures = []
    meaning, target = WAITED_FOR["estimated"]
    with _chromium() as browser:
        with dashboard() as address:
            waits = _first_estimates(
                _page(browser, f"{address}/prune"), subject.anatomy, HURRIED, 0
            )
        title = f"estimated after each of {HURRIED} clicks that follow at once"
        figures.append(spread(title, waits, "ms", meaning, target))
        for work, place in BUSY.items():
            with dashboard() as address:
                waits = _overtaken(browser, address, place, subject.anatomy)
            title = f"estimated after a click, while {work}"
            figures.append(spread(title, waits, "ms", meaning, ""))
    return figures


@contextmanager
def _chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox"],
        )
        yield browser
        browser.close()


def _clicked(browser, address, people, anatomy, repeats):
    """Milliseconds to each step, of every click of everybody."""
    pages = [_page(browser, address) for _ in range(people)]
    layers = anatomy.layers - 1, anatomy.layers // 2, 0
    waits = {name: [] for name in WAITED_FOR}
    for off, (repeat, layer) in enumerate(itertools.product(range(repeats), layers), start=1):
        for person, page in enumerate(pages):
            head = layer, (person + repeat) % anatomy.heads[layer]
            page.evaluate(WATCH, [*head, anatomy.heads_total - off])
            page.locator(f"button[data-layer='{head[0]}'][data-head='{head[1]}']").click()
        for page in pages:
            page.wait_for_function("'exact' in window.seen")
            for name, values in waits.items():
                values.append(page.evaluate(f"window.seen.{name}"))
    for page in pages:
        page.context.close()
    return waits


def _overtaken(browser, address, place, anatomy):
    """Milliseconds to the first estimate of clicks while the server is busy with what somebody else has asked for."""
    page = _page(browser, f"{address}/prune")
    other = browser.new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(f"{address}/{place}")
    if place.startswith("curves"):
        other.get_by_role("button", name="Draw").click()
    other.locator(".stProgress").first.wait_for()
    waits = _first_estimates(page, anatomy, CLICKS, LOOK)
    page.context.close()
    other.context.close()
    return waits


def _first_estimates(page, anatomy, clicks, pause):
    """Milliseconds to the first estimate of clicks on heads of the last, the middle and the first layer in turn."""
    waits = []
    for number in range(clicks):
        layer = (anatomy.layers - 1, anatomy.layers // 2, 0)[number % 3]
        head = layer, number // 3
        page.evaluate(WATCH, [*head, anatomy.heads_total - number - 1])
        page.locator(f"button[data-layer='{head[0]}'][data-head='{head[1]}']").click()
        page.wait_for_function("'estimated' in window.seen")
        waits.append(page.evaluate("window.seen.estimated"))
        page.wait_for_timeout(pause)
    return waits


def _page(browser, address):
    """A browser window of a person who has looked at the switchboard until nothing moved."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.get_by_test_id("stMetricValue").filter(has_text="%").wait_for()
    page.wait_for_function(
        """() => {
            const busy = document.querySelector(".stProgress, [data-testid=stSkeleton]")
                || document.querySelector(".st-key-line")?.textContent.match(/\\d+ running/);
            if (busy) window.since = undefined; else window.since ??= Date.now();
            return !busy && Date.now() - window.since > 3000;
        }"""
    )
    return page
