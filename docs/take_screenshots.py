"""Pictures of every page with the built-in model, light and dark: `python -m docs.take_screenshots [page ...]`.

The dashboard gets a data folder of its own, so that nobody's plans are in the pictures.

Needs the `demo` extra and Chromium. Waits until every page has answered; the first run takes some minutes.
"""

from __future__ import annotations

import io
import shutil
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from analysis.ui.navigation import HOME, places
from benchmarks.dashboard import dashboard

FOLDER = Path(__file__).parent / "screenshots"
MASK = "0.2.14.a0.c41.be8"
QUERIES = {
    "head": "head=2.7",
    "attention": f"off={MASK}&head=2.7",
    "prune": f"off={MASK}",
    "plans": f"off={MASK}",
    "curves": "sentences=250",
    "export": f"off={MASK}",
}
"""What is shown on a page, where that is not what it opens with."""
BUTTONS = {
    "overview": "Find out how many heads could go",
    "plans": "Measure all",
    "curves": "Draw",
    "export": "Remove, repair and write",
}
"""What a visitor would press first; it is there only until somebody has."""
PLANS = (("16 heads off", ()), ("…and three more of layer 1", ((1, 0), (1, 2), (1, 3))))
"""Plans that are there before the page of plans is shown: a name, and what is clicked off since the one before."""
NARROW = ("overview", "prune")
"""Pages that are shown on a telephone too."""
SIZE, TELEPHONE = (1280, 900), (360, 740)
PATIENCE = 900_000
QUIET = 3_000
"""Milliseconds without work after which a page is done."""


def main(names: list[str]) -> None:
    """Start a dashboard, visit the pages in both themes, and write the pictures."""
    with dashboard() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        if not names or "plans" in names:
            _keep_plans(browser, address)
        shown = [place.name for place in places() if not names or place.name in names]
        for name in shown:
            for theme in ("light", "dark"):
                _visit(browser, address, [name], theme, SIZE, theme)
        narrow = [name for name in shown if name in NARROW]
        _visit(browser, address, narrow, "light", TELEPHONE, "narrow")
        browser.close()


def _visit(
    browser: Browser, address: str, names: list[str], theme: str, size: tuple[int, int], ending: str
) -> None:
    """Write a picture of each page, named after the page and how it is shown."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    for name in names:
        began = time.monotonic()
        path = "" if name == HOME.name else name
        page.goto(f"{address}/{path}?{QUERIES.get(name, '')}")
        _settled(page, name)
        _save(page.screenshot(), FOLDER / f"{name}-{ending}.png")
        print(f"{name}, {ending}: {time.monotonic() - began:.0f} s", flush=True)
    context.close()


def _keep_plans(browser: Browser, address: str) -> None:
    """Keep the plans as a visitor would: the first of a mask, each other one as a branch of it."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/prune?off={MASK}")
    for name, heads in PLANS:
        for layer, head in heads:
            page.locator(f"button[data-layer='{layer}'][data-head='{head}']").click()
        _rest(page)
        page.get_by_role("textbox", name="Name", exact=True).fill(name)
        page.get_by_role("button", name="Branch" if heads else "Keep this mask").click()
        page.get_by_text(f"The switchboard shows the plan {name}").wait_for()
    page.close()


def _save(picture: bytes, path: Path) -> None:
    """Write a picture as small as it gets in all its colours; a palette would lose the few accents."""
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, optimize=True)


def _settled(page: Page, name: str) -> None:
    """Press what a visitor would, and wait until the page has drawn and nothing is being computed."""
    page.locator("h1").first.wait_for()
    _rest(page)
    button = page.get_by_role("button", name=BUTTONS.get(name, "none"), exact=True)
    if button.count():
        button.click()
        _rest(page)


def _rest(page: Page) -> None:
    page.evaluate("window.restingSince = undefined")  # what rested before does not count
    page.wait_for_function(
        """quiet => {
            const app = document.querySelector("[data-testid=stApp]");
            const line = document.querySelector(".st-key-line")?.textContent ?? "";
            const coming = ".stProgress, [data-testid=stSkeleton], [data-stale=true]";
            const busy = /\\d+ running/.test(line) || document.querySelector(coming)
                || app.dataset.testScriptState !== "notRunning";
            if (busy) window.restingSince = undefined;
            else window.restingSince ??= Date.now();
            return !busy && Date.now() - window.restingSince >= quiet;
        }""",
        arg=QUIET,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
