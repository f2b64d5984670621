"""Reading a request's body by the bytes: its limits and its framing."""

from __future__ import annotations

import pytest

from duologue_mock import MockServer
from tests.mockserver.http.lines import CHUNKED, CLOSE, CREATE, HEALTH, JSON, MAX_BODY
from tests.mockserver.http_errors import parse_error
from tests.mockserver.raw import head, peer

pytestmark = pytest.mark.usefixtures("check_server")


def test_unread_body(server: MockServer) -> None:
    with peer(server.port) as one:
        for framed in (
            head(HEALTH, "Content-Length: 9") + b"GET / HTT",
            head(HEALTH, CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n",
        ):
            one.send(framed)
            assert one.read_response().status == 200
        one.send(head("GET /api/users/2 HTTP/1.1"))
        assert one.read_response().json["id"] == "2"


def test_expect_continue(server: MockServer) -> None:
    body = b'{"name": 1}'
    with peer(server.port) as one:
        one.send(head(CREATE, JSON, "Expect: 100-continue", f"Content-Length: {len(body)}"))
        assert one.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.send(body + head("GET /api/users/2 HTTP/1.1"))
        parse_error(one.read_response(), 400)
        assert one.read_response().json["id"] == "2"


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(CREATE, JSON, CLOSE, "Expect: 100-continue", f"Content-Length: {MAX_BODY + 1}"), 413),
        (head(CREATE, JSON, CLOSE, "Expect: 100-continue", "Content-Length: 5", host="evil.example"), 421),
        (head(HEALTH, CLOSE, "Expect: 100-continue", "Content-Length: 5"), 200),
    ],
)
def test_no_continue_after_response(server: MockServer, request_head: bytes, status: int) -> None:
    with peer(server.port) as one:
        one.send(request_head)
        assert one.read_response().status == status
        one.socket.shutdown(1)
        assert one.is_closed()


OVER = b"x" * (MAX_BODY + 1)


@pytest.mark.parametrize(
    "framed",
    [
        head(CREATE, JSON, f"Content-Length: {len(OVER)}") + OVER,
        head(CREATE, JSON, f"Content-Length: {500 * len(OVER)}") + OVER * 500,
        head(CREATE, JSON, CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(OVER), OVER),
        head(CREATE, JSON, CHUNKED) + b"%x\r\n%b\r\n" % (len(OVER), OVER) * 500 + b"0\r\n\r\n",
    ],
    ids=["declared", "declared, 2 MB", "chunked", "chunked, 2 MB"],
)
def test_oversized_body(server: MockServer, framed: bytes) -> None:
    """The sender can read why, though it is still sending."""
    with peer(server.port) as one:
        one.try_send(framed)
        one.socket.shutdown(1)
        response = one.read_response()
        parse_error(response, 413)
        assert response.headers["connection"] == "close"
        assert one.is_closed()


def test_largest_body(server: MockServer) -> None:
    body = b'{"name": 1}'.ljust(MAX_BODY)
    for framed in (
        head(CREATE, JSON, f"Content-Length: {len(body)}") + body,
        head(CREATE, JSON, CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    ):
        with peer(server.port) as one:
            one.send(framed)
            parse_error(one.read_response(), 400)


@pytest.mark.parametrize(
    "framed", [head(CREATE, JSON, "Content-Length: 50") + b"{}", head(CREATE, JSON, CHUNKED) + b"5\r\n{}"]
)
def test_truncated_body(server: MockServer, framed: bytes) -> None:
    with peer(server.port) as one:
        one.send(framed)
        one.socket.shutdown(1)
        parse_error(one.read_response(), 400)
        assert one.is_closed()
