"""The HTTP server by the bytes: keeping connections, timeouts, and what it leaves open."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_mock import MockServer, Settings
from tests.mockserver.http.lines import CHUNKED, CLOSE, CREATE, GARBAGE, HEALTH, JSON, READ_TIMEOUT
from tests.mockserver.http_errors import parse_error
from tests.mockserver.raw import RawResponse, ask, head, peer
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("check_server")]


def test_pipelining(server: MockServer) -> None:
    targets = ["/api/users/1", "/api/users/2", "/api/users/unknown", "/api/users/1"]
    with peer(server.port) as one:
        one.send(b"".join(head(f"GET {target} HTTP/1.1") for target in targets))
        responses = [one.read_response() for _ in targets]
    assert [response.status for response in responses] == [200, 200, 404, 200]
    assert [response.json.get("id") for response in responses] == ["1", "2", None, "1"]


def test_pipelining_after_body(server: MockServer) -> None:
    bad = b'{"name": 1}'
    for framed in (
        head(CREATE, JSON, f"Content-Length: {len(bad)}") + bad,
        head(CREATE, JSON, CHUNKED)
        + b"4\r\n"
        + bad[:4]
        + b"\r\n7;ext=1\r\n"
        + bad[4:]
        + b"\r\n0\r\nTrailer: x\r\n\r\n",
    ):
        with peer(server.port) as one:
            one.send(framed + head("GET /api/users/2 HTTP/1.1"))
            parse_error(one.read_response(), 400)
            assert one.read_response().json["id"] == "2"


def test_keep_alive(server: MockServer) -> None:
    with peer(server.port) as one:
        for _ in range(3):
            one.send(head(HEALTH))
            assert "connection" not in one.read_response().headers
        one.send(head(HEALTH, CLOSE))
        assert one.read_response().headers["connection"] == "close"
        assert one.is_closed()


@pytest.mark.parametrize("spelled", ["close", "Close", "keep-alive, close"])
def test_connection_close(server: MockServer, spelled: str) -> None:
    with peer(server.port) as one:
        one.send(head(HEALTH, f"Connection: {spelled}"))
        assert one.read_response().status == 200
        assert one.is_closed()


@pytest.mark.parametrize("headers", [(), ("Connection: keep-alive",)])
def test_http_1_0(server: MockServer, headers: tuple[str, ...]) -> None:
    with peer(server.port) as one:
        one.send(head("GET /api/health HTTP/1.0", *headers))
        response = one.read_response()
        assert (response.status, response.headers["connection"]) == (200, "close")
        assert "transfer-encoding" not in response.headers
        assert one.is_closed()


def test_head_request(server: MockServer) -> None:
    for target in ("/api/users", "/api/health", "/", "/openapi.json", "/nowhere"):
        got, headed = (ask(server.port, f"{method} {target} HTTP/1.1") for method in ("GET", "HEAD"))
        assert headed.status == got.status
        assert headed.body == b""
        varies = {"date", "x-request-id", "etag", "content-length"} if "health" in target else {"date", "x-request-id"}
        if got.status == 404:
            varies.add("content-length")  # the hint names other operations
        assert {**headed.headers, **dict.fromkeys(varies)} == {**got.headers, **dict.fromkeys(varies)}


def test_head_keeps_connection(server: MockServer) -> None:
    with peer(server.port) as one:
        one.send(head("HEAD /api/users HTTP/1.1") + head("GET /api/users/2 HTTP/1.1"))
        assert one.read_response(to="HEAD").headers["content-length"] != "0"
        assert one.read_response().json["id"] == "2"


@pytest.mark.parametrize("line", ["DELETE /api/users/unknown HTTP/1.1", "OPTIONS /api/users HTTP/1.1"])
def test_empty_response(server: MockServer, line: str) -> None:
    with peer(server.port) as one:
        one.send(head(line) + head("GET /api/users/2 HTTP/1.1"))
        first = one.read_response()
        if first.status == 204:
            assert {"content-length", "transfer-encoding"}.isdisjoint(first.headers)
        assert one.read_response().json["id"] == "2"


FRAGMENTS = [
    b"GET ", b"POST ", b"TRACE ", b"/api/users", b"/api/users/1", b"*", b"http://localhost/", b"?page=1", b" HTTP/1.1",
    b" HTTP/1.0", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"Host: localhost\r\n", b"Host: evil.example\r\n", b" ", b"\x00",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n",
    b"5\r\nabcde\r\n", b"Expect: 100-continue\r\n", b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n", b"{}",
    b"a" * 300, b":", b"\xff",
]  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8), max_size=14).map(b"".join))
def test_arbitrary_bytes(server: MockServer, sent: bytes) -> None:
    """Whatever is sent: a response below 500, or a closed connection."""
    with peer(server.port) as one:
        one.try_send(sent)
        one.socket.shutdown(1)
        for line in one.rest().split(b"\r\n"):
            if line.startswith(b"HTTP/1.1 "):
                assert int(line[9:12]) < 500, sent


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"G", None),
        (b"GET / HTTP/1.1\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a", None),
        (head(CREATE, JSON, "Content-Length: 50") + b"{", 408),
        (head(CREATE, JSON, CHUNKED) + b"5\r\n{", 408),
        (head(CREATE, JSON, CHUNKED) + b"5", 408),
        (head(HEALTH, "Content-Length: 50") + b"{", 408),
        (head("POST /nowhere HTTP/1.1", CHUNKED) + b"5\r\n{", 408),
        (head(CREATE, JSON, CHUNKED) + b"0\r\nX-A", 408),
    ],
    ids=[
        "a byte",
        "a line",
        "half a header",
        "a body",
        "a chunk",
        "a size",
        "a body that is not needed",
        "no such path",
        "a trailer",
    ],
)
def test_read_timeout(server: MockServer, sent: bytes, status: int | None) -> None:
    started = time.monotonic()
    with peer(server.port) as one:
        one.send(sent)
        if status is not None:
            parse_error(one.read_response(), status)
        assert one.is_closed()
    assert time.monotonic() - started >= READ_TIMEOUT * 0.9


def test_tls_on_a_port_of_http() -> None:
    """Its client waits for a response: it gets one at once, not after the read timeout."""
    with MockServer(read_timeout=3600) as patient, peer(patient.port) as one:
        one.send(GARBAGE)
        assert "not HTTPS" in parse_error(one.read_response(), 400).message
        assert one.is_closed()


def test_head_that_times_out() -> None:
    statuses: list[int] = []
    hooks = [lambda request, response: statuses.append(response.status)]
    with MockServer(read_timeout=READ_TIMEOUT, request_hooks=hooks) as server, peer(server.port) as one:
        one.send(b"garbage")
        assert one.is_closed()
    assert statuses == [408]


def test_slow_head(server: MockServer) -> None:
    """Each byte comes well before any timeout for a single one would run out."""
    started = time.monotonic()
    with peer(server.port, timeout=0.02) as one:
        one.send(b"GET /api/health HTTP/1.1\r\n")
        while time.monotonic() - started < 30:
            one.try_send(b"X-A: a\r\n")
            try:
                assert one.rest() == b""
            except TimeoutError:
                continue
            break
    assert time.monotonic() - started < 30, "it is still open"


def test_served_while_others_stall() -> None:
    beginnings = [b"GET /api/health HTTP/1.1\r\nX-A:", head(CREATE, JSON, "Content-Length: 50") + b"{"]
    with MockServer(read_timeout=60, rate_limit=None) as server, ExitStack() as stalled:
        for number in range(200):
            stalled.enter_context(peer(server.port)).send(beginnings[number % 2])
        for port in (server.port, server.chat_port):
            assert ask(port, HEALTH).status == 200


def test_many_stalled_connections(server: MockServer) -> None:
    with ExitStack() as stalled:
        peers = [stalled.enter_context(peer(server.port)) for _ in range(200)]
        for one in peers:
            one.send(b"GET /api/health HTTP/1.1\r\nX-A:")
        assert all(one.is_closed() for one in peers)


def test_idle_timeout() -> None:
    with MockServer(idle_timeout=0.2, rate_limit=None) as server, peer(server.port) as used, peer(server.port) as fresh:
        used.send(head(HEALTH))
        assert used.read_response().status == 200
        assert used.is_closed()
        assert fresh.is_closed()


def test_unread_response(server: MockServer) -> None:
    for _ in range(20):
        with peer(server.port) as one:
            one.send(head("GET /openapi.json HTTP/1.1") * 5)
    assert eventually(lambda: ask(server.port, HEALTH).status == 200)


def test_common_headers(server: MockServer) -> None:
    response: RawResponse = ask(server.port, HEALTH)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"]
    assert response.headers["date"].endswith(" GMT")
    assert "server" not in response.headers
    assert Settings().values["read_timeout"] + 1.5 < 10, "a client that stalls is hung up on within ten seconds"
