"""What is tried again, when, and what stays the same over the attempts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from duologue import (
    APIError,
    Client,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
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
def test_a_status_that_may_pass_is_tried_again(talk: Talk, status: int) -> None:
    api, net = talk(reply(status, {"message": "busy"}), reply(200, USER))
    assert api.users.get("1").id == "1"
    assert len(net.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 501, 505])
def test_a_status_that_stays_is_not_tried_again(talk: Talk, status: int) -> None:
    api, net = talk(reply(status, {"message": "no"}))
    with pytest.raises(APIError) as caught:
        api.users.get("1")
    assert caught.value.status == status
    assert len(net.requests) == 1


@pytest.mark.parametrize("failure", [ConnectError(), ConnectTimeout(), ConnectionLostError(), RequestTimeout()])
def test_a_network_failure_is_tried_again(talk: Talk, failure: APIError) -> None:
    api, net = talk(failure, reply(201, USER))
    assert api.users.create(name="John Doe", email="john@example.com").id == "1"
    assert len(net.requests) == 2


@pytest.mark.parametrize("failure", [ProtocolError(), DecodingError()])
def test_garbage_is_not_tried_again(talk: Talk, failure: APIError) -> None:
    api, net = talk(failure)
    with pytest.raises(type(failure)):
        api.users.get("1")
    assert len(net.requests) == 1


def test_one_call_keeps_its_reference_code_and_its_idempotency_key_and_counts_its_attempts(talk: Talk) -> None:
    api, net = talk(ConnectionLostError(), reply(503, None), reply(201, USER))
    api.users.create(name="John Doe", email="john@example.com")
    assert len({request.headers["Unique-Reference-Code"] for request in net.requests}) == 1
    assert len({request.headers["Idempotency-Key"] for request in net.requests}) == 1
    assert [request.headers["X-Attempt"] for request in net.requests] == ["1", "2", "3"]
    assert len({request.body for request in net.requests}) == 1


def test_two_calls_share_neither(talk: Talk) -> None:
    api, net = talk(reply(201, USER))
    api.users.create(name="John Doe", email="john@example.com")
    api.users.create(name="John Doe", email="john@example.com")
    first, second = net.requests
    assert first.headers["Unique-Reference-Code"] != second.headers["Unique-Reference-Code"]
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


def test_the_configured_number_of_retries_is_made_and_the_last_error_raised(talk: Talk) -> None:
    api, net = talk(reply(503, {"message": "Down for today", "code": "SERVER_ERROR"}), max_retries=2)
    with pytest.raises(ServerError, match="Down for today") as caught:
        api.users.get("1")
    assert len(net.requests) == 3
    assert [attempt.outcome for attempt in caught.value.attempts] == ["503"] * 3
    assert [attempt.number for attempt in caught.value.attempts] == [1, 2, 3]


def test_the_services_have_their_own_numbers(talk: Talk) -> None:
    api, net = talk(lambda _: reply(503), environment="production", api_key="k")
    with pytest.raises(ServerError):
        api.users.get("1")
    assert len(net.requests) == 2  # production: one retry
    with pytest.raises(ServerError):
        api.chats.get("1")
    assert len(net.requests) == 2 + 4  # the chat service: three


def test_no_retries_when_there_are_to_be_none(talk: Talk, clock: FakeClock) -> None:
    api, net = talk(ConnectError(), max_retries=0)
    with pytest.raises(ConnectError):
        api.users.get("1")
    assert len(net.requests) == 1
    assert clock.slept == []


def test_the_first_retry_waits_and_each_further_one_longer(talk: Talk, clock: FakeClock) -> None:
    api, _ = talk(reply(503), max_retries=7, retry_delay=1)
    with pytest.raises(ServerError) as caught:
        api.users.get("1")
    assert len(clock.slept) == 7
    for slept, full in zip(clock.slept, [1, 2, 4, 8, 16, 30, 30], strict=True):
        assert full / 2 <= slept <= full
    assert [attempt.waited for attempt in caught.value.attempts] == [0.0, *clock.slept]
    assert caught.value.elapsed == pytest.approx(sum(clock.slept))


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


def test_a_request_that_is_neither_harmless_nor_keyed_is_not_repeated() -> None:
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
        ("Sun, 31 Dec 2023 23:59:59 GMT", None),
        ("-1", None),
        ("soon", None),
        ("1e3", None),
        ("inf", None),
        ("nan", None),
        ("٣", None),
        ("9" * 400, None),
        ("Mon, 99 Jan 2024 00:00:09 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_heeded_when_it_can_be_meant(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


def test_the_servers_wish_goes_before_our_own_backoff(talk: Talk, clock: FakeClock) -> None:
    api, _ = talk(reply(429, None, {"Retry-After": "7.5"}), reply(503, None, {"retry-after": "120"}), reply(200, USER))
    api.users.get("1")
    assert clock.slept == [7.5, 120.0]


def test_a_wish_that_is_too_long_is_an_error_at_once(talk: Talk, clock: FakeClock) -> None:
    api, net = talk(reply(429, {"message": "Slow down"}, {"Retry-After": "121"}))
    with pytest.raises(RateLimitError, match="Slow down") as caught:
        api.users.get("1")
    assert caught.value.retry_after == 121
    assert len(net.requests) == 1
    assert clock.slept == []


def test_setting_a_favourite_never_toggles_twice(talk: Talk) -> None:
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


def test_a_closed_client_makes_no_further_attempt(talk: Talk, clock: FakeClock) -> None:
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


def test_closing_ends_the_wait_for_a_retry(clients: Callable[..., Client]) -> None:
    asked = threading.Event()
    errors: list[APIError] = []

    def busy(_: Request) -> Response:
        asked.set()
        return reply(503, None, {"Retry-After": "100"})

    api = clients(transport=FakeTransport(busy))

    def call() -> None:
        try:
            api.users.get("1")
        except APIError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert asked.wait(5)
    api.close()
    thread.join(5)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [ClientClosedError]
