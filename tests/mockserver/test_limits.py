"""Rate limits: fixed windows under a clock that moves by hand, and memory that stays bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.errors import Refusal
from duologue_mock.http.rate_limit import _MOST, WINDOW, RateLimiter
from tests.mockserver.clocks import ManualClock
from tests.mockserver.refusals import refused


def test_the_headers_count_down_to_a_refusal(clock: ManualClock) -> None:
    limiter = RateLimiter(3, clock)
    told = [dict(limiter.count("ann")) for _ in range(3)]
    assert [one["RateLimit-Remaining"] for one in told] == ["2", "1", "0"]
    assert {one["RateLimit-Limit"] for one in told} == {"3"}
    assert {one["RateLimit-Reset"] for one in told} == {"60"}
    with pytest.raises(Refusal) as caught:
        limiter.count("ann")
    assert caught.value.status == 429
    assert dict(caught.value.headers) == {
        "RateLimit-Limit": "3",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "60",
        "Retry-After": "60",
    }


def test_callers_are_counted_apart(clock: ManualClock) -> None:
    limiter = RateLimiter(1, clock)
    for caller in ("ann", "bob", "", "ann\x00"):
        limiter.count(caller)
        with refused(429):
            limiter.count(caller)


def test_no_limit_says_nothing(clock: ManualClock) -> None:
    limiter = RateLimiter(None, clock)
    assert [limiter.count("ann") for _ in range(1000)] == [[]] * 1000


def test_a_window_begins_with_the_first_request_and_ends_after_a_minute(clock: ManualClock) -> None:
    limiter = RateLimiter(2, clock)
    limiter.count("ann")
    clock.advance(WINDOW - 0.001)
    limiter.count("ann")
    with refused(429):
        limiter.count("ann")
    clock.advance(0.001)
    assert dict(limiter.count("ann"))["RateLimit-Remaining"] == "1"


def test_refused_requests_do_not_lengthen_the_wait(clock: ManualClock) -> None:
    limiter = RateLimiter(1, clock)
    limiter.count("ann")
    for _ in range(59):
        clock.advance(1)
        with refused(429):
            limiter.count("ann")
    clock.advance(1)
    limiter.count("ann")


@given(st.floats(0, WINDOW - 0.001))
def test_who_waits_as_long_as_told_is_let_in(elapsed: float) -> None:
    clock = ManualClock()
    limiter = RateLimiter(1, clock)
    limiter.count("ann")
    clock.advance(elapsed)
    with pytest.raises(Refusal) as caught:
        limiter.count("ann")
    clock.advance(int(dict(caught.value.headers)["Retry-After"]))
    limiter.count("ann")


def test_a_clock_that_goes_backwards_locks_nobody_out(clock: ManualClock) -> None:
    limiter = RateLimiter(1, clock)
    limiter.count("ann")
    clock.advance(-3600)
    limiter.count("ann")


def test_memory_is_bounded_and_the_oldest_window_goes_first(clock: ManualClock) -> None:
    limiter = RateLimiter(1, clock)
    for number in range(_MOST + 100):
        limiter.count(str(number))
    assert len(limiter._windows) == _MOST
    with refused(429):
        limiter.count("100")
    limiter.count("99")


def test_a_window_begun_again_is_not_the_oldest(clock: ManualClock) -> None:
    limiter = RateLimiter(1, clock)
    limiter.count("ann")
    clock.advance(WINDOW - 1)
    limiter.count("bob")
    clock.advance(1)
    limiter.count("ann")
    for number in range(_MOST - 1):
        limiter.count(str(number))
    assert "bob" not in limiter._windows
    with refused(429):
        limiter.count("ann")


def test_callers_of_past_windows_are_forgotten(clock: ManualClock) -> None:
    limiter = RateLimiter(1, clock)
    for number in range(1000):
        limiter.count(f"early {number}")
    clock.advance(WINDOW)
    limiter.count("late")
    assert list(limiter._windows) == ["late"]
