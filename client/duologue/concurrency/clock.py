"""Time and waiting: the only place where the client reads a clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """The system clock. Tests pass their own to `Client(clock=…)`, so that nothing sleeps."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, to measure with."""
        return time.monotonic()

    def sleep(self, seconds: float, until: threading.Event) -> None:
        """Wait for a number of seconds, or until an event is set."""
        until.wait(seconds)
