"""Rate limits: requests a minute of each caller, counted in fixed windows."""

from __future__ import annotations

import math

from duologue.contract import headers
from duologue_mock.errors import HTTPError
from duologue_mock.store.clock import Clock

WINDOW = 60.0
"""Seconds of a window."""
_MAX_CALLERS = 8192
"""Beyond this many callers in one minute, the oldest window is forgotten rather than memory grow."""


class RateLimiter:
    """Counts requests by caller.

    Args:
        limit: requests a minute; None for no limit, and no headers about it.
        clock: the time of the windows.
    """

    def __init__(self, limit: int | None, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, list[float]] = {}

    def reset(self, limit: int | None) -> None:
        """Count anew, with a limit that may be another."""
        self._limit = limit
        self._windows.clear()

    def count(self, caller: str) -> list[tuple[str, str]]:
        """Count one request, and return the headers that say how many are left.

        Raises:
            HTTPError: the caller is over the limit (429).
        """
        limit = self._limit
        if limit is None:
            return []
        now = self._clock.seconds()
        window = self._windows.get(caller)
        if window is None or not 0 <= now - window[0] < WINDOW:
            window = self._open_window(caller, now)
        window[1] += 1
        reset = str(max(1, math.ceil(window[0] + WINDOW - now)))
        remaining = limit - int(window[1])
        rate_headers = [
            (headers.RATE_LIMIT, str(limit)),
            (headers.RATE_REMAINING, str(max(0, remaining))),
            (headers.RATE_RESET, reset),
        ]
        if remaining < 0:
            hint = f"{limit} requests a minute are allowed; wait {reset} s."
            raise HTTPError(429, "Too many requests", hint=hint, headers=[*rate_headers, (headers.RETRY_AFTER, reset)])
        return rate_headers

    def _open_window(self, caller: str, now: float) -> list[float]:
        """Open a window. The windows are in the order of their start, so the expired ones come first."""
        windows = self._windows
        windows.pop(caller, None)
        while windows:
            oldest = next(iter(windows))
            if len(windows) < _MAX_CALLERS and 0 <= now - windows[oldest][0] < WINDOW:
                break
            del windows[oldest]
        window = windows[caller] = [now, 0]
        return window
