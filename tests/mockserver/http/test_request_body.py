"""Reading a request's body by the bytes: its limits and its framing."""

from __future__ import annotations

import io

import gevent
import pytest

from duologue_mock import MockServer
from duologue_mock.http.request_body import CHUNKS_PER_TURN, MAX_CHUNK_LINE, RequestBody
from duologue_mock.http.request_head import MAX_HEADERS
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


BODY = b'{"name": 1}'
LAST = b"0\r\n\r\n"
WHOLE = b"b\r\n%b\r\n" % BODY
BAD_CHUNKS: dict[str, bytes] = {
    "no size": b"\r\n" + WHOLE + LAST,
    "no size, only an extension": b";a=b\r\n" + LAST,
    "no digits": b"xyz\r\n" + LAST,
    "prefix": b"0xb\r\n%b\r\n" % BODY + LAST,
    "underscore": b"0_b\r\n%b\r\n" % BODY + LAST,
    "plus": b"+b\r\n%b\r\n" % BODY + LAST,
    "space in front": b" b\r\n%b\r\n" % BODY + LAST,
    "space behind": b"b \r\n%b\r\n" % BODY + LAST,
    "17 digits": b"0" * 16 + b"b\r\n%b\r\n" % BODY + LAST,
    "line feed alone": b"b\n%b\n0\n\n" % BODY,
    "line feed in an extension": b"b;a\nb\r\n%b\r\n" % BODY + LAST,
    "carriage return in an extension": b"b;a\rb\r\n%b\r\n" % BODY + LAST,
    "extension without a name": b"b;\r\n%b\r\n" % BODY + LAST,
    "extension without a value": b"b;a=\r\n%b\r\n" % BODY + LAST,
    "open quote": b'b;a="b\r\n%b\r\n' % BODY + LAST,
    "long extension": b"b;a=%b\r\n%b\r\n" % (b"x" * MAX_CHUNK_LINE, BODY) + LAST,
    "many extensions": b"1;a=%b\r\n \r\n" % (b"x" * 1000) * 20 + WHOLE + LAST,
    "chunk longer than its size": b"a\r\n%b\r\n" % BODY + LAST,
    "chunk shorter than its size": b"c\r\n%b\r\n" % BODY + LAST,
    "chunk without an end": b"b\r\n%b" % BODY + LAST,
    "line feed behind the chunk": b"b\r\n%b\n" % BODY + LAST,
    "trailer without a colon": WHOLE + b"0\r\nX-A\r\n\r\n",
    "trailer without a name": WHOLE + b"0\r\n: a\r\n\r\n",
    "space before the colon": WHOLE + b"0\r\nX-A : a\r\n\r\n",
    "folded trailer": WHOLE + b"0\r\nX-A: a\r\n b\r\n\r\n",
    "NUL in a trailer": WHOLE + b"0\r\nX-A: a\0b\r\n\r\n",
    "line feed behind a trailer": WHOLE + b"0\r\nX-A: a\n\r\n",
    "line feed for the last line": WHOLE + b"0\r\n\n",
    "long trailer": WHOLE + b"0\r\nX-A: %b\r\n\r\n" % (b"a" * MAX_CHUNK_LINE),
    "many trailers": WHOLE + b"0\r\n" + b"X-A: a\r\n" * (MAX_HEADERS + 1) + b"\r\n",
}
LINES = [
    CREATE,
    HEALTH,
    "DELETE /api/users/2 HTTP/1.1",
    "POST /api/auth/logout HTTP/1.1",
    "GET / HTTP/1.1",
    "PUT /x HTTP/1.1",
]


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_malformed_chunks(server: MockServer, chunks: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever is asked for: a request that has no valid end is not handled."""
    for line in LINES:
        with peer(server.port) as one:
            one.try_send(head(line, JSON, CHUNKED) + chunks + head("DELETE /api/users/2 HTTP/1.1"))
            response = one.read_response()
            parse_error(response, 400)
            assert response.headers["connection"] == "close"
            assert one.is_closed()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "chunks",
    [
        WHOLE + LAST,
        WHOLE.upper().replace(b"NAME", b"name") + b"000\r\n\r\n",
        b'b ; a = "b\\"c;\xe9" ;d\r\n%b\r\n0;e\r\n\r\n' % BODY,
        b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + LAST,
        WHOLE + b"0\r\nX-A: a\r\nX-B:\r\n\r\n",
        b"1\r\n \r\n" * 3000 + WHOLE + LAST,
    ],
    ids=["one", "digits in capitals", "extensions", "one byte each", "trailers", "thousands"],
)
def test_valid_chunks(server: MockServer, chunks: bytes) -> None:
    with peer(server.port) as one:
        one.send(head(CREATE, JSON, CHUNKED) + chunks + head("GET /api/users/2 HTTP/1.1"))
        assert set(parse_error(one.read_response(), 400).details.fields) == {"name", "email"}
        assert one.read_response().json["id"] == "2"


def test_turns_between_chunks() -> None:
    """Other connections are served while a body in tiny chunks is read, though all of it has arrived."""
    turns: list[bool] = []
    stream = io.BytesIO(b"1\r\n \r\n" * 4 * CHUNKS_PER_TURN + LAST)
    body = RequestBody(stream, 0, chunked=True, buffered=0, read_timeout=60, continue_socket=None)

    def take_turns() -> None:
        while not body.complete:
            turns.append(True)
            gevent.sleep(0)

    other = gevent.spawn(take_turns)
    assert len(body.read()) == 4 * CHUNKS_PER_TURN
    other.kill()
    assert len(turns) >= 4
