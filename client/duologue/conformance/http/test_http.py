"""Bodies, connections and requests as HTTP has them, well-formed or not, fast or slow."""

from __future__ import annotations

import http.client
import json
from typing import BinaryIO
from urllib.parse import urlsplit

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.raw import is_closed, read_response, send_raw
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user

# Requests that are hardly HTTP

HEAD = "POST /api/users HTTP/1.1\nHost: {host}\nContent-Type: application/json\n"


def _build_head(server: Server) -> str:
    """Return the head of a request that creates a user, up to the headers of its body."""
    head = HEAD.replace("{host}", urlsplit(server.platform_origin).netloc) + server.authorization
    return head.replace("\n", "\r\n")


@rule(
    "http.body-announced",
    "A body that is announced to be too large is 413 before it is sent, and the connection is closed.",
    source=sources.HTTP1,
    stage=3,
    needs=["admin"],
)
@pytest.mark.slow
def test_long_body(server: Server) -> None:
    with server.open_connection() as connection:
        connection.sendall(f"{_build_head(server)}Content-Length: 999999999\r\n\r\n{{".encode())

        response = read_response(connection)

        check_error(response, 413)
        assert response.headers["Connection"].lower() == "close"
        assert is_closed(connection)


@rule(
    "http.chunked",
    "A chunked body is read like any other.",
    source=sources.HTTP1,
    needs=["admin"],
    stage=3,
)
def test_chunked_body(server: Server) -> None:
    body = json.dumps(build_user()).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    head = _build_head(server)

    response = send_raw(
        server.platform_origin, f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + chunks
    )

    assert response.status_code == 201
    assert server.platform.delete(f"/users/{response.json()['id']}").status_code == 204


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


@rule(
    "http.malformed",
    "A request that breaks HTTP's rules is refused with the error body, or the connection is closed, and "
    "the next request is served.",
    source=sources.HTTP1,
    stage=3,
    needs=["admin"],
)
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
    with server.open_connection() as connection:
        try:
            connection.sendall(sent)
            response = read_response(connection)
        except ConnectionError:  # it was closed before all was sent, or in place of a response
            return None
        assert is_closed(connection)
        return response


@rule(
    "http.one-host",
    "A request has exactly one Host; none or two are 400.",
    source=sources.HTTP1,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize("name", ["two hosts", "two different hosts", "no host"])
def test_host_header_count(server: Server, name: str) -> None:
    check_error(send_raw(server.platform_origin, BROKEN[name]), 400)


@rule(
    "http.unexpected-body",
    "A body that a method does not need is not taken for the next request.",
    source=sources.HTTP1,
    needs=["admin"],
    stage=3,
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("chunked", [True, False])
def test_unexpected_body(server: Server, method: str, chunked: bool) -> None:
    host = urlsplit(server.platform_origin).netloc
    hidden = f"GET /api/error?status=418 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    sized = b"Content-Length: %d\r\n\r\n%s" % (len(hidden), hidden)
    parted = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    with server.open_connection() as connection:
        credentials = server.authorization.replace("\n", "\r\n")
        head = f"{method} /api/users/unknown HTTP/1.1\r\nHost: {host}\r\n{credentials}"
        connection.sendall(head.encode() + (parted if chunked else sized))
        assert read_response(connection, method).status_code in (204, 404, 405)
        try:
            connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert read_response(connection).status_code == 200
        except (ConnectionError, http.client.RemoteDisconnected):
            pass  # closing is as good a way not to read on


@rule(
    "http.pipelining",
    "Requests that are sent before the responses are read get their responses in order.",
    source=sources.HTTP1,
    stage=3,
    reads_only=True,
)
def test_pipelining(server: Server) -> None:
    host = urlsplit(server.platform_origin).netloc
    expected = [404, 418, 500, 403]
    requests_ = "".join(f"GET /api/error?status={status} HTTP/1.1\r\nHost: {host}\r\n\r\n" for status in expected)
    with server.open_connection() as connection:
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


@rule(
    "http.expect-continue",
    "A request with Expect: 100-continue gets 100 Continue.",
    source=sources.HTTP1,
    needs=["admin"],
    stage=3,
)
def test_expect_continue(server: Server) -> None:
    body = json.dumps(build_user()).encode()
    head = _build_head(server) + f"Content-Length: {len(body)}\r\n"
    with server.open_connection() as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        response = read_response(connection)

    assert response.status_code == 201
    assert server.platform.delete(f"/users/{response.json()['id']}").status_code == 204
