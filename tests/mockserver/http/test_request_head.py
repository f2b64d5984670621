"""Reading a request's head by the bytes: what is accepted and what is malformed."""

from __future__ import annotations

import pytest

from duologue_mock import MockServer
from duologue_mock.http.request_head import MAX_HEAD_SIZE, MAX_HEADERS
from tests.mockserver.http.lines import CHAT, CHUNKED, CREATE, GARBAGE, HEALTH, JSON
from tests.mockserver.http_errors import parse_error
from tests.mockserver.raw import ask, head, peer

pytestmark = pytest.mark.usefixtures("check_server")


@pytest.mark.parametrize("target", ["http://localhost/api/users/2", "http://127.0.0.1:8080/api/users/2?x=1"])
def test_absolute_target(server: MockServer, target: str) -> None:
    assert ask(server.port, f"GET {target} HTTP/1.1").json["id"] == "2"


def test_absolute_target_host(server: MockServer) -> None:
    """It replaces the Host header."""
    parse_error(ask(server.port, "GET http://evil.example/api/users/2 HTTP/1.1"), 421)
    parse_error(ask(server.port, "GET http://me@localhost/api/users/2 HTTP/1.1"), 400)


def test_leading_blank_line(server: MockServer) -> None:
    with peer(server.port) as one:
        one.send(b"\r\n" + head("GET /api/users/2 HTTP/1.1"))
        assert one.read_response().json["id"] == "2"


def test_head_byte_by_byte(server: MockServer) -> None:
    with peer(server.port) as one:
        for byte in head("GET /api/users/2 HTTP/1.1"):
            one.send(bytes([byte]))
        assert one.read_response().json["id"] == "2"


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 404), ("GET", 400)])
def test_asterisk_target(server: MockServer, method: str, status: int) -> None:
    parse_error(ask(server.port, f"{method} * HTTP/1.1"), status)


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "LOCK", "PATCH", "FROBNICATE", "SETUP", "SOURCE", "get"])
def test_unknown_method(server: MockServer, method: str) -> None:
    response = ask(server.port, f"{method} /api/users HTTP/1.1", "Cookie: secret=1")
    parse_error(response, 405)
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert b"secret" not in response.body, "TRACE must not echo"


def test_underscore_in_header(server: MockServer) -> None:
    """It cannot pass for the header with a hyphen."""
    line = "GET /chats-service/api/v1/chats/test-session-1 HTTP/1.1"
    spoofed = ("x_api_key: dev-api-key", *CHAT[1:])
    parse_error(ask(server.port, line, *spoofed), 401)
    assert ask(server.port, line, *CHAT, "x_api_key: other", "x_user_id: other").status == 200


