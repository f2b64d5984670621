"""The HTTP engine by the bytes: what it reads, what it refuses, how long it waits, and what it leaves open."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue.contract import Event
from duologue_mock import MockServer, ReplyRequest, Settings
from duologue_mock.http.request_head import MAX_HEAD_SIZE, MAX_HEADERS
from tests.mockserver.raw import Answer, ask, eventually, head, peer
from tests.mockserver.refusals import error_in

READ_TIMEOUT = 0.3
MAX_BODY = 4096
HEALTH = "GET /api/health HTTP/1.1"
CREATE = "POST /api/users HTTP/1.1"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
CLOSE = "Connection: close"
CHAT = ("x-api-key: dev-api-key", "Unique-Reference-Code: engine-1", "x-user-id: anonymous-user")


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(read_timeout=READ_TIMEOUT, max_request_size=MAX_BODY, rate_limit=None) as mock:
        yield mock


@pytest.fixture(autouse=True)
def _still_well(mock: MockServer) -> Iterator[None]:
    """Whatever a test sent: nobody was made, and the next request is served."""
    with mock.state as state:
        before = list(state.users)
    yield
    with mock.state as state:
        assert list(state.users) == before
    assert ask(mock.port, HEALTH).status == 200


# --- what is read


def test_pipelining(mock: MockServer) -> None:
    targets = ["/api/users/1", "/api/users/2", "/api/users/nobody", "/api/users/1"]
    with peer(mock.port) as one:
        one.send(b"".join(head(f"GET {target} HTTP/1.1") for target in targets))
        answers = [one.answer() for _ in targets]
    assert [answer.status for answer in answers] == [200, 200, 404, 200]
    assert [answer.json.get("id") for answer in answers] == ["1", "2", None, "1"]


def test_pipelining_after_body(mock: MockServer) -> None:
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
        with peer(mock.port) as one:
            one.send(framed + head("GET /api/users/2 HTTP/1.1"))
            error_in(one.answer(), 400)
            assert one.answer().json["id"] == "2"


def test_unread_body(mock: MockServer) -> None:
    with peer(mock.port) as one:
        for framed in (
            head(HEALTH, "Content-Length: 9") + b"GET / HTT",
            head(HEALTH, CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n",
        ):
            one.send(framed)
            assert one.answer().status == 200
        one.send(head("GET /api/users/2 HTTP/1.1"))
        assert one.answer().json["id"] == "2"


def test_keep_alive(mock: MockServer) -> None:
    with peer(mock.port) as one:
        for _ in range(3):
            one.send(head(HEALTH))
            assert "connection" not in one.answer().headers
        one.send(head(HEALTH, CLOSE))
        assert one.answer().headers["connection"] == "close"
        assert one.closed()


@pytest.mark.parametrize("spelled", ["close", "Close", "keep-alive, close"])
def test_connection_close(mock: MockServer, spelled: str) -> None:
    with peer(mock.port) as one:
        one.send(head(HEALTH, f"Connection: {spelled}"))
        assert one.answer().status == 200
        assert one.closed()


@pytest.mark.parametrize("headers", [(), ("Connection: keep-alive",)])
def test_http_1_0(mock: MockServer, headers: tuple[str, ...]) -> None:
    with peer(mock.port) as one:
        one.send(head("GET /api/health HTTP/1.0", *headers))
        answer = one.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert "transfer-encoding" not in answer.headers
        assert one.closed()


def test_http_1_0_stream(mock: MockServer) -> None:
    body = b'{"message": "Hello"}'
    line = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.0"
    answer = ask(mock.port, line, *CHAT, JSON, "Accept: text/event-stream", f"Content-Length: {len(body)}", body=body)
    assert answer.status == 200
    assert "transfer-encoding" not in answer.headers
    assert answer.body.endswith(b"\n\n")
    assert b"event: message.completed" in answer.body


@pytest.mark.parametrize("target", ["http://localhost/api/users/2", "http://127.0.0.1:8080/api/users/2?x=1"])
def test_absolute_target(mock: MockServer, target: str) -> None:
    assert ask(mock.port, f"GET {target} HTTP/1.1").json["id"] == "2"


def test_absolute_target_host(mock: MockServer) -> None:
    """It replaces the Host header."""
    error_in(ask(mock.port, "GET http://evil.example/api/users/2 HTTP/1.1"), 421)
    error_in(ask(mock.port, "GET http://me@localhost/api/users/2 HTTP/1.1"), 400)


def test_head_request(mock: MockServer) -> None:
    for target in ("/api/users", "/api/health", "/", "/openapi.json", "/nowhere"):
        got, headed = (ask(mock.port, f"{method} {target} HTTP/1.1") for method in ("GET", "HEAD"))
        assert headed.status == got.status
        assert headed.body == b""
        varies = {"date", "x-request-id", "etag", "content-length"} if "health" in target else {"date", "x-request-id"}
        if got.status == 404:
            varies.add("content-length")  # the hint names other operations
        assert {**headed.headers, **dict.fromkeys(varies)} == {**got.headers, **dict.fromkeys(varies)}


def test_head_keeps_connection(mock: MockServer) -> None:
    with peer(mock.port) as one:
        one.send(head("HEAD /api/users HTTP/1.1") + head("GET /api/users/2 HTTP/1.1"))
        assert one.answer(to="HEAD").headers["content-length"] != "0"
        assert one.answer().json["id"] == "2"


@pytest.mark.parametrize("line", ["DELETE /api/users/nobody HTTP/1.1", "OPTIONS /api/users HTTP/1.1"])
def test_empty_response(mock: MockServer, line: str) -> None:
    with peer(mock.port) as one:
        one.send(head(line) + head("GET /api/users/2 HTTP/1.1"))
        first = one.answer()
        if first.status == 204:
            assert {"content-length", "transfer-encoding"}.isdisjoint(first.headers)
        assert one.answer().json["id"] == "2"


def test_leading_blank_line(mock: MockServer) -> None:
    with peer(mock.port) as one:
        one.send(b"\r\n" + head("GET /api/users/2 HTTP/1.1"))
        assert one.answer().json["id"] == "2"


def test_head_byte_by_byte(mock: MockServer) -> None:
    with peer(mock.port) as one:
        for byte in head("GET /api/users/2 HTTP/1.1"):
            one.send(bytes([byte]))
        assert one.answer().json["id"] == "2"


def test_expect_continue(mock: MockServer) -> None:
    body = b'{"name": 1}'
    with peer(mock.port) as one:
        one.send(head(CREATE, JSON, "Expect: 100-continue", f"Content-Length: {len(body)}"))
        assert one.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.send(body + head("GET /api/users/2 HTTP/1.1"))
        error_in(one.answer(), 400)
        assert one.answer().json["id"] == "2"


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(CREATE, JSON, CLOSE, "Expect: 100-continue", f"Content-Length: {MAX_BODY + 1}"), 413),
        (head(CREATE, JSON, CLOSE, "Expect: 100-continue", "Content-Length: 5", host="evil.example"), 421),
        (head(HEALTH, CLOSE, "Expect: 100-continue", "Content-Length: 5"), 200),
    ],
)
def test_no_continue_after_response(mock: MockServer, request_head: bytes, status: int) -> None:
    with peer(mock.port) as one:
        one.send(request_head)
        assert one.answer().status == status
        one.socket.shutdown(1)
        assert one.closed()


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_asterisk_target(mock: MockServer, method: str) -> None:
    error_in(ask(mock.port, f"{method} * HTTP/1.1"), 404)


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "LOCK", "PATCH", "FROBNICATE", "get"])
def test_unknown_method(mock: MockServer, method: str) -> None:
    answer = ask(mock.port, f"{method} /api/users HTTP/1.1", "Cookie: secret=1")
    error_in(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert b"secret" not in answer.body, "TRACE must not echo"


def test_underscore_in_header(mock: MockServer) -> None:
    """It cannot pass for the header with a hyphen."""
    line = "GET /chats-service/api/v1/chats/test-session-1 HTTP/1.1"
    spoofed = ("x_api_key: dev-api-key", *CHAT[1:])
    error_in(ask(mock.port, line, *spoofed), 401)
    assert ask(mock.port, line, *CHAT, "x_api_key: other", "x_user_id: other").status == 200


# --- what is refused

GARBAGE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

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
    "long header": (head(HEALTH, "X-A: " + "a" * MAX_HEAD_SIZE), 431),
    "long target": (head(f"GET /api/{'a' * MAX_HEAD_SIZE} HTTP/1.1"), 431),
    "a head without end": (b"GET / HTTP/1.1\r\n" + b"X-A: aaaaaaaa\r\n" * (MAX_HEAD_SIZE // 8), 431),
    "many headers": (head(HEALTH, *["X-A: a"] * MAX_HEADERS), 431),
}


@pytest.mark.parametrize(("sent", "status"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_request(mock: MockServer, sent: bytes, status: int) -> None:
    """One answer, though more follows on the wire: nothing behind a malformed request is taken for a request."""
    with peer(mock.port) as one:
        one.send_what_goes(sent)
        answer = one.answer()
        error_in(answer, status)
        if "connection" in answer.headers:
            assert answer.headers["connection"] == "close"
            assert one.closed()
        else:
            assert status == 421, "framing is beyond doubt only here"


def test_largest_head(mock: MockServer) -> None:
    assert ask(mock.port, HEALTH, "X-A: " + "a" * (MAX_HEAD_SIZE - 200)).status == 200
    assert ask(mock.port, HEALTH, *["X-A: a"] * (MAX_HEADERS - 2)).status == 200


FRAGMENTS = [
    b"GET ", b"POST ", b"TRACE ", b"/api/users", b"/api/users/1", b"*", b"http://localhost/", b"?page=1", b" HTTP/1.1",
    b" HTTP/1.0", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"Host: localhost\r\n", b"Host: evil.example\r\n", b" ", b"\x00",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n",
    b"5\r\nabcde\r\n", b"Expect: 100-continue\r\n", b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n", b"{}",
    b"a" * 300, b":", b"\xff",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8), max_size=14).map(b"".join))
def test_arbitrary_bytes(mock: MockServer, sent: bytes) -> None:
    """Whatever is sent: a response below 500, or a closed connection."""
    with peer(mock.port) as one:
        one.send_what_goes(sent)
        one.socket.shutdown(1)
        for line in one.rest().split(b"\r\n"):
            if line.startswith(b"HTTP/1.1 "):
                assert int(line[9:12]) < 500, sent


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
def test_oversized_body(mock: MockServer, framed: bytes) -> None:
    """The sender can read why, though it is still sending."""
    with peer(mock.port) as one:
        one.send_what_goes(framed)
        one.socket.shutdown(1)
        answer = one.answer()
        error_in(answer, 413)
        assert answer.headers["connection"] == "close"
        assert one.closed()


def test_largest_body(mock: MockServer) -> None:
    body = b'{"name": 1}'.ljust(MAX_BODY)
    for framed in (
        head(CREATE, JSON, f"Content-Length: {len(body)}") + body,
        head(CREATE, JSON, CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    ):
        with peer(mock.port) as one:
            one.send(framed)
            error_in(one.answer(), 400)


@pytest.mark.parametrize(
    "framed", [head(CREATE, JSON, "Content-Length: 50") + b"{}", head(CREATE, JSON, CHUNKED) + b"5\r\n{}"]
)
def test_truncated_body(mock: MockServer, framed: bytes) -> None:
    with peer(mock.port) as one:
        one.send(framed)
        one.socket.shutdown(1)
        error_in(one.answer(), 400)
        assert one.closed()


# --- how long it waits


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"G", None),
        (b"GET / HTTP/1.1\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a", None),
        (GARBAGE, None),
        (head(CREATE, JSON, "Content-Length: 50") + b"{", 408),
        (head(CREATE, JSON, CHUNKED) + b"5\r\n{", 408),
        (head(CREATE, JSON, CHUNKED) + b"5", 408),
        (head(HEALTH, "Content-Length: 50") + b"{", 200),
        (head("POST /nowhere HTTP/1.1", CHUNKED) + b"5\r\n{", 404),
    ],
    ids=[
        "a byte",
        "a line",
        "half a header",
        "garbage",
        "a body",
        "a chunk",
        "a size",
        "an unread body",
        "no such path",
    ],
)
def test_read_timeout(mock: MockServer, sent: bytes, status: int | None) -> None:
    began = time.monotonic()
    with peer(mock.port) as one:
        one.send(sent)
        if status == 200:
            assert one.answer().status == 200
        elif status is not None:
            error_in(one.answer(), status)
        assert one.closed()
    assert READ_TIMEOUT * 0.9 <= time.monotonic() - began < READ_TIMEOUT + 1.5


def test_slow_head(mock: MockServer) -> None:
    """Each byte comes well before any timeout for a single one would run out."""
    began = time.monotonic()
    with peer(mock.port, timeout=0.02) as one:
        one.send(b"GET /api/health HTTP/1.1\r\n")
        while time.monotonic() - began < 5:
            one.send_what_goes(b"X-A: a\r\n")
            try:
                assert one.rest() == b""
            except TimeoutError:
                continue
            break
    assert time.monotonic() - began < READ_TIMEOUT + 1.5


def test_served_while_others_stall() -> None:
    beginnings = [b"GET /api/health HTTP/1.1\r\nX-A:", head(CREATE, JSON, "Content-Length: 50") + b"{"]
    with MockServer(read_timeout=5, rate_limit=None) as mock, ExitStack() as stalled:
        for number in range(200):
            stalled.enter_context(peer(mock.port)).send(beginnings[number % 2])
        for port in (mock.port, mock.chat_port):
            began = time.monotonic()
            assert ask(port, HEALTH).status == 200
            assert time.monotonic() - began < 2


def test_many_stalled_connections(mock: MockServer) -> None:
    with ExitStack() as stalled:
        peers = [stalled.enter_context(peer(mock.port)) for _ in range(200)]
        for one in peers:
            one.send(b"GET /api/health HTTP/1.1\r\nX-A:")
        assert all(one.closed() for one in peers)


def test_idle_timeout() -> None:
    with MockServer(idle_timeout=0.2, rate_limit=None) as mock, peer(mock.port) as used, peer(mock.port) as fresh:
        used.send(head(HEALTH))
        assert used.answer().status == 200
        assert used.closed()
        assert fresh.closed()


# --- streams

ASK = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.1"


class Ended:
    """Notices that the assistant stopped typing."""

    def __init__(self, mock: MockServer) -> None:
        self.event = threading.Event()
        with mock.state as state:
            state.subscribe(self._hear)

    def _hear(self, event: Event[Any], payload: Any, user_id: str | None) -> None:
        if event.name == "chat:typing" and not payload.typing:
            self.event.set()


def ask_for_stream() -> bytes:
    body = b'{"message": "Hello"}'
    return head(ASK, *CHAT, JSON, "Accept: text/event-stream", f"Content-Length: {len(body)}") + body


def test_stream() -> None:
    goes_on = threading.Event()

    def reply(request: ReplyRequest) -> Iterator[str]:
        yield "One"
        assert goes_on.wait(10)
        yield " two"

    with MockServer(reply_function=reply) as mock, peer(mock.port) as one:
        one.send(ask_for_stream())
        assert b"text/event-stream" in one.until(b"\r\n\r\n")
        first = one.until(b"\n\n")
        assert b"event: message.delta" in first
        assert b'"delta":"One"' in first
        goes_on.set()
        assert b'"delta":" two"' in one.until(b"\n\n")
        assert b"event: message.completed" in one.until(b"\n\n")
        one.until(b"0\r\n\r\n")
        one.send(head(HEALTH))
        assert one.answer().status == 200


def test_abandoned_stream() -> None:
    def reply(request: ReplyRequest) -> Iterator[str]:
        while True:
            yield "more "

    with MockServer(reply_function=reply, stream_delay=0.01) as mock:
        ended = Ended(mock)
        with peer(mock.port) as one:
            one.send(ask_for_stream())
            one.until(b"message.delta")
        assert ended.event.wait(10)
        with mock.state as state:
            assert [message.content for message in state.chats.messages("test-session-1")] == ["Hello, world!", "Hello"]
        assert ask(mock.port, HEALTH).status == 200


def test_stream_error() -> None:
    def reply(request: ReplyRequest) -> Iterator[str]:
        yield "One"
        raise ZeroDivisionError

    with MockServer(reply_function=reply) as mock, peer(mock.port) as one:
        one.send(ask_for_stream())
        answer = one.answer()
        last = answer.body.decode().strip().split("\n\n")[-1]
        name, _, data = last.partition("\ndata: ")
        assert name == "event: error"
        body = json.loads(data)
        assert body["code"] == "SERVER_ERROR"
        assert body["metadata"]["requestId"] == answer.headers["x-request-id"] == "engine-1"


def test_slow_reply_blocks_no_request() -> None:
    asked, goes_on = threading.Event(), threading.Event()

    def reply(request: ReplyRequest) -> str:
        asked.set()
        assert goes_on.wait(10)
        return "Done."

    with MockServer(reply_function=reply) as mock, peer(mock.port) as one:
        one.send(ask_for_stream())
        assert asked.wait(10)
        assert ask(mock.port, HEALTH).status == 200
        goes_on.set()
        assert b"Done." in one.answer().body


def test_unread_response(mock: MockServer) -> None:
    for _ in range(20):
        with peer(mock.port) as one:
            one.send(head("GET /openapi.json HTTP/1.1") * 5)
    assert eventually(lambda: ask(mock.port, HEALTH).status == 200)


def test_common_headers(mock: MockServer) -> None:
    answer: Answer = ask(mock.port, HEALTH)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    assert answer.headers["date"].endswith(" GMT")
    assert "server" not in answer.headers
    assert Settings().read_timeout + 1.5 < 10, "a client that stalls is hung up on within ten seconds"
