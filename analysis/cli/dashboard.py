"""Start the dashboard in this process, and the slow imports beside it."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import sys
import threading
import time
import webbrowser
from pathlib import Path
from urllib.parse import urlencode

from analysis.errors import PlaceError

FIRST_PORT = 8501
"""Streamlit's usual port; the next free one is taken when it is in use."""
PORTS = 100
"""How many ports are tried."""


def start(*, port: int | None, host: str, browser: bool, model: str, data: str) -> None:
    """Print the address, then serve the dashboard until it is stopped.

    The address is printed before anything slow is imported. Then come the server and what the first page is
    drawn with; while a browser opens that page, a thread imports PyTorch and loads the model.

    Raises:
        PlaceError: the port is in use, or the host is not an address of this machine.
    """
    chosen = _free_port(host, port)
    address = address_of(host, chosen, model, data)
    print(f"Headcount is at {address} (Ctrl-C stops it)", flush=True)
    # Importing makes a million objects that stay: collecting garbage among them takes a sixth of the time.
    gc.disable()
    _import_what_draws()
    threading.Thread(target=_warm_up, args=(model, data), daemon=True).start()
    if browser and _has_screen():
        threading.Thread(target=_open_browser, args=(host, chosen, address), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        _serve(host, chosen)
    # A thread may be inside PyTorch, which aborts the process when the interpreter ends under it.
    sys.stdout.flush()
    os._exit(0)


def address_of(host: str, port: int, model: str, data: str) -> str:
    """The link of the dashboard; it names model and data where they are not the built-in ones."""
    wanted = {"model": model, "data": data}
    query = urlencode({name: spec for name, spec in wanted.items() if spec != "demo"})
    shown = "localhost" if host in ("", "0.0.0.0", "::") else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/{'?' if query else ''}{query}"


def app_path() -> Path:
    """The dashboard's script: inside an installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_app" / "app.py"
    return installed if installed.exists() else package.parent / "app.py"


def _free_port(host: str, port: int | None) -> int:
    wanted = range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else (port,)
    for candidate in wanted:
        if _is_free(host, candidate):
            return candidate
    if port is None:
        raise PlaceError(f"no port from {wanted[0]} to {wanted[-1]} is free; name one with --port")
    raise PlaceError(
        f"port {port} is in use or not allowed; name another, or none to find a free one"
    )


def _is_free(host: str, port: int) -> bool:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise PlaceError(f"{host!r} is not an address of this machine; use localhost") from error
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError:
            return False
    return True


def _import_what_draws() -> None:
    """Import the server and the first page, which PyTorch's import, at the same lock, would make wait."""
    import analysis.ui.early
    import analysis.ui.frame  # noqa: F401


def _warm_up(model: str, data: str) -> None:
    """Load what the first page will ask for, into the place where it will look."""
    from analysis.ui.resources import Source
    from analysis.ui.work import open_source

    job = open_source(Source(model, data), owner="start")
    while job.is_open:
        job.wait(1)
    gc.freeze()  # what has been imported need never be looked through again
    gc.enable()


def _serve(host: str, port: int) -> None:
    from streamlit.web import cli

    flags = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",
        "logger.level": "warning",
        # A changed file would make Streamlit drop modules that another thread is importing.
        "server.fileWatcherType": "none",
    }
    pairs = [f"--{name}={value}" for name, value in flags.items()]
    cli.main(["run", str(app_path()), *pairs], prog_name="headcount", standalone_mode=False)


def _has_screen() -> bool:
    """Whether a browser could show itself; on Linux a text browser would take over the terminal."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _open_browser(host: str, port: int, address: str) -> None:
    """Open the page as soon as the server answers."""
    place = ("localhost" if host in ("", "0.0.0.0", "::") else host, port)
    for _ in range(300):
        try:
            socket.create_connection(place, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            webbrowser.open(address)
            return
