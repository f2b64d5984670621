"""Where a response begins and ends: `StrictResponse` on bytes, without a connection."""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from typing import Any

import pytest

from duologue.http.error_mapping import FramingError
from duologue.http.framing import MAX_INTERIM_RESPONSES, MAX_LINE, MAX_TRAILERS, StrictResponse

OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"Content-Length: 2\r\n\r\n{}"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


class FakeSocket(io.BytesIO):
    """A socket from which a response can be read; it counts the bytes that were."""

    received = 0

    def makefile(self, *_: object) -> io.BufferedReader[Any]:
        return io.BufferedReader(self)

    def readinto(self, buffer: Any) -> int:
        size = super().readinto(buffer)
        self.received += size
        return size


OPENED: list[StrictResponse] = []


@pytest.fixture(autouse=True)
def close_responses() -> Iterator[None]:
    """Close what a test has opened; the garbage collector might do it in the wrong order."""
    yield
    while OPENED:
        OPENED.pop().close()


def begin(data: bytes, method: str = "GET") -> StrictResponse:
    return begin_on(FakeSocket(data), method)


def begin_on(sock: FakeSocket, method: str = "GET") -> StrictResponse:
    response = StrictResponse(sock, method=method)  # type: ignore[arg-type]  # it has what is used
    OPENED.append(response)
    response.begin()
    return response


