"""A real server and a real Chromium. These tests fail, and do not skip, where either is missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from stored import Stored, store

ROOT = Path(__file__).parents[2]
APP = ROOT / "app.py"
STARTS_WITHIN = 60.0
ANSWERS_WITHIN = 60_000
CHROMIUMS = ("chromium-headless-shell", "chromium", "google-chrome")
"""The first that is there is driven; the shell is the same engine without a desktop's window around it."""
OUR_OWN = ("http://localhost:", "ws://localhost:", "data:", "blob:", "about:", "chrome-error:")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Server:
    """A dashboard that nobody has visited yet."""

    def __init__(self, cache: Path, source: Stored, script: Path = APP) -> None:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        self.address = f"http://localhost:{port}"
        self.source = source
        self.cache = cache
        self._script, self._port = script, port
        self.log = cache / "server.log"
        self._environment = {
            **os.environ,
            "HEADCOUNT_CACHE": str(cache),
            "HEADCOUNT_DATA": str(cache / "data"),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",  # more threads only get in each other's way on a model this small
        }
        if script != APP:  # scripts of tests lie beside no settings
            self._environment["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
        self._start()

    def link(self, page: str = "", **query: str) -> str:
        return f"{self.address}/{page}?{urlencode({**self.source.query, **query})}"

    def restart(self) -> None:
        """Come up again at the same address, with the same data on the disk."""
        self.stop()
        self._start()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", str(self._script)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--server.port", str(self._port)],
                cwd=self.cache,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.stop()
        pytest.fail(f"the server did not start:\n{self.log.read_text()}")


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, stored: Stored) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"), stored)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def boards(tmp_path_factory: pytest.TempPathFactory, stored: Stored) -> Iterator[Server]:
    """Serves a switchboard of any size."""
    script = Path(__file__).parent / "board_app.py"
    running = Server(tmp_path_factory.mktemp("boards"), stored, script)
    yield running
    running.stop()


@pytest.fixture
def parted(tmp_path: Path, stored: Stored) -> Iterator[Server]:
    """Serves pages whose parts draw themselves all the time."""
    running = Server(tmp_path, stored, Path(__file__).parent / "parts_app.py")
    yield running
    running.stop()


@pytest.fixture
def cold(tmp_path: Path, stored: Stored) -> Iterator[Server]:
    """A server of one's own, whose first visit is the test's."""
    running = Server(tmp_path, stored)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def dark(chromium: Browser) -> Iterator[Page]:
    """A page in the dark theme."""
    yield from _page(chromium, color_scheme="dark")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    yield from _page(chromium)


def _page(chromium: Browser, **how: Any) -> Iterator[Page]:
    """A page of a browser of its own; the test fails if it has asked anybody else than our server for anything."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, **how)
    context.set_default_timeout(ANSWERS_WITHIN)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: asked.append(socket.url))
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(OUR_OWN)] == []
