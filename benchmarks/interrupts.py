"""Ctrl-C, `kill` and a closed terminal all end a run in the same way: after every started process has been stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_deferrals = 0
_pending = False


def install_handlers() -> None:
    """Make the signals that stop a program raise KeyboardInterrupt, so that `finally` blocks run."""
    for number in _SIGNALS:
        signal.signal(number, _handle_signal)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Defer an interrupt to the end of the block.

    For the moments at which it would leak a process: between starting and remembering one, and while stopping it.
    """
    global _deferrals
    _deferrals += 1
    try:
        yield
    finally:
        _deferrals -= 1
    if _pending and not _deferrals:
        _raise_interrupt()


def _handle_signal(number: int, frame: FrameType | None) -> None:
    global _pending
    _pending = True
    if not _deferrals:
        _raise_interrupt()


def _raise_interrupt() -> None:
    global _pending
    _pending = False
    # A second Ctrl-C would interrupt the clean-up, which is short.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
