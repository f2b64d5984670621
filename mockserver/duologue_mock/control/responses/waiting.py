"""Waiting for a delay to pass, as long as the client waits too."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.cooperation import Sleep, is_connected

CHECK_INTERVAL = 0.1
"""Seconds after which it is looked again whether the client still waits."""


class Waiter:
    """Waits without blocking other requests.

    Args:
        sleep: waits a number of seconds without blocking other requests.
    """

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._round = 0

    def wait(self, environ: dict[str, Any], seconds: float) -> bool:
        """Wait, and return whether the client has waited too.

        Args:
            environ: of the request that waits.
            seconds: how long; infinity for as long as the client waits.
        """
        this_round = self._round
        while seconds > 0 and self._round == this_round:
            if not is_connected(environ):
                return False
            pause = min(seconds, CHECK_INTERVAL)
            self._sleep(pause)
            seconds -= pause
        return True

    def end_waiting(self) -> None:
        """Have the time over at once for those that wait at this moment, as the mock stops."""
        self._round += 1
