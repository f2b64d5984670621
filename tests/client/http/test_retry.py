"""What is tried again, when, and what stays the same over the attempts."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue import (
    APIError,
    CertificateError,
    Client,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    DeadlineExceeded,
    DecodingError,
    HTTPStatusError,
    NetworkError,
    ProtocolError,
    RateLimitError,
    Request,
    RequestTimeout,
    Response,
    RetryBudget,
    RetryPolicy,
    ServerError,
)
from duologue.http.retry import parse_retry_after
from tests.client.fakes import SESSION, USER, FakeClock, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_retried_status(talk: Talk, status: int) -> None:
    api, net = talk(reply(status, {"message": "busy"}), reply(200, USER))
    assert api.users.get("1").id == "1"
    assert len(net.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 501, 505])
def test_final_status(talk: Talk, status: int) -> None:
    api, net = talk(reply(status, {"message": "no"}))
    with pytest.raises(APIError) as caught:
        api.users.get("1")
    assert caught.value.status == status
    assert len(net.requests) == 1


@pytest.mark.parametrize("failure", [ConnectError(), ConnectTimeout(), ConnectionLostError(), RequestTimeout()])
def test_retried_failure(talk: Talk, failure: APIError) -> None:
    api, net = talk(failure, reply(201, USER))
    assert api.users.create(name="John Doe", email="john@example.com").id == "1"
    assert len(net.requests) == 2


@pytest.mark.parametrize("failure", [ProtocolError(), DecodingError()])
def test_final_failure(talk: Talk, failure: APIError) -> None:
    api, net = talk(failure)
    with pytest.raises(type(failure)):
        api.users.get("1")
    assert len(net.requests) == 1


def test_attempts_of_one_call(talk: Talk) -> None:
    """Reference code, idempotency key and body stay the same; the attempts are numbered."""
    api, net = talk(ConnectionLostError(), reply(503, None), reply(201, USER))
    api.users.create(name="John Doe", email="john@example.com")
    assert len({request.headers["Unique-Reference-Code"] for request in net.requests}) == 1
    assert len({request.headers["Idempotency-Key"] for request in net.requests}) == 1
    assert [request.headers["X-Attempt"] for request in net.requests] == ["1", "2", "3"]
    assert len({request.body for request in net.requests}) == 1


def test_ids_of_two_calls(talk: Talk) -> None:
    api, net = talk(reply(201, USER))
    api.users.create(name="John Doe", email="john@example.com")
    api.users.create(name="John Doe", email="john@example.com")
    first, second = net.requests
    assert first.headers["Unique-Reference-Code"] != second.headers["Unique-Reference-Code"]
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


def test_max_retries(talk: Talk) -> None:
    api, net = talk(reply(503, {"message": "Down for today", "code": "SERVER_ERROR"}), max_retries=2)
    with pytest.raises(ServerError, match="Down for today") as caught:
        api.users.get("1")
    assert len(net.requests) == 3
    assert [attempt.outcome for attempt in caught.value.attempts] == ["503"] * 3
    assert [attempt.number for attempt in caught.value.attempts] == [1, 2, 3]


def test_max_retries_per_service(talk: Talk) -> None:
    api, net = talk(lambda _: reply(503), environment="production", api_key="k")
    with pytest.raises(ServerError):
        api.users.get("1")
    assert len(net.requests) == 2  # production: one retry
    with pytest.raises(ServerError):
        api.chats.get("1")
    assert len(net.requests) == 2 + 4  # the chat service: three


def test_no_retries(talk: Talk, clock: FakeClock) -> None:
    api, net = talk(ConnectError(), max_retries=0)
    with pytest.raises(ConnectError):
        api.users.get("1")
    assert len(net.requests) == 1
    assert clock.slept == []


def test_backoff(talk: Talk, clock: FakeClock) -> None:
    api, _ = talk(reply(503), max_retries=7, retry_delay=1)
    with pytest.raises(ServerError) as caught:
        api.users.get("1")
    assert len(clock.slept) == 7
    for slept, full in zip(clock.slept, [1, 2, 4, 8, 16, 30, 30], strict=True):
        assert full / 2 <= slept <= full
    assert [attempt.waited for attempt in caught.value.attempts] == [0.0, *clock.slept]
    assert caught.value.elapsed == pytest.approx(sum(clock.slept), abs=1e-5)  # the clock counts microseconds


@pytest.mark.parametrize(("jitter", "delay"), [(0.0, 4.0), (0.5, 3.0), (1.0, 2.0)])
def test_jitter(jitter: float, delay: float) -> None:
    """Up to a half of a delay is left to chance."""
    policy = RetryPolicy(5, delay=1, jitter=lambda: jitter)
    assert policy.next(ConnectionLostError(), attempt=3, method="GET") == delay


def test_last_retry() -> None:
    policy = RetryPolicy(2, delay=1, jitter=lambda: 0.0)
    assert policy.next(ServerError(status=503), attempt=2, method="GET") == 2.0
    assert policy.next(ServerError(status=503), attempt=3, method="GET") is None


def test_time_left() -> None:
    """A retry that would start after the deadline is not made, and takes no token of the budget."""
    budget = RetryBudget(1)
    policy = RetryPolicy(delay=2, jitter=lambda: 0.0, budget=budget)
    assert policy.next(ConnectError(), attempt=1, method="GET", time_left=2.0) is None
    assert budget.left == 1
    assert policy.next(ConnectError(), attempt=1, method="GET", time_left=2.1) == 2.0
    assert budget.left == 0


def test_policy_is_a_value() -> None:
    assert RetryPolicy(2, delay=0.5) == RetryPolicy(2, delay=0.5)
    assert RetryPolicy(2) != RetryPolicy(3)
    assert repr(RetryPolicy(0)).startswith("RetryPolicy(max_retries=0, delay=1.0, max_delay=30.0, statuses=frozenset(")


def test_policy_statuses() -> None:
    policy = RetryPolicy(statuses=frozenset({418}))
    assert policy.next(HTTPStatusError(status=418), attempt=1, method="GET") is not None
    assert policy.next(ServerError(status=503), attempt=1, method="GET") is None


@pytest.mark.parametrize("failure", [CertificateError(), DeadlineExceeded(), ProtocolError(), DecodingError()])
def test_policy_final_failure(failure: APIError) -> None:
    """Also where the base class, `ConnectError` or `RequestTimeout`, is retried."""
    assert RetryPolicy().next(failure, attempt=1, method="GET") is None


def test_post_without_key() -> None:
    """Only a request that is idempotent, has a key or was not sent is retried."""
    policy = RetryPolicy(3)
    assert policy.next(ConnectionLostError(), attempt=1, method="POST") is None
    assert policy.next(ConnectionLostError(), attempt=1, method="POST", has_idempotency_key=True) is not None
    assert policy.next(ConnectError(), attempt=1, method="POST") is not None  # nothing was sent
    assert policy.next(ConnectionLostError(), attempt=1, method="PUT") is not None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("0.25", 0.25),
        (" 7 ", 7.0),
        ("Mon, 01 Jan 2024 00:00:09 GMT", 9.0),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 0.0),
        ("Sun, 31 Dec 2023 23:59:59 GMT", None),
        ("-1", None),
        ("soon", None),
        ("1e3", None),
        ("inf", None),
        ("nan", None),
        ("٣", None),
        ("9" * 20, 1e20),
        ("9" * 5_000, sys.float_info.max),
        ("0." + "0" * 5_000 + "1", 0.0),
        ("Mon Jan  1 00:00:09 2024", 9.0),
        ("Monday, 01-Jan-24 00:00:09 GMT", 9.0),
        ("Mon, 01 Jan 2024 00:00:09 -0000", 9.0),
        ("Mon, 01 Jan 2024 00:00:09", 9.0),
        ("Mon, 01 Jan 2024 02:00:09 +0200", 9.0),
        ("5, 7", 7.0),
        ("7, 5", 7.0),
        ("soon, 7", 7.0),
        ("7, Mon, 01 Jan 2024 00:00:09 GMT", 9.0),
        ("Monday, 01-Jan-24 00:00:09 GMT, 12", 12.0),
        ("Mon Jan  1 00:00:09 2024, Mon, 01 Jan 2024 00:00:05 GMT", 9.0),
        ("Mon, 01 Jan 0001 00:00:00 +9999", None),
        ("1,5", None),
        ("Mon, 99 Jan 2024 00:00:09 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_parse_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=80) | st.text("0123456789:, +-GMTJan.Mo", max_size=80))
def test_any_retry_after(text: str) -> None:
    seconds = parse_retry_after(text, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


def test_retry_after(talk: Talk, clock: FakeClock) -> None:
    api, _ = talk(reply(429, None, {"Retry-After": "7.5"}), reply(503, None, {"retry-after": "120"}), reply(200, USER))
    api.users.get("1")
    assert clock.slept == [7.5, 120.0]


def test_retry_after_too_long(talk: Talk, clock: FakeClock) -> None:
    api, net = talk(reply(429, {"message": "Slow down"}, {"Retry-After": "121"}))
    with pytest.raises(RateLimitError, match="Slow down") as caught:
        api.users.get("1")
    assert caught.value.retry_after == 121
    assert len(net.requests) == 1
    assert clock.slept == []


def test_retried_favorite(talk: Talk) -> None:
    """A retried `toggle_favorite` sends the same value, so it never toggles twice."""
    api, net = talk(
        enveloped(SESSION),
        ConnectionLostError(),
        enveloped({**SESSION, "isFavorite": True}),
    )
    assert api.chats.toggle_favorite("test-session-1").is_favorite
    read, lost, again = net.requests
    assert read.method == "GET"
    assert lost.body == again.body == b'{"isFavorite":true}'
    assert lost.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]


def test_close_between_attempts(talk: Talk, clock: FakeClock) -> None:
    def close_and_fail(_: Request) -> Response:
        api.close()
        return reply(503)

    api: Client
    api, net = talk(close_and_fail)
    with pytest.raises(ClientClosedError) as caught:
        api.users.get("1")
    assert len(net.requests) == 1
    assert [attempt.outcome for attempt in caught.value.attempts] == ["503"]
    assert not isinstance(caught.value, NetworkError)
    with pytest.raises(ClientClosedError):
        api.users.get("1")


def test_close_while_waiting(clients: Callable[..., Client]) -> None:
    requested = threading.Event()
    errors: list[APIError] = []

    def busy(_: Request) -> Response:
        requested.set()
        return reply(503, None, {"Retry-After": "100"})

    api = clients(transport=FakeTransport(busy))

    def call() -> None:
        try:
            api.users.get("1")
        except APIError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert requested.wait(5)
    api.close()
    thread.join(5)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [ClientClosedError]
