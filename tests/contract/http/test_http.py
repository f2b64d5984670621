"""Bodies, connections and requests as HTTP has them, well-formed or not, fast or slow."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pytest
import requests

from tests.contract.server import (
    Server,
    build_user,
    check_error,
    is_closed,
    open_connection,
    read_data,
    read_response,
    send_raw,
)

# Requests that are hardly HTTP

HEAD = "POST /api/users HTTP/1.1\nHost: {host}\nContent-Type: application/json\n"


@pytest.mark.slow
def test_long_body(server: Server) -> None:
    host = urlsplit(server.platform_origin).netloc
    with open_connection(server.platform_origin) as connection:
        head = HEAD.replace("{host}", host).replace("\n", "\r\n")
        connection.sendall(f"{head}Content-Length: 999999999\r\n\r\n{{".encode())

        response = read_response(connection)

        check_error(response, 413)
        assert response.headers["Connection"].lower() == "close"
        assert is_closed(connection)


@pytest.mark.slow
def test_long_chunked_body(serve: Callable[..., Server]) -> None:
    server = serve(max_request_size=1000)
    host = urlsplit(server.platform_origin).netloc
    with open_connection(server.platform_origin) as connection:
        head = HEAD.replace("{host}", host).replace("\n", "\r\n")
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        connection.sendall((b"64\r\n" + b" " * 100 + b"\r\n") * 11)

        check_error(read_response(connection), 413)
        assert is_closed(connection)
    assert server.platform.get("/health").status_code == 200


def test_chunked_body(server: Server) -> None:
    body = json.dumps(build_user()).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    head = HEAD.replace("{host}", urlsplit(server.platform_origin).netloc).replace("\n", "\r\n")

    response = send_raw(
        server.platform_origin, f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + chunks
    )

    assert response.status_code == 201
    assert server.platform.delete(f"/users/{response.json()['id']}").status_code == 204


@pytest.mark.parametrize(("size", "status"), [(1000, 201), (1001, 413)])
def test_exact_body_limit(serve: Callable[..., Server], size: int, status: int) -> None:
    chat = serve(max_request_size=1000).chat
    text = b'{"title": "Exact"}'

    response = chat.post("/chats", text + b" " * (size - len(text)))

    if status == 201:
        read_data(response, 201)
    else:
        check_error(response, 413)


BROKEN = {
    "no request line": "\n\n",
    "garbage": "\x16\x03\x01\x02\x00\x01\x00\n\n",
    "no version": "GET /api/users\n\n",
    "version of the future": "GET /api/users HTTP/9.9\nHost: {host}\n\n",
    "no host": "GET /api/users HTTP/1.1\n\n",
    "two hosts": "GET /api/users HTTP/1.1\nHost: {host}\nHost: {host}\n\n",
    "two different hosts": "GET /api/users HTTP/1.1\nHost: {host}\nHost: evil.example\n\n",
    "negative length": HEAD + "Content-Length: -1\n\n",
    "length that is none": HEAD + "Content-Length: abc\n\n",
    "length with sign": HEAD + "Content-Length: +2\n\n{}",
    "two lengths": HEAD + "Content-Length: 2\nContent-Length: 3\n\n{} ",
    "length and chunks": HEAD + "Content-Length: 2\nTransfer-Encoding: chunked\n\n0\n\n",
    "unknown coding": HEAD + "Transfer-Encoding: gzip, chunked\n\n0\n\n",
    "chunk size that is none": HEAD + "Transfer-Encoding: chunked\n\nxyz\n{}\n0\n\n",
    "negative chunk size": HEAD + "Transfer-Encoding: chunked\n\n-2\n{}\n0\n\n",
    "header without colon": "GET /api/users HTTP/1.1\nHost: {host}\nnonsense\n\n",
    "space before colon": "GET /api/users HTTP/1.1\nHost: {host}\nx-user-id : me\n\n",
    "header as long as a book": "GET /api/users HTTP/1.1\nHost: {host}\nX: " + "a" * 200_000 + "\n\n",
    "ten thousand headers": "GET /api/users HTTP/1.1\nHost: {host}\n" + "X: a\n" * 10_000 + "\n",
    "line as long as a book": "GET /api/users?" + "a" * 200_000 + " HTTP/1.1\nHost: {host}\n\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_malformed_http(server: Server, text: str) -> None:
    response = _send_and_read(server, text)

    if response is not None:
        assert 400 <= response.status_code < 500 or response.status_code in (501, 505), response.status_code
        check_error(response, response.status_code)
    assert server.platform.get("/health").status_code == 200


def _send_and_read(server: Server, text: str) -> requests.Response | None:
    """Return the response; None where the server closed without one."""
    sent = text.replace("{host}", urlsplit(server.platform_origin).netloc).replace("\n", "\r\n").encode("latin-1")
    with open_connection(server.platform_origin) as connection:
        try:
            connection.sendall(sent)
            response = read_response(connection)
        except ConnectionError:  # it was closed before all was sent, or in place of a response
            return None
        assert is_closed(connection)
        return response


@pytest.mark.parametrize("name", ["two hosts", "two different hosts", "no host"])
def test_host_header_count(server: Server, name: str) -> None:
    check_error(send_raw(server.platform_origin, BROKEN[name]), 400)


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("chunked", [True, False])
def test_unexpected_body(server: Server, method: str, chunked: bool) -> None:
    host = urlsplit(server.platform_origin).netloc
    hidden = f"GET /api/error?status=418 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    sized = b"Content-Length: %d\r\n\r\n%s" % (len(hidden), hidden)
    parted = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    with open_connection(server.platform_origin) as connection:
        head = f"{method} /api/users/unknown HTTP/1.1\r\nHost: {host}\r\n"
        connection.sendall(head.encode() + (parted if chunked else sized))
        assert read_response(connection, method).status_code in (204, 404, 405)
        try:
            connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert read_response(connection).status_code == 200
        except (ConnectionError, http.client.RemoteDisconnected):
            pass  # closing is as good a way not to read on


def test_pipelining(server: Server) -> None:
    host = urlsplit(server.platform_origin).netloc
    expected = [404, 418, 500, 403]
    requests_ = "".join(f"GET /api/error?status={status} HTTP/1.1\r\nHost: {host}\r\n\r\n" for status in expected)
    with open_connection(server.platform_origin) as connection:
        connection.sendall(requests_.encode())
        stream = connection.makefile("rb")
        received = [_next_status(stream) for _ in expected]
        stream.close()

    assert received == expected


def _next_status(stream: BinaryIO) -> int:
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    stream.read(length)
    return status


def test_expect_continue(server: Server) -> None:
    host, body = urlsplit(server.platform_origin).netloc, json.dumps(build_user()).encode()
    head = HEAD.replace("{host}", host).replace("\n", "\r\n") + f"Content-Length: {len(body)}\r\n"
    with open_connection(server.platform_origin) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        response = read_response(connection)

    assert response.status_code == 201
    assert server.platform.delete(f"/users/{response.json()['id']}").status_code == 204


# Slow clients

SLOW = {
    "half a body": HEAD + "Content-Length: 50\n\n{",
    "half a chunk": HEAD + "Transfer-Encoding: chunked\n\n32\n{",
    "half the headers": "GET /api/users HTTP/1.1\nHost: {host}\nX-Slow: ",
    "half a request line": "GET /api/us",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_stalling_client(serve: Callable[..., Server], text: str) -> None:
    server = serve(read_timeout=0.5)
    with open_connection(server.platform_origin) as connection:
        connection.sendall(text.replace("{host}", "localhost").replace("\n", "\r\n").encode())
        assert is_closed(connection)

    assert server.platform.get("/health").status_code == 200


def test_slow_connections(serve: Callable[..., Server]) -> None:
    server = serve(read_timeout=1)
    with ExitStack() as stack:
        slow = [stack.enter_context(open_connection(server.platform_origin)) for _ in range(200)]
        for connection in slow:
            connection.sendall(b"GET /api/users HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")

        assert server.platform.get("/health").status_code == 200

        deadline = time.monotonic() + 60
        while slow and time.monotonic() < deadline:
            slow = [connection for connection in slow if not _dribble(connection)]
        assert not slow, f"{len(slow)} connections that send a byte now and then are still open"


def _dribble(connection: Any) -> bool:
    """Send one more byte; return whether the server has closed."""
    connection.settimeout(0.002)
    try:
        connection.sendall(b"a")
        return bool(connection.recv(65536) == b"")
    except TimeoutError:
        return False
    except ConnectionError:
        return True
