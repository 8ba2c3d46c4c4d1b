"""Pictures of every page with the built-in model, light and dark: `python docs/take_screenshots.py`.

Needs the `demo` extra and Chromium. Waits until every page has answered; the first run takes some minutes.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "screenshots"
MASK = "0.2.14.a0.c41.be8"
PAGES = {
    "overview": "",
    "heads": "heads",
    "attention": f"attention?off={MASK}&head=2.7",
    "prune": f"prune?off={MASK}",
    "curves": "curves?sentences=250",
    "export": f"export?off={MASK}",
}
PATIENCE = 900_000


def main() -> None:
    """Start a dashboard, visit every page in both themes, and write the pictures."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "analysis.cli", "--headless", "--port", str(port)]
    server = subprocess.Popen(command)
    try:
        _answers(f"http://localhost:{port}/_stcore/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": 1280, "height": 900}, color_scheme=theme
                )
                context.set_default_timeout(PATIENCE)
                page = context.new_page()
                for name, path in PAGES.items():
                    page.goto(f"http://localhost:{port}/{path}")
                    _settled(page, name)
                    page.screenshot(path=FOLDER / f"{name}-{theme}.png")
                    print(f"{name}, {theme}", flush=True)
                context.close()
            browser.close()
    finally:
        server.terminate()
        server.wait()


def _answers(address: str) -> None:
    for _ in range(300):
        try:
            urlopen(address, timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the dashboard did not start")


def _settled(page: Page, name: str) -> None:
    """Wait until the page has drawn and nothing is being computed."""
    page.locator("h1").wait_for()
    button = {"curves": "Draw", "export": "Remove, repair and write"}.get(name)
    if button is not None:
        page.get_by_role("button", name=button, exact=True).click()
    quiet = 0
    while quiet < 6:
        page.wait_for_timeout(500)
        busy = (
            page.locator(".stProgress").count()
            or page.get_by_text(re.compile(r"^\d+ running$")).count()
        )
        state = page.get_by_test_id("stApp").get_attribute("data-test-script-state")
        quiet = 0 if busy or state != "notRunning" else quiet + 1


if __name__ == "__main__":
    main()
