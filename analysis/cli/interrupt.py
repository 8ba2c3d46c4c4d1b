"""Ctrl-C, remembered: libraries that it meets in an import swallow it, and fail later for lack of a part."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_pressed = threading.Event()


def listen() -> None:
    """Remember Ctrl-C from now on; it raises `KeyboardInterrupt` as before, and stays ignored where it was."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _raise)


def deaf() -> None:
    """Hear no further Ctrl-C: what ends after the first one ends in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def pressed() -> bool:
    """Whether Ctrl-C was pressed."""
    return _pressed.is_set()


def _raise(number: int, frame: FrameType | None) -> None:
    _pressed.set()
    signal.default_int_handler(number, frame)
