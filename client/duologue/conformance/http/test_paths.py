"""Which paths and methods there are."""

from __future__ import annotations

import re
import socket
from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import each, each_service, prepare_request
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.contract import Operation, operations

READING = [operation for operation in operations() if operation.safe and operation.status == 200]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@rule(
    "paths.unknown",
    "An unknown path is 404 on both origins.",
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
    quick=True,
)
@each_service
@pytest.mark.parametrize(
    "path",
    ["/nope", "/api", "/api/", "/api/nope", "/api/users/1/friends", "/API/users", "/api//users",
     "/chats-service", "/chats-service/api/v1", "/chats-service/api/v1/nope", "/chats-service/api/v2/chats",
     "/chats-service/api/v1/chats/x/y", "/chats-service/api/v1/chats/x/favorite/y",
     "/socket.iox", "/socket.io.js"],
)  # fmt: skip
def test_unknown_path(server: Server, service: str, path: str) -> None:
    check_error(server.at_origin(service).get(path), 404)


@rule(
    "paths.unknown-method",
    "An unknown path is 404 with every method.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each_service
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_unknown_path_any_method(server: Server, service: str, method: str) -> None:
    response = server.at_origin(service).request(method, "/api/nope", {})

    assert response.status_code == 404
    assert response.headers["X-Request-Id"]


@rule(
    "paths.nearest",
    "A 404 names the operation with the most similar path.",
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize(
    ("path", "meant"),
    [("/api/user", "/api/users"), ("/api/auth/logn", "/api/auth/login"), ("/chats", "/chats-service/api/v1/chats")],
)
def test_nearest_operations(server: Server, path: str, meant: str) -> None:
    check_error(server.at_origin("platform").get(path), 404, meant)


def _group_methods() -> dict[tuple[str, str], set[str]]:
    methods: dict[tuple[str, str], set[str]] = defaultdict(set)
    for operation in operations():
        methods[operation.service.name, operation.path].add(operation.method)
    return methods


PATHS = _group_methods()
FIRST_PATH = next(iter(PATHS))
UNUSUAL_METHODS = ["TRACE", "PROPFIND", "BREW"]
each_path = pytest.mark.parametrize(("service", "path"), PATHS, ids=["".join(key) for key in PATHS])


@rule(
    "paths.method",
    "A known path with another method is 405, and Allow has exactly the methods that the path has.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
    quick=True,
)
@pytest.mark.parametrize(
    ("service", "path", "method"),
    [
        (*key, method)
        for key, methods in PATHS.items()
        for method in sorted({*METHODS, *UNUSUAL_METHODS[: 3 if key == FIRST_PATH else 1]} - methods)
    ],
)
def test_method_not_allowed(server: Server, service: str, path: str, method: str) -> None:
    methods = PATHS[service, path]

    response = server.get_service(service).request(method, path.replace("{id}", "x"))

    check_error(response, 405)
    allowed = {name.strip() for name in response.headers["Allow"].split(",")}
    assert allowed & METHODS == methods
    assert ("HEAD" in allowed) == ("GET" in methods)
    assert "OPTIONS" in allowed


@rule(
    "paths.options",
    "OPTIONS returns Allow with exactly the methods that the path has, and no body.",
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
    quick=True,
)
@each_path
def test_options(server: Server, service: str, path: str) -> None:
    bare = server.at_origin(service)
    prefix = urlsplit(server.get_service(service).url).path

    response = bare.request("OPTIONS", prefix + path.replace("{id}", "x"))

    assert response.status_code in (200, 204)
    assert {name.strip() for name in response.headers["Allow"].split(",")} & METHODS == PATHS[service, path]
    assert response.content == b""
    assert response.headers["X-Request-Id"]


@rule(
    "paths.head",
    "HEAD returns the headers of GET, and no body.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each(*READING)
def test_head(share: Share, operation: Operation[Any]) -> None:
    request = share(operation)
    got = request.send()

    head = request.api.request("HEAD", request.path, query=request.query)

    assert head.status_code == got.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert head.headers.get("ETag") == got.headers.get("ETag")
    assert head.headers["X-Request-Id"]


@rule(
    "paths.head-not-found",
    "HEAD of what does not exist is 404 without a body.",
    needs=["caller"],
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
)
def test_head_not_found(platform: Api) -> None:
    head = platform.request("HEAD", "/users/unknown")

    assert head.status_code == 404
    assert head.content == b""
    assert head.headers["X-Request-Id"]


@rule(
    "paths.head-connection",
    "Nothing follows the head of the response to HEAD and OPTIONS, so that the connection can be used again.",
    source=sources.HTTP1,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_connection_after_no_body(server: Server, method: str) -> None:
    host = urlsplit(server.platform_origin).netloc
    with server.open_connection() as connection:
        for name in (method, "GET"):
            connection.sendall(f"{name} /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head, _, rest = _read_head(connection).partition(b"\r\n\r\n")
            assert re.match(rb"HTTP/1\.1 20[04] ", head), head
            assert name == "GET" or rest == b""


def _read_head(connection: socket.socket) -> bytes:
    """Read to the end of a response's head, with what has come after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        assert piece, f"the connection was closed after {received!r}"
        received += piece
    return received


@rule(
    "paths.trailing-slash",
    "A slash at the end of a path makes no difference, on every operation.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each()
def test_trailing_slash(server: Server, share: Share, operation: Operation[Any]) -> None:
    request = share(operation) if operation.safe else prepare_request(server, operation)

    response = request.api.request(operation.method, request.path + "/", request.body)

    assert response.status_code == operation.status
