"""Faults of the rate limit: what is counted, for whom, and what the headers say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from duologue_mock.errors import HTTPError
from duologue_mock.http import rate_limit
from duologue_mock.http.authentication import Authenticator
from duologue_mock.http.rate_limit import RateLimiter
from duologue_mock.http.wsgi import WSGIApp
from tests.conformance.planting import Fault, Plant, combine, drop_header, set_header, set_value, wrap

LIMITED = {"rate_limit": 60}


def _change_counted(change: Any) -> Plant:
    """Change the headers that a counted request gets."""

    def count(original: Any, self: RateLimiter, caller: str) -> Any:
        return change(self, original(self, caller))

    return wrap(RateLimiter, "count", count)


def _stay_full(self: RateLimiter, headers: Any) -> Any:
    return [(name, str(self._limit) if name == "RateLimit-Remaining" else value) for name, value in headers]


def _fall_by_two(self: RateLimiter, headers: Any) -> Any:
    def fall(value: str) -> str:
        assert self._limit is not None
        return str(max(0, self._limit - 2 * (self._limit - int(value))))

    return [(name, fall(value) if name == "RateLimit-Remaining" else value) for name, value in headers]


def _lag_by_one(self: RateLimiter, headers: Any) -> Any:
    return [(name, str(int(value) + 1) if name == "RateLimit-Remaining" else value) for name, value in headers]


def _count_another_limit(self: RateLimiter, headers: Any) -> Any:
    return [(name, str(int(value) + 5) if name == "RateLimit-Limit" else value) for name, value in headers]


def _grow(self: RateLimiter, headers: Any) -> Any:
    """The reset is further away with each request."""
    remaining = next((int(value) for name, value in headers if name == "RateLimit-Remaining"), 0)
    assert self._limit is not None
    later = str(min(60, 20 + self._limit - remaining))
    return [(name, later if name == "RateLimit-Reset" else value) for name, value in headers]


def _slide(original: Any, self: RateLimiter, caller: str) -> Any:
    """Each request opens the window anew: it is never over for who goes on calling."""
    headers = original(self, caller)
    if caller in self._windows:
        self._windows[caller][0] = self._clock.seconds()
    return headers


def _count_for_all(original: Any, self: RateLimiter, caller: str) -> Any:
    return original(self, "everyone")


def _count_key_only(original: Any, self: RateLimiter, caller: str) -> Any:
    return original(self, caller.partition("\0")[0])


def _allow_one_more(original: Any, self: RateLimiter, caller: str) -> Any:
    try:
        return original(self, caller)
    except HTTPError as error:
        if self._limit is not None and self._windows[caller][1] == self._limit + 1:
            return [header for header in error.headers if header[0] != "Retry-After"]
        raise


def _allow_one_less(original: Any, self: RateLimiter, caller: str) -> Any:
    headers = original(self, caller)
    if ("RateLimit-Remaining", "0") in headers:
        return original(self, caller)
    return headers


def _never_refuse(original: Any, self: RateLimiter, caller: str) -> Any:
    try:
        return original(self, caller)
    except HTTPError as error:
        return [header for header in error.headers if header[0] != "Retry-After"]


def _uncount_invalid(original: Any, self: WSGIApp, exchange: Any, *arguments: Any) -> Any:
    """A request that is refused as invalid is not counted."""
    try:
        return original(self, exchange, *arguments)
    except HTTPError as error:
        if error.status == 400 and exchange.request.principal is not None:
            exchange.namespace.rate_limiter._windows[exchange.request.principal.key][1] -= 1
        raise


def _count_by_login(original: Any, self: Authenticator, operation: Any, request: Any) -> Any:
    principal = original(self, operation, request)
    return replace(principal, key=f"{principal.key}:{principal.login_id}")


FAULTS = [
    Fault(
        "rate-limit.no-remaining",
        "rate-limit.headers",
        "`RateLimit-Remaining` is not sent.",
        drop_header("RateLimit-Remaining"),
        LIMITED,
        met_by="rate-limit.every-response",
    ),
    Fault(
        "rate-limit.remaining-stays",
        "rate-limit.counted",
        "`RateLimit-Remaining` does not fall.",
        _change_counted(_stay_full),
        LIMITED,
    ),
    Fault(
        "rate-limit.remaining-falls-by-two",
        "rate-limit.counted",
        "`RateLimit-Remaining` falls by two for each request.",
        _change_counted(_fall_by_two),
        LIMITED,
    ),
    Fault(
        "rate-limit.remaining-lags",
        "rate-limit.counted",
        "`RateLimit-Remaining` does not count the request that it comes with.",
        _change_counted(_lag_by_one),
        LIMITED,
    ),
    Fault(
        "rate-limit.other-limit",
        "rate-limit.limit",
        "`RateLimit-Limit` is another limit than the one that holds.",
        _change_counted(_count_another_limit),
        LIMITED,
    ),
    Fault(
        "rate-limit.reset-grows",
        "rate-limit.reset",
        "`RateLimit-Reset` grows with each request.",
        _change_counted(_grow),
        LIMITED,
    ),
    Fault(
        "rate-limit.reset-milliseconds",
        "rate-limit.headers",
        "`RateLimit-Reset` is in milliseconds.",
        set_header("RateLimit-Reset", lambda value: f"{value}000"),
        LIMITED,
        met_by="rate-limit.every-response",
    ),
    Fault(
        "rate-limit.reset-moment",
        "rate-limit.headers",
        "`RateLimit-Reset` is a moment in seconds since 1970.",
        set_header("RateLimit-Reset", lambda value: str(1704067200 + int(value))),
        LIMITED,
        met_by="rate-limit.every-response",
    ),
    Fault(
        "rate-limit.window-slides",
        "rate-limit.renewed",
        "Each request opens the window anew.",
        wrap(RateLimiter, "count", _slide),
        LIMITED,
    ),
    Fault(
        "rate-limit.window-longer",
        "rate-limit.renewed",
        "The limit is renewed later than `RateLimit-Reset` says.",
        combine(
            set_value(rate_limit, "WINDOW", 120.0),
            set_header("RateLimit-Reset", lambda value: str(max(1, int(value) - 60))),
            set_header("Retry-After", lambda value: str(max(1, int(value) - 60))),
        ),
        LIMITED,
    ),
    Fault(
        "rate-limit.shared",
        "rate-limit.chat-users",
        "All callers share one limit.",
        wrap(RateLimiter, "count", _count_for_all),
        LIMITED,
    ),
    Fault(
        "rate-limit.by-key",
        "rate-limit.chat-users",
        "All users of an API key share one limit.",
        wrap(RateLimiter, "count", _count_key_only),
        LIMITED,
    ),
    Fault(
        "rate-limit.by-login",
        "rate-limit.platform-users",
        "A user has a new limit with each login.",
        wrap(Authenticator, "_identify_platform", _count_by_login),
        {"rate_limit": 300},
    ),
    Fault(
        "rate-limit.one-more",
        "rate-limit.limit",
        "One request over the limit is served.",
        wrap(RateLimiter, "count", _allow_one_more),
        LIMITED,
    ),
    Fault(
        "rate-limit.one-less",
        "rate-limit.limit",
        "The last request of the limit is refused.",
        wrap(RateLimiter, "count", _allow_one_less),
        LIMITED,
    ),
    Fault(
        "rate-limit.never-refused",
        "rate-limit.limit",
        "Nothing is refused over the limit.",
        wrap(RateLimiter, "count", _never_refuse),
        LIMITED,
    ),
    Fault(
        "rate-limit.refused-not-counted",
        "rate-limit.counted",
        "Invalid requests are not counted.",
        wrap(WSGIApp, "_handle_operation", _uncount_invalid),
        LIMITED,
    ),
    Fault(
        "rate-limit.no-retry-after",
        "rate-limit.retry-after",
        "A 429 has no `Retry-After`.",
        drop_header("Retry-After", status=429),
        LIMITED,
        met_by="rate-limit.limit",
    ),
    Fault(
        "rate-limit.retry-after-milliseconds",
        "rate-limit.limit",
        "`Retry-After` is in milliseconds.",
        set_header("Retry-After", lambda value: f"{value}000"),
        LIMITED,
    ),
    Fault(
        "rate-limit.retry-after-zero",
        "rate-limit.limit",
        "`Retry-After` is 0 while the limit holds on.",
        set_header("Retry-After", lambda _: "0"),
        LIMITED,
    ),
]