@pytest.mark.parametrize(
    ("data", "version", "status", "reason", "body"),
    [
        (SIZED, 11, 200, "OK", b"{}"),
        (SIZED + b"more", 11, 200, "OK", b"{}"),
        (b"HTTP/1.0 404\r\n\r\n{}", 10, 404, "", b"{}"),
        (b"HTTP/1.1  599 \r\nContent-Length: 0\r\n\r\n", 11, 599, "", b""),
        (b"HTTP/1.1 200 Tr\xe8s bien\nContent-Length: 2\n\n{}", 11, 200, "Très bien", b"{}"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED, 11, 200, "OK", b"{}"),
        (b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" * MAX_INTERIM_RESPONSES + SIZED, 11, 200, "OK", b"{}"),
        (OK + b"Content-Length: 2\r\nContent-Length:  2\t\r\n\r\n{}", 11, 200, "OK", b"{}"),
        (OK + b"Content-Length: 2 ,\t2\r\n\r\n{}", 11, 200, "OK", b"{}"),
        (OK + b"X: " + b"y" * (MAX_LINE - 5) + b"\r\nContent-Length: 2\r\n\r\n{}", 11, 200, "OK", b"{}"),
        (OK + b"Content-Type: multipart/mixed; boundary=a\r\nContent-Length: 2\r\n\r\n{}", 11, 200, "OK", b"{}"),
    ],
)
def test_head(data: bytes, version: int, status: int, reason: str, body: bytes) -> None:
    response = begin(data)
    assert (response.version, response.status, response.reason, response.read()) == (version, status, reason, body)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "it does not begin with a status line"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "it does not begin with a status line"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol, which was not asked for"),
        (b"HTTP/1.1 103 Hints\r\n\r\n" * (MAX_INTERIM_RESPONSES + 1) + SIZED, "too many interim responses"),
        (OK + b"no header\r\n\r\n", "malformed headers"),
        (OK + b"X: a\rb\r\n\r\n", "a control character in the head"),
        (OK + b"X: a\r\r\n\r\n", "a control character in the head"),
        (b"\rHTTP/1.1 200 OK\r\n\r\n", "a control character in the head"),
        (OK + b"X: a\0\r\n\r\n", "a control character in the head"),
        (OK + b"Content-Length: 2, 3\r\n\r\n{}", "an invalid Content-Length"),
        (OK + b"Content-Length: 2,\r\n\r\n{}", "an invalid Content-Length"),
        (OK + b"Content-Length: +2\r\n\r\n{}", "an invalid Content-Length"),
        (OK + b"Content-Length: X2\r\n\r\n{}", "an invalid Content-Length"),
        (OK + b"Content-Length: 2\x0b, 2\r\n\r\n{}", "an invalid Content-Length"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n{}", "a transfer coding that was not asked for"),
        (OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n{}", "a transfer coding that was not asked for"),
    ],
)
def test_invalid_head(data: bytes, message: str) -> None:
    with pytest.raises(FramingError) as caught:
        begin(data)
    assert str(caught.value) == message


@pytest.mark.parametrize("head", [SIZED[:-2], b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + SIZED[:-2]])
def test_head_cut_off(head: bytes) -> None:
    """Of nothing at all, the connection was closed; everything else is a response that was cut off."""
    with pytest.raises(http.client.RemoteDisconnected):
        begin(b"")
    for end in range(1, len(head)):
        if head[:end].endswith(b"\r\n\r\n"):
            continue  # between two responses
        with pytest.raises(http.client.IncompleteRead):
            begin(head[:end])


def test_garbage_without_line() -> None:
    with pytest.raises(FramingError, match="status line"):
        begin(b"\0" * 10)
    with pytest.raises(FramingError, match="status line"):
        begin(b"HTTP/1.1 200 " + b"x" * MAX_LINE)


def test_head_without_end() -> None:
    """http.client reads any number of headers of a proxy's response in this way."""
    response = StrictResponse(FakeSocket(b"X: y\r\n" * 10_501))  # type: ignore[arg-type]
    for _ in range(10_500):
        assert response.fp.readline(MAX_LINE + 1) == b"X: y\r\n"
    with pytest.raises(FramingError, match=r"^a head without end$"):
        response.fp.readline(MAX_LINE + 1)


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 ", OK + b"X: ", CHUNKED, CHUNKED + b"0\r\nX: "])
def test_line_without_end(data: bytes) -> None:
    """It is an error as soon as it is too long; what follows is not read."""
    sock = FakeSocket(data + b"1" * (10 * MAX_LINE))
    with pytest.raises((FramingError, http.client.LineTooLong)):
        begin_on(sock).read()
    assert sock.received < 3 * MAX_LINE


# chunks


def read_parts(response: StrictResponse, amount: int | None) -> bytes:
    """The body, read in parts of at most so many bytes."""
    return b"".join(iter(lambda: response.read(amount), b""))


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        (b"2\r\n{}\r\n" + END, b"{}"),
        (b"1\r\n{\r\n01\r\n}\r\n" + END, b"{}"),
        (b"A;a=b\r\n0123456789\r\n00; last\r\n\r\n", b"0123456789"),
        (b"1f \t;a\r\n" + b"x" * 31 + b"\r\n" + END, b"x" * 31),
        (b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * (MAX_TRAILERS - 1) + b"\r\n", b"{}"),
        (b"10\r\n" + b"x" * 16 + b"\r\n" + END, b"x" * 16),
        (END, b""),
    ],
)
def test_chunks(chunks: bytes, body: bytes) -> None:
    for amount in (None, 1, 3, 10_000):
        assert read_parts(begin(CHUNKED + chunks), amount) == body
    response = begin(CHUNKED + chunks)
    assert b"".join(iter(lambda: response.read1(10_000), b"")) == body
    buffer = bytearray(len(body) + 10)
    assert begin(CHUNKED + chunks).readinto(buffer) == len(body)
    assert buffer[: len(body)] == body


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (b"\r\n{}", "an invalid size of a chunk"),
        (b"0x2\r\n{}\r\n", "an invalid size of a chunk"),
        (b"2\n{}\r\n", "an invalid size of a chunk"),
        (b"1" * 17 + b"\r\n", "an invalid size of a chunk"),
        (b"1" * 70_000, "an invalid size of a chunk"),
        (b"1\r\n{}\r\n" + END, "a chunk is longer than its size"),
        (b"2\r\n{}x\r\n" + END, "a chunk is longer than its size"),
        (b"10\r\n" + b"x" * 17 + b"\r\n" + END, "a chunk is longer than its size"),
        (b"2\r\n{}\r\n0\r\nX: y\n\r\n", "invalid trailers"),
        (b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * MAX_TRAILERS + b"\r\n", "invalid trailers"),
    ],
)
def test_invalid_chunks(chunks: bytes, message: str) -> None:
    for amount in (None, 1, 10_000):
        response = begin(CHUNKED + chunks)
        with pytest.raises(FramingError) as caught:
            read_parts(response, amount)
        assert str(caught.value) == message


def test_chunks_cut_off() -> None:
    chunks = b"2\r\n{}\r\n1;a=b\r\n \r\n0\r\nX: y\r\n\r\n"
    for end in range(len(chunks)):
        with pytest.raises(http.client.IncompleteRead):
            begin(CHUNKED + chunks[:end]).read()


def test_chunks_and_length() -> None:
    """The chunks count; a proxy may see it otherwise, so the connection is not used again."""
    response = begin(CHUNKED[:-2] + b"Content-Length: 99\r\n\r\n2\r\n{}\r\n" + END)
    assert response.getheader("content-length") is None
    assert response.will_close
    assert response.read() == b"{}"
    assert not begin(CHUNKED + END).will_close


@pytest.mark.parametrize(("status", "method"), [(200, "HEAD"), (204, "GET"), (304, "GET")])
def test_response_without_body(status: int, method: str) -> None:
    response = begin(b"HTTP/1.1 %d OK\r\nTransfer-Encoding: chunked\r\n\r\nmore" % status, method)
    assert response.getheader("transfer-encoding") is None
    assert not response.chunked
    assert response.read() == b""
