"""Whether a failed exchange is tried again, and when."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from urllib3.util import Retry

from duologue import defaults
from duologue.errors import ApiException, ConnectionFailed, ConnectionLost, RequestTimedOut, StatusError

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""What a server says when the same request may fare better later."""

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class RetryPolicy(Retry):
    """urllib3's retry bookkeeping with our rules: which failures, which requests, how long to wait.

    It differs from urllib3's own rules where those lose requests or time: a `POST` that carries an idempotency key
    is repeated; the first repetition waits too; waiting times are spread, so that clients that failed together do
    not come back together; a `Retry-After` that nobody can mean is ignored.

    Args:
        total: how many repetitions at most.
        backoff_factor: seconds before the first repetition; each further wait doubles.
        spread: returns a number from 0 to 1; a seam for tests.
    """

    def __init__(
        self,
        total: int = 3,
        *,
        backoff_factor: float = defaults.RETRY_DELAY,
        spread: Callable[[], float] = random.random,
        **options: Any,
    ) -> None:
        options.setdefault("status_forcelist", RETRIED_STATUSES)
        options.setdefault("backoff_max", defaults.MAX_RETRY_DELAY)
        super().__init__(total, backoff_factor=backoff_factor, **options)
        self.spread = spread

    def new(self, **options: Any) -> RetryPolicy:
        """Return a copy with changes; urllib3 calls it for each step."""
        return super().new(spread=self.spread, **options)

    def after(self, error: ApiException, *, method: str, keyed: bool) -> RetryPolicy | None:
        """Return the policy with which to try again, None to give up.

        Args:
            error: what came of the last try.
            method: the request's verb.
            keyed: whether the request carries an idempotency key.
        """
        if not self.total:
            return None
        if not self._may_pass(error):
            return None
        if not (keyed or self._is_harmless(error, method)):
            return None
        if error.retry_after is not None and error.retry_after > defaults.MAX_RETRY_AFTER:
            return None
        return self.increment(method, error.path)

    def delay(self, error: ApiException) -> float:
        """Return the seconds to wait before the next try: what the server asked for, else our own backoff."""
        return self.get_backoff_time() if error.retry_after is None else error.retry_after

    def get_backoff_time(self) -> float:
        """Return a wait that doubles with each try, at most `backoff_max`, of which up to a half is left to chance."""
        full = min(self.backoff_factor * 2.0 ** (len(self.history) - 1), self.backoff_max)
        return full * (1 - self.spread() / 2)

    def _may_pass(self, error: ApiException) -> bool:
        """Whether the failure is of a kind that passes. A busy server's does, a wrong request's or garbage does not."""
        if isinstance(error, StatusError):
            return error.status in self.status_forcelist
        return isinstance(error, (ConnectionFailed, ConnectionLost, RequestTimedOut))

    def _is_harmless(self, error: ApiException, method: str) -> bool:
        """Whether repeating can do no harm: nothing was sent, or doing it twice is doing it once."""
        return isinstance(error, ConnectionFailed) or method in (self.allowed_methods or ())


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait, None if it asks nothing that can be meant.

    Args:
        value: the header: seconds, fractions allowed, or an HTTP date.
        now: the time, for a date; a date that is over is ignored.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        wait = (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return wait if wait >= 0 else None
