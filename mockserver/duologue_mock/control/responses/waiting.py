"""Waiting for a delay to pass, as long as the client waits too."""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping
from typing import Any

from duologue_mock.http.messages import CONNECTION_KEY

CHECK_INTERVAL = 0.1
"""Seconds after which it is looked again whether the client still waits."""

_HUNG_UP = getattr(select, "POLLRDHUP", 0) | getattr(select, "POLLHUP", 0) | getattr(select, "POLLERR", 0)


class Waiter:
    """Waits without blocking other requests.

    Args:
        sleep: waits a number of seconds without blocking other requests.
        is_stopping: whether the mock stops, or the namespace is gone.
    """

    def __init__(self, sleep: Callable[[float], None], is_stopping: Callable[[], bool]) -> None:
        self._sleep = sleep
        self._is_stopping = is_stopping

    def wait(self, environ: Mapping[str, Any], seconds: float) -> bool:
        """Wait, and return whether the client has waited too. Where the mock stops, the time is over at once.

        Args:
            environ: of the request that waits.
            seconds: how long; infinity for as long as the client waits.
        """
        while seconds > 0 and not self._is_stopping():
            if has_client_left(environ):
                return False
            pause = min(seconds, CHECK_INTERVAL)
            self._sleep(pause)
            seconds -= pause
        return True


def has_client_left(environ: Mapping[str, Any]) -> bool:
    """Return whether a client has closed its connection; False where it cannot be seen."""
    connection = environ.get(CONNECTION_KEY)
    if connection is None or not _HUNG_UP:
        return False
    file = connection[1].fileno()
    if file < 0:
        return True
    poll = select.poll()
    poll.register(file, _HUNG_UP)
    return bool(poll.poll(0))
