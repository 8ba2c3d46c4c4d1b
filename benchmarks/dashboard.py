"""A dashboard of one's own, with nobody's plans in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen


@contextmanager
def dashboard() -> Iterator[str]:
    """Start the dashboard with the built-in model on a free port and give its address; stopped afterwards."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "analysis.cli", "--headless", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            command, env={**os.environ, "HEADCOUNT_DATA": folder}, stdout=subprocess.DEVNULL
        )
        try:
            _wait(f"http://localhost:{port}/_stcore/health")
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait()


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            urlopen(address, timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the dashboard did not start")
