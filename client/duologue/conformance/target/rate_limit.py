"""How fast requests are sent: as the user says, and waiting where the server limits them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import requests

ATTEMPTS = 5
"""How often a request is sent that is over the limit."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def parse_rate(text: str) -> float:
    """Return the requests per second of `300/m`, `5/s` or `1000/h`.

    Raises:
        ValueError: it has another form.
    """
    match = re.fullmatch(r"([1-9]\d*)/([smh])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a rate as 5/s, 300/m or 1000/h.")
    return int(match[1]) / _SECONDS[match[2]]


class Pace:
    """Spaces requests out, those of all threads.

    Args:
        clock: returns seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.interval = 0.0
        """Seconds between two requests."""
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until the next request may be sent."""
        if not self.interval:
            return
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self.interval
        self._sleep(turn - now)


_PACE = Pace()
"""The pace of this process: every request to the server under test goes by it."""


def set_rate(per_second: float | None) -> None:
    """Send at most so many requests a second; None for no limit."""
    _PACE.interval = 1 / per_second if per_second else 0.0


def retry_when_limited(send: Callable[[], requests.Response]) -> requests.Response:
    """Return the response to a request; where the server limits requests, repeat it as late as it says."""
    for _ in range(ATTEMPTS):
        _PACE.wait()
        response = send()
        if not _is_over_limit(response):
            break
        time.sleep(float(response.headers.get("Retry-After", 1)))
    return response


def _is_over_limit(response: requests.Response) -> bool:
    """Whether a limit is the reason for a 429, which `GET /error` returns on request too."""
    return response.status_code == 429 and response.headers.get("RateLimit-Remaining") == "0"
