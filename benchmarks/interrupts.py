"""Ctrl-C, `kill` and a closed terminal all end a run the same way: after every process it started has been ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_holds = 0
_arrived = False


def install() -> None:
    """Make the signals that ask a program to stop raise KeyboardInterrupt, so that `finally` blocks run."""
    for number in _SIGNALS:
        signal.signal(number, _on_signal)


@contextmanager
def hold() -> Iterator[None]:
    """Put an interrupt off until the block is over.

    For the moments in which it would leak a process: between starting one and remembering it, and while ending it.
    """
    global _holds
    _holds += 1
    try:
        yield
    finally:
        _holds -= 1
    if _arrived and not _holds:
        _interrupt()


def _on_signal(number: int, frame: FrameType | None) -> None:
    global _arrived
    _arrived = True
    if not _holds:
        _interrupt()


def _interrupt() -> None:
    global _arrived
    _arrived = False
    for number in _SIGNALS:
        signal.signal(
            number, signal.SIG_IGN
        )  # an impatient second Ctrl-C would break off the tidying up, which is short
    raise KeyboardInterrupt
