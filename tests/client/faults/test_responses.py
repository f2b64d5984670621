"""Responses that are cut off, slow, not HTTP or not JSON."""

from __future__ import annotations

import codecs
import json
import time
from collections.abc import Callable

import pytest

from duologue import (
    Client,
    ConnectionLostError,
    DeadlineExceeded,
    DecodingError,
    NotFoundError,
    ProtocolError,
    RequestTimeout,
)
from tests.client.fakes import USER
from tests.client.faults.acts import (
    BADLY_CHUNKED,
    CUT_OFF,
    HEAD,
    NOT_HTTP,
    UNREADABLE,
    drip,
    send,
    then_silence,
)
from tests.client.faults.calls import BOTH, GOOD, Serve, To, get, get_error, is_one_call
from tests.client.servers import Act

pytestmark = pytest.mark.slow

# body cut off, reset or badly chunked midway


DAMAGED = {**CUT_OFF, **BADLY_CHUNKED}


@BOTH
@pytest.mark.parametrize("act", DAMAGED.values(), ids=DAMAGED.keys())
def test_body_cut_off(to: To, act: Act, call: Callable[[Client], object]) -> None:
    api, server = to(act, GOOD)
    call(api)
    assert len(server.received) == 2
    assert is_one_call(server.received)


@pytest.mark.parametrize("act", CUT_OFF.values(), ids=CUT_OFF.keys())
def test_body_always_cut_off(to: To, act: Act) -> None:
    api, _ = to(act, max_retries=1)
    assert len(get_error(api, get, ConnectionLostError).attempts) == 2


@pytest.mark.parametrize("act", BADLY_CHUNKED.values(), ids=BADLY_CHUNKED.keys())
def test_body_badly_chunked(to: To, act: Act) -> None:
    """It may be the connection's fault, so it is retried; a head that is not HTTP is not."""
    api, _ = to(act, max_retries=1)
    error = get_error(api, get, ProtocolError)
    assert (error.status, len(error.attempts)) == (200, 2)


def test_body_stops(to: To) -> None:
    api, server = to(then_silence(HEAD + b"Content-Length: 99\r\n\r\n{"), GOOD, timeout=0.1)
    get(api)
    assert len(server.received) == 2


# a byte every 0.4 s under a read timeout of 0.5 s


DRIPS: dict[str, Act] = {
    "body": drip(HEAD + b"Content-Length: 1000\r\n\r\n", [b" "] * 1000, 0.04),
    "chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", [b"1\r\n \r\n"] * 1000, 0.04),
    "a body without end": drip(HEAD + b"\r\n", [b" "] * 1000, 0.04),
    "headers": drip(b"HTTP/1.1 200 OK\r\nX: ", [b"y"] * 1000, 0.04),
    "first line": drip(b"HTT", [b"P"] * 1000, 0.04),
    "interim responses": drip(b"", [b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000, 0.04),
}


@pytest.mark.parametrize("act", DRIPS.values(), ids=DRIPS.keys())
def test_slow_server(serve: Serve, act: Act) -> None:
    with Client(base_url=serve(act).origin, timeout=0.5, deadline=0.6) as api:
        started = time.monotonic()
        error = get_error(api, get, DeadlineExceeded)
        assert time.monotonic() - started < 15  # the whole would take 40
    assert isinstance(error, RequestTimeout)
    assert len(error.attempts) == 1


# not HTTP at all, headers without end


@BOTH
@pytest.mark.parametrize("act", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_not_http(to: To, act: Act, call: Callable[[Client], object]) -> None:
    api, server = to(act)
    assert len(get_error(api, call, ProtocolError).attempts) == 1
    assert len(server.received) == 1


# 200 with HTML, empty, invalid UTF-8, absurd nesting


@BOTH
@pytest.mark.parametrize("act", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_not_json(to: To, act: Act, call: Callable[[Client], object]) -> None:
    api, server = to(act)
    error = get_error(api, call, DecodingError)
    assert len(server.received) == 1
    assert len(str(error)) < 700
    assert len(error.details.get("excerpt", "")) <= 200


def test_excerpt(to: To) -> None:
    api, _ = to(UNREADABLE["HTML"])
    assert get_error(api, get, DecodingError).details["excerpt"] == "<!doctype html><title>Welcome</title>"


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        HEAD + b"Content-Type: application/json; charset=utf-8\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Type: application/json\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ],
)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_sloppy_servers(to: To, head: bytes, mark: bytes) -> None:
    """A byte order mark before the JSON, and a `Content-Type` sent twice, do no harm."""
    body = mark + json.dumps(USER).encode()
    api, _ = to(send(head + b"Content-Length: %d\r\n" % len(body) * 2 + b"\r\n" + body))
    raw = api.users.with_raw_response.get("1")
    assert raw.parsed.id == raw.data["id"] == "1"
    body = mark + b'{"message": "Not here"}'
    api, _ = to(send(head.replace(b"200", b"404") + b"Content-Length: %d\r\n\r\n" % len(body) + body))
    assert get_error(api, get, NotFoundError).message == "Not here"
