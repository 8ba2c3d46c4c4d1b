"""The command line: `headcount` starts the dashboard, its commands do the same work without one.

Each command parses, makes one call into the package and prints. With `--json` the answer stands alone
on the standard output; progress and errors go to the standard error.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from analysis.cli.interrupt import deaf, listen

STOPPED = 130
"""Exit code after Ctrl-C."""


def main() -> None:
    """What the `headcount` command runs; Ctrl-C ends it with a short line, whatever it was at."""
    listen()
    if _was_stopped():
        # Work that waited between two steps ends here: it writes what it has.
        gc.collect()
        _stop()


def _was_stopped() -> bool:
    """Run the command; whether Ctrl-C ended it. What was in the middle of it is let go of on the way out."""
    try:
        from analysis.cli.commands import app

        app(prog_name="headcount")
    except KeyboardInterrupt:
        deaf()
        return True
    except SystemExit as end:
        if end.code != STOPPED:
            raise
        deaf()
        return True
    return False


def _stop() -> None:
    with contextlib.suppress(OSError):
        print("headcount: stopped", file=sys.stderr, flush=True)
        sys.stdout.flush()
    # Python ends itself by a signal once Ctrl-C has met an `exec` of text, as dataclasses do; and a
    # thread that is inside PyTorch would abort an interpreter that ends in order.
    os._exit(STOPPED)