MALFORMED: dict[str, tuple[bytes, int]] = {
    "no host": (head(HEALTH, host=None), 400),
    "empty host": (head(HEALTH, host=""), 400),
    "two hosts": (head(HEALTH, "Host: localhost"), 400),
    "two hosts, one foreign": (head(HEALTH, "Host: evil.example"), 400),
    "host with a path": (head(HEALTH, host="localhost/x"), 400),
    "host with a user": (head(HEALTH, host="me@localhost"), 400),
    "foreign host": (head(HEALTH, host="evil.example"), 421),
    "length and chunked": (head(CREATE, JSON, "Content-Length: 5", CHUNKED) + b"0\r\n\r\n", 400),
    "chunked and length": (head(CREATE, JSON, CHUNKED, "Content-Length: 5") + b"0\r\n\r\n", 400),
    "two equal lengths": (head(CREATE, JSON, "Content-Length: 2", "Content-Length: 2") + b"{}", 400),
    "two lengths": (head(CREATE, JSON, "Content-Length: 2", "Content-Length: 3") + b"{} ", 400),
    "a list of lengths": (head(CREATE, JSON, "Content-Length: 2, 2") + b"{}", 400),
    "signed length": (head(CREATE, JSON, "Content-Length: +2") + b"{}", 400),
    "negative length": (head(CREATE, JSON, "Content-Length: -2") + b"{}", 400),
    "length in hexadecimal": (head(CREATE, JSON, "Content-Length: 0x2") + b"{}", 400),
    "length of text": (head(CREATE, JSON, "Content-Length: two") + b"{}", 400),
    "length beyond 64 bits": (head(CREATE, JSON, "Content-Length: 99999999999999999999999") + b"{}", 400),
    "gzip, chunked": (head(CREATE, JSON, "Transfer-Encoding: gzip, chunked") + b"2\r\n{}\r\n0\r\n\r\n", 400),
    "gzip alone": (head(CREATE, JSON, "Transfer-Encoding: gzip") + b"{}", 400),
    "identity": (head(CREATE, JSON, "Transfer-Encoding: identity") + b"{}", 400),
    "chunked twice": (head(CREATE, JSON, CHUNKED, CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n", 400),
    "chunk size of no digits": (head(CREATE, JSON, CHUNKED) + b"zz\r\n{}\r\n0\r\n\r\n", 400),
    "chunk size below zero": (head(CREATE, JSON, CHUNKED) + b"-2\r\n{}\r\n0\r\n\r\n", 400),
    "chunk size without end": (head(CREATE, JSON, CHUNKED) + b"f" * 40 + b"\r\n{}", 400),
    "chunk longer than it says": (head(CREATE, JSON, CHUNKED) + b"1\r\n{}\r\n0\r\n\r\n", 400),
    "garbage": (GARBAGE + b"\r\n\r\n", 400),
    "blank lines": (b"\r\n\r\n\r\n\r\n", 400),
    "no version": (b"GET /api/users\r\n\r\n", 400),
    "HTTP/2.0": (head("GET /api/users HTTP/2.0"), 400),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "NUL in a header": (head(HEALTH, "X-A: a\x00b"), 400),
    "NUL in the target": (head("GET /api/\x00 HTTP/1.1"), 400),
    "blank in the target": (head("GET /api/a b HTTP/1.1"), 400),
    "header without a colon": (head(HEALTH, "X-A"), 400),
    "header without a name": (head(HEALTH, ": a"), 400),
    "blank before the colon": (head(HEALTH, "X-A : a"), 400),
    "folded header": (head(HEALTH, "X-A: a\r\n b"), 400),
    "line feeds alone": (b"GET /api/health HTTP/1.1\nHost: localhost\n\n", 400),
    "a hidden request behind line feeds": (head(HEALTH)[:-2] + b"\n" + head("GET /api/users/1 HTTP/1.1"), 400),
    "carriage return alone": (b"GET /api/health HTTP/1.1\r\nHost: localhost\rX-A: a\r\n\r\n", 400),
    "two media types": (head(CREATE, JSON, JSON, "Content-Length: 2") + b"{}", 400),
    "another expectation": (head(CREATE, JSON, "Expect: tea", "Content-Length: 2") + b"{}", 417),
    "long header": (head(HEALTH, "X-A: " + "a" * MAX_HEAD_SIZE), 431),
    "long target": (head(f"GET /api/{'a' * MAX_HEAD_SIZE} HTTP/1.1"), 431),
    "a head without end": (b"GET / HTTP/1.1\r\n" + b"X-A: aaaaaaaa\r\n" * (MAX_HEAD_SIZE // 8), 431),
    "many headers": (head(HEALTH, *["X-A: a"] * MAX_HEADERS), 431),
}


@pytest.mark.parametrize(("sent", "status"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_request(server: MockServer, sent: bytes, status: int) -> None:
    """One response, though more bytes follow: nothing behind a malformed request is taken for a request."""
    with peer(server.port) as one:
        one.try_send(sent)
        response = one.read_response()
        parse_error(response, status)
        if "connection" in response.headers:
            assert response.headers["connection"] == "close"
            assert one.is_closed()
        else:
            assert status == 421, "framing is beyond doubt only here"


def test_no_session_of_bad_handshake(server: MockServer) -> None:
    """It would be kept until a ping fails."""
    line, upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1", ("Connection: Upgrade", "Upgrade: websocket")
    key, version = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"
    ask(server.port, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1")  # creates the Socket.IO server
    sessions = server._context.realtime.engine
    before = len(sessions)
    for headers in ((*upgrade, version), (*upgrade, key), (upgrade[0], key, version), (upgrade[1], key, version)):
        with peer(server.port) as one:
            one.send(head(line, *headers))
            assert one.read_response().status in (400, 426)
            assert one.is_closed()
    assert len(sessions) <= before


def test_response_to_long_head(server: MockServer) -> None:
    """It is read though more was being sent: the connection is not reset."""
    with peer(server.port) as one:
        one.try_send(b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 8_000_000)
        parse_error(one.read_response(), 431)
        assert one.is_closed()


def test_body_is_not_awaited(server: MockServer) -> None:
    """A response that comes before the body has been read closes the connection, and says so."""
    with peer(server.port) as one:
        one.send(head(CREATE, JSON, "Content-Length: 50", host="evil.example") + head(HEALTH)[:50])
        response = one.read_response()
        parse_error(response, 421)
        assert response.headers["connection"] == "close"
        assert one.is_closed()


def test_largest_head(server: MockServer) -> None:
    assert ask(server.port, HEALTH, "X-A: " + "a" * (MAX_HEAD_SIZE - 200)).status == 200
    assert ask(server.port, HEALTH, *["X-A: a"] * (MAX_HEADERS - 2)).status == 200
