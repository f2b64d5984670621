"""One thread serves everything: giving others their turn, and waiting without holding it."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Any, Protocol

from duologue_mock.http.messages import CONNECTION_KEY

MAX_TURN = 0.01
"""Seconds of work after which others have their turn."""

Sleep = Callable[[float], None]
"""Waits a number of seconds without blocking other requests."""


class Signal(Protocol):
    """What one waits for and another sets."""

    def set(self) -> None:
        """Wake who waits, now and from now on."""

    def clear(self) -> None:
        """Let wait again from now on."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for at most so many seconds, and return whether it is set."""


def create_signal() -> Signal:
    """Return a signal that greenlets wait for without blocking others, and that any thread may set."""
    from gevent.event import Event  # an application on another server may never wait

    signal: Signal = Event()
    return signal


class Turns:
    """Long work gives others their turn in between.

    Args:
        sleep: waits a number of seconds without blocking other requests.
    """

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._since = time.perf_counter()

    def take(self) -> None:
        """Let others work if this turn has lasted long enough; call it between the pieces of the work."""
        if time.perf_counter() - self._since > MAX_TURN:
            self._sleep(0)
            self._since = time.perf_counter()


def is_connected(environ: dict[str, Any]) -> bool:
    """Return whether the client of a request is still there, as far as that can be seen."""
    connection = environ.get(CONNECTION_KEY)
    if connection is None or not hasattr(select, "poll"):
        return True
    hang_up = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)
    poll = select.poll()
    try:
        poll.register(connection[1].fileno(), hang_up)
    except (OSError, ValueError):
        return False  # the socket is closed
    return not poll.poll(0)
