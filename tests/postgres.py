"""A PostgreSQL server of the tests' own, on this machine only. Missing binaries are a failure, not a skip."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTS_WITHIN = 60.0
USER = "postgres"


@contextmanager
def running() -> Iterator[str]:
    """The address of an empty database, while the server runs."""
    folder = Path(tempfile.mkdtemp(prefix="headcount-postgres-"))
    who = _owner(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [_binary("initdb"), "-U", USER, "-A", "trust", "-N", "-D", str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, user=who, cwd=folder)
    options = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-k", str(folder)]
    log = folder / "log"
    with log.open("w") as written:
        server = subprocess.Popen(
            [_binary("postgres"), "-D", str(folder / "data"), "-p", str(port), *options],
            stdout=written,
            stderr=subprocess.STDOUT,
            user=who,
            cwd=folder,
        )
    try:
        _wait(server, port, log)
        yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder)


def _owner(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root; another user of the machine then owns the folder."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "nobody")
    return "nobody"


def _binary(name: str) -> str:
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None
    )
    assert found, f"{name} is missing (Debian: apt-get install postgresql)"
    return found


def _wait(server: subprocess.Popen, port: int, log: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and server.poll() is None:
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"PostgreSQL did not start on port {port}:\n{log.read_text()}")
