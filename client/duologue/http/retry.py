"""Whether a failed request is retried, and when: `RetryPolicy.next` is the whole policy, a sentence for each decision.

The policy serves two loops: the client's own (`api_requestor.APIRequestor`), and urllib3's, where a `RetryAdapter` is
mounted on an ordinary `requests.Session`.
"""

from __future__ import annotations

import random
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from duologue import defaults
from duologue.concurrency import fork_safety
from duologue.contract import headers
from duologue.errors import (
    APIError,
    CertificateError,
    ConflictError,
    ConnectError,
    ConnectionLostError,
    DeadlineExceeded,
    HTTPStatusError,
    ProtocolError,
    RequestTimeout,
)

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""The statuses of a server for which the same request may succeed later."""

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
"""The methods that may be repeated (RFC 9110, section 9.2.2)."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_FIELDS = re.compile(r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, )?(?:[^,]|,(?! ))+", re.IGNORECASE)
_MAX_DATE = 64
"""Characters of the longest HTTP date, and more."""


class RetryBudget:
    """How many retries a client may make while they do not help, so that a dead server is spared four times the load.

    A token bucket after the AWS SDKs' "standard" retry mode: a retry takes a token; a call that succeeds returns those
    it took, and a little more. When the bucket is empty, the first failure of a call is final.

    Args:
        size: tokens in a full bucket.
    """

    REFUND = 0.2
    """The tokens that a success adds beyond those its call took."""

    def __init__(self, size: int = defaults.RETRY_BUDGET) -> None:
        self.size = size
        self._tokens = float(size)
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")

    @property
    def left(self) -> float:
        """How many tokens there are."""
        return self._tokens

    def take(self) -> bool:
        """Take a token for a retry; return False if there is none."""
        with self._lock:
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def refund(self, taken: int) -> None:
        """Return the tokens of a call that succeeded.

        Args:
            taken: the retries it made.
        """
        if taken or self._tokens < self.size:
            with self._lock:
                self._tokens = min(self.size, self._tokens + taken + self.REFUND)

    def __repr__(self) -> str:
        return f"<RetryBudget {self._tokens:g} of {self.size}>"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Which failures are retried, how often, and after which delay.

        policy = RetryPolicy(3, delay=0.5, budget=RetryBudget(50))
        session.mount("https://", RetryAdapter(policy))

    It differs from urllib3's `Retry` where that loses requests or time: a `POST` with an idempotency key is retried;
    the first retry waits too; delays have jitter, so that clients that failed together do not return together; an
    invalid `Retry-After` is ignored, one that is too long ends the retries; a response that is not HTTP and an invalid
    certificate are final; and the last response is kept.

    Args:
        max_retries: how many retries at most, besides the first attempt.
        delay: seconds before the first retry; the delay doubles with each further one.
        max_delay: the longest such delay, in seconds.
        statuses: the HTTP statuses that are retried.
        budget: limits the retries of many calls together; None for no limit.
        jitter: returns a number from 0 to 1: which part of the second half of a delay is left out.
    """

    max_retries: int = 3
    delay: float = defaults.RETRY_DELAY
    max_delay: float = defaults.MAX_RETRY_DELAY
    statuses: frozenset[int] = RETRIED_STATUSES
    budget: RetryBudget | None = None
    jitter: Callable[[], float] = field(default=random.random, repr=False)

    def next(
        self,
        failure: APIError,
        *,
        attempt: int,
        method: str,
        has_idempotency_key: bool = False,
        time_left: float | None = None,
    ) -> float | None:
        """Return the seconds to wait before the next attempt, None if the failure is final.

        Args:
            failure: how the last attempt failed.
            attempt: how many attempts were made, that one included.
            method: the request's HTTP method.
            has_idempotency_key: whether the request carries an idempotency key.
            time_left: seconds until the call's deadline, None if it has none.
        """
        if attempt > self.max_retries:
            return None  # all retries are used
        if not self._is_temporary(failure, has_idempotency_key):
            return None  # the same request would fail again
        if not (has_idempotency_key or isinstance(failure, ConnectError) or method in IDEMPOTENT_METHODS):
            return None  # the server might do it twice; unless the connection failed, and nothing was sent
        if failure.retry_after is not None and failure.retry_after > defaults.MAX_RETRY_AFTER:
            return None  # longer than a caller should wait
        delay = self._backoff(attempt) if failure.retry_after is None else failure.retry_after
        if time_left is not None and delay >= time_left:
            return None  # no time would be left for the attempt
        if self.budget and not self.budget.take():
            return None  # retries have not helped lately
        return delay

    def _is_temporary(self, failure: APIError, has_idempotency_key: bool) -> bool:
        """Return whether a failure may pass. A busy server's may; that of a wrong request or of garbage does not."""
        if isinstance(failure, HTTPStatusError):
            return failure.status in self.statuses or (has_idempotency_key and _is_in_progress(failure))
        if isinstance(failure, (CertificateError, DeadlineExceeded)):
            return False
        if isinstance(failure, ProtocolError):
            return (
                failure.status > 0
            )  # a body that is framed badly may be the connection's fault; a head is the server's
        return isinstance(failure, (ConnectError, ConnectionLostError, RequestTimeout))

    def _backoff(self, attempt: int) -> float:
        """Return a delay that doubles with each attempt, at most `max_delay`; up to a half of it is left to chance."""
        return min(self.delay * 2.0 ** (attempt - 1), self.max_delay) * (1 - self.jitter() / 2)


def _is_in_progress(failure: HTTPStatusError) -> bool:
    """Return whether a 409 only says that the first request with this idempotency key is still being processed."""
    fields = failure.details.get("fields")
    reason = fields.get(headers.IDEMPOTENCY_KEY) if isinstance(fields, dict) else None
    return isinstance(failure, ConflictError) and reason is not None and "in progress" in str(reason).lower()


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait, None if it is missing or invalid.

    Args:
        value: the header: seconds, fractions allowed, or an HTTP date in any of its three forms (RFC 9110, sections
            10.2.3 and 5.6.7); of several, joined by commas, the longest wait counts.
        now: the time, for a date; a date in the past is ignored.
    """
    waits = (_parse_wait(text.strip(), now) for text in _FIELDS.findall(value or ""))
    return max((wait for wait in waits if wait is not None), default=None)


def _parse_wait(text: str, now: datetime) -> float | None:
    if _SECONDS.fullmatch(text):
        return min(float(text), sys.float_info.max)  # a number too large for a float would be infinite
    if len(text) > _MAX_DATE:
        return None
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:  # as of an asctime date, or one with `-0000`: all HTTP dates are in GMT
            date = date.replace(tzinfo=UTC)
        wait = (date - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return wait if wait >= 0 else None
