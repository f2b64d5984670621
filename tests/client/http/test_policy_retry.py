"""`PolicyRetry`, which urllib3 takes for a `Retry` of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.exceptions import MaxRetryError, ProtocolError

from duologue import RetryPolicy
from duologue.http.adapter import PolicyRetry

LOST = ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))


@pytest.fixture
def retry() -> PolicyRetry:
    return PolicyRetry(2, policy=RetryPolicy(2, delay=2, jitter=lambda: 0.0))


def test_attempts_are_counted(retry: PolicyRetry) -> None:
    once = retry.increment("GET", "/x", error=LOST)
    twice = once.increment("GET", "/x", error=LOST)
    steps = [(one.total, one.delay, len(one.history)) for one in (retry, once, twice)]
    assert steps == [(2, 0.0, 0), (1, 2.0, 1), (0, 4.0, 2)]
    assert [(entry.method, entry.url) for entry in twice.history] == [("GET", "/x")] * 2
    pool = HTTPConnectionPool("localhost")
    with pytest.raises(MaxRetryError) as caught:
        twice.increment("GET", "/x", error=LOST, _pool=pool)
    assert (caught.value.reason, caught.value.url, caught.value.pool) == (LOST, "/x", pool)


def test_status_is_retried(retry: PolicyRetry) -> None:
    busy = HTTPResponse(status=503, headers={"Retry-After": "7"})
    once = retry.increment("GET", "/x", response=busy)
    assert once.delay == 7.0
    assert once.is_retry("GET", 503)
    assert not once.is_retry("GET", 404)
    twice = once.increment("GET", "/x", response=busy)
    assert not twice.is_retry("GET", 503)  # none is left, and urllib3 returns the response
    with pytest.raises(MaxRetryError) as caught:
        twice.increment("GET", "/x", response=busy)
    assert str(caught.value.reason) == "too many 503 error responses"


def test_date_of_retry_after(retry: PolicyRetry) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    again = retry.increment("GET", "/x", response=HTTPResponse(status=503, headers={"Retry-After": date}))
    assert 10 < again.delay <= 100


def test_key_of_request(retry: PolicyRetry) -> None:
    """A `POST` is retried if it has an idempotency key, more than once too."""
    assert retry.for_headers({"Accept": "*/*"}) is retry
    with pytest.raises(MaxRetryError):
        retry.increment("POST", "/x", error=LOST)
    with_key = retry.for_headers({"Idempotency-Key": "k"})
    assert with_key.increment("POST", "/x", error=LOST).increment("POST", "/x", error=LOST).total == 0


def test_policy_statuses() -> None:
    retry = PolicyRetry(2, policy=RetryPolicy(statuses=frozenset({418})))
    assert retry.is_retry("GET", 418)
    assert not retry.is_retry("GET", 503)
    assert not PolicyRetry(0, policy=retry.policy).is_retry("GET", 418)


@pytest.mark.parametrize("is_passed", [True, False])
def test_traceback_of_last_error(retry: PolicyRetry, is_passed: bool) -> None:
    """It shows where the last attempt failed, whether urllib3 passes that, or is handling the error."""

    def fail() -> None:
        raise LOST

    def attempt() -> None:
        try:
            fail()
        except ProtocolError as error:
            trace = error.__traceback__ if is_passed else None
            retry.increment("POST", "/x", error=LOST, _stacktrace=trace)

    with pytest.raises(MaxRetryError) as caught:
        attempt()
    assert caught.traceback[-1].name == "fail"


def test_address_is_unknown(retry: PolicyRetry) -> None:
    with pytest.raises(MaxRetryError) as caught:
        retry.increment("POST", error=LOST)
    assert caught.value.url == ""


def test_unknown_failure(retry: PolicyRetry) -> None:
    """urllib3 may name none: the attempt failed all the same."""
    assert retry.increment("GET").delay == 2.0
