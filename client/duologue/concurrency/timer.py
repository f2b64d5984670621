"""What is left of the time that several waits may take together."""

from __future__ import annotations

import time


class Timer:
    """Starts when it is created.

    Args:
        seconds: how long everything may take; None for no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float | None:
        """Seconds, never less than 0; None for no limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())
