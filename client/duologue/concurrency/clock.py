"""The time, and waiting: the one place where the client looks at a clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """The real clock. Tests pass their own to `Client(clock=…)`, and nothing sleeps."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that only ever grow, to measure with."""
        return time.monotonic()

    def sleep(self, seconds: float, until: threading.Event) -> None:
        """Wait for some seconds, or until an event is set."""
        until.wait(seconds)
