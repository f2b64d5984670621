"""Rate limits: fixed windows under a clock that moves by hand, and memory that stays bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.errors import HTTPError
from duologue_mock.http.rate_limit import _MAX_CALLERS, WINDOW, RateLimiter
from tests.mockserver.clocks import ManualClock
from tests.mockserver.http_errors import raises_http_error


def test_countdown(clock: ManualClock) -> None:
    """The headers count down to a 429."""
    rate_limiter = RateLimiter(3, clock)
    responses = [dict(rate_limiter.count("ann")) for _ in range(3)]
    assert [one["RateLimit-Remaining"] for one in responses] == ["2", "1", "0"]
    assert {one["RateLimit-Limit"] for one in responses} == {"3"}
    assert {one["RateLimit-Reset"] for one in responses} == {"60"}
    with pytest.raises(HTTPError) as caught:
        rate_limiter.count("ann")
    assert caught.value.status == 429
    assert dict(caught.value.headers) == {
        "RateLimit-Limit": "3",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "60",
        "Retry-After": "60",
    }


def test_callers_are_separate(clock: ManualClock) -> None:
    rate_limiter = RateLimiter(1, clock)
    for principal in ("ann", "bob", "", "ann\x00"):
        rate_limiter.count(principal)
        with raises_http_error(429):
            rate_limiter.count(principal)


def test_no_limit(clock: ManualClock) -> None:
    rate_limiter = RateLimiter(None, clock)
    assert [rate_limiter.count("ann") for _ in range(1000)] == [[]] * 1000


def test_window(clock: ManualClock) -> None:
    """It opens with a caller's first request and lasts a minute."""
    rate_limiter = RateLimiter(2, clock)
    rate_limiter.count("ann")
    clock.advance(WINDOW - 0.001)
    rate_limiter.count("ann")
    with raises_http_error(429):
        rate_limiter.count("ann")
    clock.advance(0.001)
    assert dict(rate_limiter.count("ann"))["RateLimit-Remaining"] == "1"


def test_refused_requests_do_not_extend(clock: ManualClock) -> None:
    rate_limiter = RateLimiter(1, clock)
    rate_limiter.count("ann")
    for _ in range(59):
        clock.advance(1)
        with raises_http_error(429):
            rate_limiter.count("ann")
    clock.advance(1)
    rate_limiter.count("ann")


@given(st.floats(0, WINDOW - 0.001))
def test_retry_after(elapsed: float) -> None:
    """A caller that waits for the seconds of `Retry-After` is within the limit again."""
    clock = ManualClock()
    rate_limiter = RateLimiter(1, clock)
    rate_limiter.count("ann")
    clock.advance(elapsed)
    with pytest.raises(HTTPError) as caught:
        rate_limiter.count("ann")
    clock.advance(int(dict(caught.value.headers)["Retry-After"]))
    rate_limiter.count("ann")


def test_clock_goes_backwards(clock: ManualClock) -> None:
    rate_limiter = RateLimiter(1, clock)
    rate_limiter.count("ann")
    clock.advance(-3600)
    rate_limiter.count("ann")


def test_windows_are_bounded(clock: ManualClock) -> None:
    rate_limiter = RateLimiter(1, clock)
    for number in range(_MAX_CALLERS + 100):
        rate_limiter.count(str(number))
    assert len(rate_limiter._windows) == _MAX_CALLERS
    with raises_http_error(429):
        rate_limiter.count("100")
    rate_limiter.count("99")


def test_reopened_window_is_newest(clock: ManualClock) -> None:
    rate_limiter = RateLimiter(1, clock)
    rate_limiter.count("ann")
    clock.advance(WINDOW - 1)
    rate_limiter.count("bob")
    clock.advance(1)
    rate_limiter.count("ann")
    for number in range(_MAX_CALLERS - 1):
        rate_limiter.count(str(number))
    assert "bob" not in rate_limiter._windows
    with raises_http_error(429):
        rate_limiter.count("ann")


def test_expired_windows_are_dropped(clock: ManualClock) -> None:
    rate_limiter = RateLimiter(1, clock)
    for number in range(1000):
        rate_limiter.count(f"early {number}")
    clock.advance(WINDOW)
    rate_limiter.count("late")
    assert list(rate_limiter._windows) == ["late"]
