"""Whether a failed exchange is tried again, and when.

`RetryPolicy.next` is the whole policy, a sentence for each decision. It serves two loops: the client's own, in
`caller`, and urllib3's, when a `RetryAdapter` is mounted on an ordinary `requests.Session`.
"""

from __future__ import annotations

import random
import re
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

import urllib3
from urllib3.exceptions import MaxRetryError, ResponseError
from urllib3.util import Retry

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
    RequestTimeout,
    error_class,
)
from duologue.http.error_mapping import map_exception

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""What a server says when the same request may fare better later."""

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class RetryBudget:
    """How many retries a client may make while they do not help, so that a dead server is not hit four times as hard.

    A token bucket after the AWS SDKs' "standard" retry mode: a retry takes a token; a call that succeeds gives back
    what it took, and a little more. When the bucket is empty, the first failure of a call is its last.

    Args:
        size: tokens in a full bucket.
    """

    GIVEN_BACK = 0.2
    """What a success puts in beyond what its call took."""

    def __init__(self, size: int = defaults.RETRY_BUDGET) -> None:
        self.size = size
        self._left = float(size)
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")

    @property
    def left(self) -> float:
        """How many tokens there are."""
        return self._left

    def take(self) -> bool:
        """Take a token for a retry; False if there is none."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def refund(self, taken: int) -> None:
        """Note a success that needed some retries."""
        if taken or self._left < self.size:
            with self._lock:
                self._left = min(self.size, self._left + taken + self.GIVEN_BACK)

    def __repr__(self) -> str:
        return f"<RetryBudget {self._left:g} of {self.size}>"


class RetryPolicy(Retry):
    """urllib3's retry bookkeeping with our rules: which failures, which requests, how long to wait.

    It differs from urllib3's own rules where those lose requests or time: a `POST` that carries an idempotency key
    is repeated; the first repetition waits too; waiting times are spread, so that clients that failed together do
    not come back together; a `Retry-After` that nobody can mean is ignored, one that is too long ends the trying; what
    is not HTTP, or has a bad certificate, is not asked again; and the last answer is kept.

    Args:
        total: how many repetitions at most.
        backoff_factor: seconds before the first repetition; each further wait doubles.
        budget: what limits the repetitions of many calls together, None for nothing.
        has_idempotency_key: whether the request carries an idempotency key; a `RetryAdapter` sees that for itself.
        spread: returns a number from 0 to 1; a seam for tests.
        options: urllib3's others, as `allowed_methods`, `status_forcelist`, `backoff_max`.
    """

    def __init__(
        self,
        total: int = 3,
        *,
        backoff_factor: float = defaults.RETRY_DELAY,
        budget: RetryBudget | None = None,
        has_idempotency_key: bool = False,
        spread: Callable[[], float] = random.random,
        **options: Any,
    ) -> None:
        options.setdefault("status_forcelist", RETRIED_STATUSES)
        options.setdefault("backoff_max", defaults.MAX_RETRY_DELAY)
        options.setdefault("raise_on_status", False)
        super().__init__(total, backoff_factor=backoff_factor, **options)
        self.budget = budget
        self.has_idempotency_key = has_idempotency_key
        self.spread = spread

    def new(self, **options: Any) -> RetryPolicy:
        """Return a copy with changes; urllib3 calls it for each step."""
        return super().new(
            **{"budget": self.budget, "has_idempotency_key": self.has_idempotency_key, "spread": self.spread, **options}
        )

    def next(
        self, failure: APIError, *, method: str, has_idempotency_key: bool = False, left: float | None = None
    ) -> RetryPolicy | None:
        """Return the policy with which to try again, None to give up.

        Args:
            failure: what came of the last try.
            method: the request's verb.
            has_idempotency_key: whether the request carries an idempotency key.
            left: seconds until the call's deadline, None if it has none.
        """
        if not self.total:
            return None  # the retries are spent
        if not self._may_pass(failure, has_idempotency_key):
            return None  # the same request would fare the same
        if not (has_idempotency_key or self._is_harmless(failure, method)):
            return None  # it might be done twice
        if failure.retry_after is not None and failure.retry_after > defaults.MAX_RETRY_AFTER:
            return None  # nobody waits that long
        further = super().increment(method, failure.path)
        assert isinstance(further, RetryPolicy)
        further.pause = further.delay(failure)
        if left is not None and further.pause >= left:
            return None  # there would be no time left to ask
        if self.budget and not self.budget.take():
            return None  # retries have not helped anybody lately
        return further

    pause: float = 0.0
    """The seconds to wait before the try that this policy was returned for."""

    def delay(self, failure: APIError) -> float:
        """Return the seconds to wait before the next try: what the server asked for, else our own backoff."""
        return self.get_backoff_time() if failure.retry_after is None else failure.retry_after

    def get_backoff_time(self) -> float:
        """Return a wait that doubles with each try, at most `backoff_max`, of which up to a half is left to chance."""
        full = min(self.backoff_factor * 2.0 ** (len(self.history) - 1), self.backoff_max)
        return full * (1 - self.spread() / 2)

    def _may_pass(self, failure: APIError, has_idempotency_key: bool) -> bool:
        """Whether the failure is of a kind that passes. A busy server's does, a wrong request's or garbage does not."""
        if isinstance(failure, HTTPStatusError):
            return failure.status in self.status_forcelist or (has_idempotency_key and _in_progress(failure))
        if isinstance(failure, (CertificateError, DeadlineExceeded)):
            return False
        return isinstance(failure, (ConnectError, ConnectionLostError, RequestTimeout))

    def _is_harmless(self, failure: APIError, method: str) -> bool:
        """Whether repeating can do no harm: nothing was sent, or doing it twice is doing it once."""
        return isinstance(failure, ConnectError) or method in (self.allowed_methods or ())

    # What urllib3's own loop asks. It has no word for "give up" but an exception.

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Tell urllib3 whether a status is worth a thought; `increment` then decides."""
        return bool(self.total) and status_code in self.status_forcelist

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: TracebackType | None = None,
    ) -> RetryPolicy:
        """Return the policy with which urllib3 tries again, or raise what ends its trying."""
        failure = _failed_with(response) if response is not None else map_exception(error or OSError())
        further = self.next(failure, method=method or "", has_idempotency_key=self.has_idempotency_key)
        if further is not None:
            return further
        reason = error or ResponseError(ResponseError.SPECIFIC_ERROR.format(status_code=failure.status))
        raise MaxRetryError(_pool, url or "", reason).with_traceback(_stacktrace or sys.exc_info()[2])

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        """Wait before urllib3's next try."""
        time.sleep(self.pause)


def _failed_with(response: urllib3.BaseHTTPResponse) -> APIError:
    """Return the failure that the head of an answer tells of."""
    wait = retry_after_seconds(response.headers.get(headers.RETRY_AFTER), datetime.now(UTC))
    return error_class(response.status)(status=response.status, retry_after=wait)


def _in_progress(failure: HTTPStatusError) -> bool:
    """Whether a 409 only says that the first request with our idempotency key is still being answered."""
    fields = failure.details.get("fields")
    told = fields.get(headers.IDEMPOTENCY_KEY) if isinstance(fields, dict) else None
    return isinstance(failure, ConflictError) and told is not None and "in progress" in str(told).lower()


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait, None if it asks nothing that can be meant.

    Args:
        value: the header: seconds, fractions allowed, or an HTTP date.
        now: the time, for a date; a date that is over asks for no wait.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        wait = (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return wait if wait >= 0 else None
