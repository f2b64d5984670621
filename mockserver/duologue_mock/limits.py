"""Rate limits: so many requests a minute for each caller, counted in fixed windows."""

from __future__ import annotations

from duologue.contract import headers
from duologue_mock.clock import Clock
from duologue_mock.refusal import Refusal

WINDOW = 60.0
_MANY = 4096


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
        reset = str(max(1, round(window[0] + WINDOW - now)))
        left = limit - int(window[1])
        told = [
            (headers.RATE_LIMIT, str(limit)),
            (headers.RATE_REMAINING, str(max(0, left))),
            (headers.RATE_RESET, reset),
        ]
        if left < 0:
            hint = f"{limit} requests a minute are allowed; wait {reset} s."
            raise Refusal(429, "Too many requests", hint=hint, headers=[*told, (headers.RETRY_AFTER, reset)])
        return told

    def _open(self, caller: str, now: float) -> list[float]:
        if len(self._windows) >= _MANY:
            self._windows = {name: one for name, one in self._windows.items() if 0 <= now - one[0] < WINDOW}
            while len(self._windows) >= 2 * _MANY:  # all of them live: forget the oldest rather than grow
                del self._windows[next(iter(self._windows))]
        window = self._windows[caller] = [now, 0]
        return window
