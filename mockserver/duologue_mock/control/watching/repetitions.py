"""Requests that repeat an earlier one as they should not: too early, or so that what they do may be done twice."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar

from duologue.contract.headers import RETRY_AFTER
from duologue_mock.control.journal.violation import Violation
from duologue_mock.control.watching.rules import build_violation
from duologue_mock.http.authentication import REFERENCE_CODE
from duologue_mock.http.idempotency import IDEMPOTENCY_KEY
from duologue_mock.http.messages import Request, Response
from duologue_mock.store.clock import Clock

MAX_REQUESTS = 256
"""Requests of each kind that are remembered in a namespace; of more, the oldest are forgotten."""
MEMORY = 60.0
"""Seconds after which the same request is a new one, not a retry."""
MAX_WAIT = 3600.0
"""Seconds of a `Retry-After` that are looked at."""

_TOLERANCE = 0.1
"""Seconds by which a request may come too early: timers are not exact."""
_FAILURES = frozenset({408, 500, 502, 503, 504})
_CALLER = ("REMOTE_ADDR", "HTTP_AUTHORIZATION", "HTTP_X_USER_ID")

T = TypeVar("T")


class _Wait(NamedTuple):
    since: float
    until: float
    """When the request may be sent again."""


class _Attempt(NamedTuple):
    at: float
    key: str | None
    code: str | None
    failure: str | None
    """How it failed; None if the mock knows of no failure."""


class Repetitions:
    """Finds requests that repeat earlier ones of the same caller. Only what may be repeated is remembered.

    Args:
        clock: the namespace's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.waits: OrderedDict[bytes, _Wait] = OrderedDict()
        """Until when requests should not be sent again."""
        self.attempts: OrderedDict[bytes, _Attempt] = OrderedDict()
        """Requests of which each attempt should have the same `Idempotency-Key`."""

    def find(
        self, request: Request, response: Response, headers: Sequence[tuple[str, str]], fault: str | None
    ) -> list[Violation]:
        """Return how a request breaks the contract by what came before, and remember it for what comes.

        Args:
            request: the request, after it was handled.
            response: its response.
            headers: all headers of the response.
            fault: how the response is broken; None if it is whole.
        """
        violations: list[Violation] = []
        if self.waits or response.status in (429, 503):
            violations += self._check_wait(request, headers if response.status in (429, 503) else ())
        operation = request.operation
        if operation is not None and operation.takes_idempotency_key:
            failure = f"a broken response ({fault})" if fault else str(response.status)
            violations += self._check_attempt(request, failure if fault or response.status in _FAILURES else None)
        return violations

    def clear(self) -> None:
        """Forget all requests."""
        self.waits.clear()
        self.attempts.clear()

    def _check_wait(self, request: Request, headers: Sequence[tuple[str, str]]) -> Iterator[Violation]:
        now = self._clock.seconds()
        name = _build_name(request, request.query_string.encode("latin-1"))
        wait = self.waits.pop(name, None)
        if wait is not None and wait.since <= now < wait.until - _TOLERANCE:
            missing = math.ceil((wait.until - now) * 1000)
            yield build_violation("retry-after", f"{request.method} {request.path} came {missing} ms too early.")
        seconds = next((_parse_wait(value, now) for key, value in headers if key.lower() == RETRY_AFTER.lower()), 0.0)
        if seconds > 0:
            _remember(self.waits, name, _Wait(now, now + min(seconds, MAX_WAIT)))
        for name, wait in list(self.waits.items()):
            if not wait.since <= now < wait.until:
                del self.waits[name]

    def _check_attempt(self, request: Request, failure: str | None) -> Iterator[Violation]:
        environ = request.environ
        key, code = environ.get(IDEMPOTENCY_KEY), environ.get(REFERENCE_CODE)
        if failure is None and code is None and not self.attempts:
            return
        now = self._clock.seconds()
        name = _build_name(request, request.body)
        earlier = self.attempts.pop(name, None)
        if failure is not None or code is not None:
            _remember(self.attempts, name, _Attempt(now, key, code, failure))
        if earlier is None or not 0 <= now - earlier.at < MEMORY or (key is not None and key == earlier.key):
            return
        if earlier.failure is not None:
            yield build_violation("retry-without-key", _describe(request, f"after {earlier.failure}"))
        elif code is not None and code == earlier.code:
            yield build_violation("retry-without-key", _describe(request, "under the same `Unique-Reference-Code`"))


def _describe(request: Request, circumstance: str) -> str:
    return f"{request.method} {request.path} was sent again {circumstance}, without the `Idempotency-Key` of before."


def _build_name(request: Request, content: bytes) -> bytes:
    """Return what two requests have in common that are the same: caller, method, path and content."""
    caller = [str(request.environ.get(key, "")) for key in _CALLER]
    text = "\n".join([request.method, request.path, *caller])
    return hashlib.blake2b(text.encode("utf-8", "replace") + b"\n" + content, digest_size=16).digest()


def _remember(table: OrderedDict[bytes, T], name: bytes, value: T) -> None:
    table[name] = value
    if len(table) > MAX_REQUESTS:
        table.popitem(last=False)


def _parse_wait(value: str, now: float) -> float:
    """Return the seconds of a `Retry-After` (RFC 9110, section 10.2.3); 0 if it is not valid."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
