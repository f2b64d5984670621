"""Whatever bytes come, as a body or as a whole response: a result, or an `APIError`."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from duologue import APIError, Client, Operation, Response
from duologue.contract import chats, messages, smart_chat, users
from duologue.http.response_parsing import error_from_response, parse_response
from tests.client.fakes import USER, FakeClock
from tests.client.faults.acts import CUT_OFF, NOT_HTTP, UNREADABLE
from tests.client.servers import ScriptedServer, respond, send

pytestmark = pytest.mark.slow

IN_CI = os.environ.get("CI") == "true"
CASES = 20_000 if IN_CI else 300

often = settings(max_examples=CASES, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "name", "data", "users", "x"]), inner),
    max_leaves=20,
)
STRUCTURE = st.lists(
    st.sampled_from([b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\u", b"d800", b"1", b"e9", b"-", b"\xff"])
)
BODIES = st.binary() | STRUCTURE.map(b"".join) | JSON.map(repr).map(str.encode)

HEADERS = {"content-type": "application/json"}


@often
@given(body=BODIES, status=st.integers(200, 599))
@example(body=b"[" * 100_000, status=200)
@example(body=b'{"data":' * 3_000, status=500)
@example(body=b"1" * 5_000, status=200)
def test_any_body(body: bytes, status: int) -> None:
    operations: list[Operation[Any]] = [users.GET, users.LIST, chats.GET, chats.LIST, messages.LIST, smart_chat.ASK]
    for operation in operations:
        response = Response(status, HEADERS, body)
        try:
            error = error_from_response(response, FakeClock().now(), 10_000_000)
            if error is None:
                parse_response(
                    operation,
                    Response(status, HEADERS, body),
                    max_response_size=10_000_000,
                    on_unknown_field=lambda _: None,
                )
        except APIError as failure:
            error = failure
        assert error is None or str(error)


NAMES = st.sampled_from(
    b"Content-Length|Transfer-Encoding|Content-Encoding|Content-Type|Location|Retry-After|Connection|X-Request-Id|".split(
        b"|"
    )
)
VALUES = st.binary(max_size=12) | st.sampled_from(
    b"0|2|-1|5, 5|5, 6|99999999999999999999|chunked|Chunked, gzip|gzip|deflate|identity|application/json|/|//".split(
        b"|"
    )
    + b"http://[|close|1e9|multipart/mixed; boundary=x|text/event-stream".split(b"|")
)
STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/1.1 100 Continue", b"HTTP/1.1 204 No", b"HTTP/1.1 302 X"]
)
CHUNKS = st.lists(
    st.sampled_from([b"0", b"2", b"-1", b"-2", b"ff", b"2;x=y", b"\r\n", b"{}", b"[]", b" ", b"\r\n\r\n"])
).map(b"".join)
PAYLOADS = st.binary(max_size=40) | CHUNKS | BODIES.map(gzip.compress) | st.just(b"{}")
SHAPED = st.builds(
    lambda status, headers, body: (
        status + b"\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body
    ),
    STATUS | st.binary(max_size=20),
    st.lists(st.tuples(NAMES, VALUES), max_size=5),
    PAYLOADS,
)


def check_error(error: APIError) -> None:
    """What every error can do, whatever it came from."""
    assert str(error)
    assert repr(error)
    assert error.attempts


def test_any_response() -> None:
    server = ScriptedServer()
    api = Client(base_url=server.origin, chat_base_url=server.origin, max_retries=0, timeout=0.5, retry_budget=None)

    @settings(often, max_examples=CASES // 4)  # each is two calls over sockets
    @given(raw=st.binary() | SHAPED)
    def check(raw: bytes) -> None:
        server.script[:] = [send(raw)]
        server.received.clear()
        with suppress_errors():
            api.users.get("1")
        with suppress_errors(), api.smart_chat.stream("1", message="m") as reply:
            reply.read()

    with server, api:
        check()


@contextmanager
def suppress_errors() -> Iterator[None]:
    try:
        yield
    except APIError as error:
        check_error(error)


def test_every_fault() -> None:
    """One client sees them all, and still works afterwards."""
    server = ScriptedServer()
    with server, Client(base_url=server.origin, max_retries=0, timeout=5) as api:
        for act in (*CUT_OFF.values(), *NOT_HTTP.values(), *UNREADABLE.values()):
            server.script[:] = [act]
            server.received.clear()
            with suppress_errors():
                api.users.get("1")
            with suppress_errors():
                api.users.create(name="a", email="a@example.com")
        server.script[:] = [respond(200, USER)]
        assert api.users.get("1").id == "1"
