"""Error statuses, `Retry-After` and the retry budget."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from duologue import (
    APIError,
    Client,
    RateLimitError,
    ServerError,
)
from tests.client.fakes import SESSION, FakeClock
from tests.client.faults.acts import (
    CUT_OFF,
    reset,
    respond,
    send,
)
from tests.client.faults.calls import BOTH, GOOD, To, create, get, get_error, is_one_call
from tests.client.servers import Act

# 503 until retries are spent


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_last_response(to: To, status: int) -> None:
    numbered = [respond(status, {"message": f"Failed {n}", "code": "DOWN", "details": {"n": n}}) for n in range(4)]
    api, server = to(*numbered, max_retries=3)
    with pytest.raises(APIError, match="Failed 3") as caught:
        create(api)
    assert caught.value.status == status
    assert caught.value.details == {"n": 3}
    assert caught.value.code == "DOWN"
    assert len(server.received) == 4
    assert is_one_call(server.received)


@BOTH
@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 412, 422, 501])
def test_final_status(to: To, status: int, call: Callable[[Client], object]) -> None:
    api, server = to(respond(status, {"message": "No"}))
    with pytest.raises(APIError, match="No") as caught:
        call(api)
    assert caught.value.status == status
    assert len(server.received) == 1


IN_PROGRESS = {"message": "busy", "details": {"fields": {"Idempotency-Key": ["Still in progress; try again."]}}}


def test_key_in_progress(to: To) -> None:
    clock = FakeClock()
    api, server = to(respond(409, IN_PROGRESS, headers={"Retry-After": "1"}), GOOD, clock=clock)
    create(api)
    assert clock.slept == [1.0]
    assert is_one_call(server.received)


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        (get, IN_PROGRESS["details"]),
        (create, {"fields": {"email": ["in progress"]}}),
        (create, {"fields": {"Idempotency-Key": ["used before"]}}),
    ],
)
def test_other_conflict(to: To, call: Callable[[Client], object], fields: object) -> None:
    api, server = to(respond(409, {"message": "No", "details": fields}, headers={"Retry-After": "1"}))
    with pytest.raises(APIError, match="No"):
        call(api)
    assert len(server.received) == 1


@pytest.mark.parametrize("body", [CUT_OFF["by length"], CUT_OFF["inside a chunk, reset"]], ids=["length", "chunk"])
def test_status_with_body_cut_off(to: To, body: Act) -> None:
    def not_found(connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n{")
        return False

    api, server = to(not_found)
    with pytest.raises(APIError) as caught:
        get(api)
    assert caught.value.status == 404
    assert len(server.received) == 1


# Retry-After garbage, negative, fractional, huge, a past date


@pytest.mark.parametrize("value", ["soon", "-1", "1e3", "nan", "inf", "", "0x10", "1,5", "Mon, 99 Foo 2024"])
def test_invalid_retry_after(to: To, value: str) -> None:
    clock = FakeClock()
    api, _ = to(respond(503, headers={"Retry-After": value}), GOOD, clock=clock, retry_delay=1)
    get(api)
    (slept,) = clock.slept
    assert 0.5 <= slept <= 1


@pytest.mark.parametrize(
    ("value", "wait"),
    [("0", 0), ("3", 3), ("0.25", 0.25), ("120", 120), ("Mon, 01 Jan 2024 00:00:07 GMT", 7), (" 4 ", 4)],
)
def test_retry_after(to: To, value: str, wait: float) -> None:
    clock = FakeClock()
    api, _ = to(respond(429, headers={"Retry-After": value}), GOOD, clock=clock)
    get(api)
    assert clock.slept == [wait]


def test_retry_after_in_past(to: To) -> None:
    clock = FakeClock()
    api, _ = to(respond(503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), GOOD, clock=clock)
    get(api)
    assert 0.5 <= clock.slept[0] <= 1


@pytest.mark.parametrize(
    ("value", "deadline", "retry_after"),
    [("121", None, 121), ("21600", None, 21600), ("Mon, 01 Jan 2024 06:00:00 GMT", 300, 21600), ("30", 20, 30)],
)
def test_retry_after_too_long(to: To, value: str, deadline: float | None, retry_after: float) -> None:
    clock = FakeClock()
    api, server = to(respond(429, {"message": "Slow"}, headers={"Retry-After": value}), clock=clock, deadline=deadline)
    error = get_error(api, get, RateLimitError)
    assert error.retry_after == retry_after
    assert clock.slept == []
    assert len(server.received) == 1


# the server is down and 1,000 calls come


def test_retry_budget(to: To) -> None:
    api, server = to(respond(503, {"message": "Down"}), retry_delay=0)
    for _ in range(1_000):
        get_error(api, get, ServerError)
    assert 1_000 < len(server.received) <= 1_100


def test_budget_refund(to: To) -> None:
    api, server = to(*[respond(503), GOOD] * 200, retry_budget=1)
    for _ in range(200):
        get(api)
    assert len(server.received) == 400


def test_budget_of_view(to: To) -> None:
    api, server = to(respond(503), retry_budget=1, max_retries=5)
    get_error(api.with_options(timeout=3), get, ServerError)
    get_error(api, get, ServerError)
    assert len(server.received) == 3
    free, busy = to(respond(503), retry_budget=None, max_retries=5)
    for _ in range(20):
        get_error(free, get, ServerError)
    assert len(busy.received) == 120


# the same for the chat service


def test_chat_service(to: To) -> None:
    envelope = {"data": SESSION, "message": "", "metadata": {}}
    api, server = to(reset, send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", keep=True), respond(201, envelope))
    assert api.chats.create(title="Shopping").id == SESSION["_id"]
    assert is_one_call(server.received)


@pytest.mark.parametrize(
    "values", [(b"3", b"7"), (b"7", b"3"), (b"soon", b"7"), (b"7", b"Mon, 01 Jan 2024 00:00:03 GMT")]
)
def test_two_waits(to: To, values: tuple[bytes, bytes]) -> None:
    """Of two `Retry-After` headers the longer wait counts."""
    clock = FakeClock()
    fields = b"".join(b"Retry-After: %b\r\n" % value for value in values)
    busy = send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n" + fields + b"\r\n", keep=True)
    api, _ = to(busy, GOOD, clock=clock)
    get(api)
    assert clock.slept == [7.0]


@pytest.mark.parametrize("digits", [10, 400, 5_000, 60_000])
def test_absurd_wait(to: To, digits: int) -> None:
    """It is longer than the longest wait, so the error is raised at once."""
    clock = FakeClock()
    api, server = to(respond(429, {"message": "Slow"}, headers={"Retry-After": "9" * digits}), clock=clock)
    error = get_error(api, get, RateLimitError)
    assert error.retry_after is not None
    assert error.retry_after > 1e9
    assert (clock.slept, len(server.received)) == ([], 1)
