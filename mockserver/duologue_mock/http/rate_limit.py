"""Rate limits: so many requests a minute for each caller, counted in fixed windows."""

from __future__ import annotations

import math

from duologue.contract import headers
from duologue_mock.errors import HTTPError
from duologue_mock.store.clock import Clock

WINDOW = 60.0
_MOST = 8192
"""Beyond this many callers in one minute, the oldest window is forgotten rather than memory grow."""


class RateLimiter:
    """Counts requests by caller.

    Args:
        limit: requests a minute; None for no limit and no headers about it.
        clock: the time the windows obey.
    """

    def __init__(self, limit: int | None, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, list[float]] = {}

    def count(self, caller: str) -> list[tuple[str, str]]:
        """Count one request and return the headers that tell how many are left; refuse one too many."""
        limit = self._limit
        if limit is None:
            return []
        now = self._clock.seconds()
        window = self._windows.get(caller)
        if window is None or not 0 <= now - window[0] < WINDOW:
            window = self._open(caller, now)
        window[1] += 1
        reset = str(max(1, math.ceil(window[0] + WINDOW - now)))
        left = limit - int(window[1])
        told = [
            (headers.RATE_LIMIT, str(limit)),
            (headers.RATE_REMAINING, str(max(0, left))),
            (headers.RATE_RESET, reset),
        ]
        if left < 0:
            hint = f"{limit} requests a minute are allowed; wait {reset} s."
            raise HTTPError(429, "Too many requests", hint=hint, headers=[*told, (headers.RETRY_AFTER, reset)])
        return told

    def _open(self, caller: str, now: float) -> list[float]:
        """Begin a window. They lie in the order they began in, so that the ended ones are at the front."""
        windows = self._windows
        windows.pop(caller, None)
        while windows:
            oldest = next(iter(windows))
            if len(windows) < _MOST and 0 <= now - windows[oldest][0] < WINDOW:
                break
            del windows[oldest]
        window = windows[caller] = [now, 0]
        return window
