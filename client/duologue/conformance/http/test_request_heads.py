"""Methods, targets and headers that are odd, and what Socket.IO's path makes of them."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.raw import read_response, read_statuses
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user


@rule(
    "paths.method-case",
    "The names of methods are case-sensitive: get is 405 with Allow.",
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize("path", ["/api/users", "/openapi.json", "/"])
@pytest.mark.parametrize("method", ["get", "Get", "options", "head"])
def test_method_case(server: Server, method: str, path: str) -> None:
    host = urlsplit(server.platform_origin).netloc
    with server.open_connection() as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        response = read_response(connection)

    check_error(response, 405)
    assert "GET" in response.headers["Allow"].split(", ")


@rule(
    "http.header-space",
    "White space around the value of a header does not matter.",
    source=sources.HTTP1,
    needs=["local"],
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize("space", ["", " ", "\t", "  \t "], ids=ascii)
def test_space_around_header_value(server: Server, space: str) -> None:
    lines = [
        *(f"Host:{space}localhost{space}", f"x-api-key:{space}{server.api_key}{space}"),
        *(f"Unique-Reference-Code:{space}c-1{space}", f"x-user-id:{space}me{space}"),
    ]
    head = "\r\n".join([f"GET {urlsplit(server.chat_base_url).path}/chats HTTP/1.1", *lines])

    assert read_statuses(server.chat_origin, f"{head}\r\nConnection: close\r\n\r\n".encode()) == [200]


@rule(
    "body.compressed",
    "A compressed body is 415 with Accept-Encoding: identity, and has no effect.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@pytest.mark.parametrize(
    "coding", ["gzip", "deflate", "br", "GZIP", "gzip, identity", "identity, gzip", "unknown", "x"]
)
def test_content_coding(server: Server, coding: str) -> None:
    body = build_user()

    response = server.platform.post("/users", body, headers={"Content-Encoding": coding})

    check_error(response, 415)
    assert response.headers["Accept-Encoding"] == "identity"
    assert server.platform.get("/users", query={"search": body["email"]}).json()["total"] == 0


@rule(
    "body.identity",
    "A Content-Encoding of identity, or an empty one, is accepted.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_identity_coding(server: Server, coding: str) -> None:
    assert server.platform.post("/users", build_user(), headers={"Content-Encoding": coding}).status_code == 201


@rule(
    "paths.encoded-slash",
    "An encoded slash separates no parts of a path: it is 404.",
    source=sources.REQUESTS,
    needs=["admin", "local"],
    stage=3,
)
@pytest.mark.parametrize(
    "slash", ["%2f", "%2F", "%252f", "%5c", "%5C", "\\", "%2f%2f", "/..%2f", "%00/", "/%2e%2e/", "//"]
)
def test_encoded_separators(server: Server, slash: str) -> None:
    user = server.platform.post("/users", build_user()).json()
    prefix = urlsplit(server.base_url).path
    for path in (f"{prefix}/users{slash}{user['id']}", f"{prefix}{slash}users/{user['id']}", f"{slash}openapi.json"):
        for method in ("DELETE", "GET"):
            sent = f"{method} {path if path.startswith('/') else '/' + path} HTTP/1.1\r\nHost: localhost\r\n"
            assert read_statuses(server.platform_origin, f"{sent}Connection: close\r\n\r\n".encode()) == [404], path

    assert server.platform.get(f"/users/{user['id']}").json() == user


@rule(
    "errors.many-fields",
    "Of many unknown fields, some are named and the response stays short.",
    source=sources.ERRORS,
    stage=3,
    needs=["admin"],
)
def test_many_unknown_fields(server: Server) -> None:
    body = {**build_user(), **{f"field{number}": number for number in range(30_000)}}

    response = server.platform.post("/users", body)

    error = check_error(response, 400, "field0")
    assert 0 < len(error["details"]["fields"]) <= 100
    assert len(response.content) < 20_000


@rule(
    "events.methods",
    "The path of Socket.IO knows GET and POST; others are 405 with Allow.",
    source=sources.REALTIME,
    stage=3,
    needs=["admin", "events"],
)
def test_socket_methods(server: Server) -> None:
    for path in ("/socket.io/", "/socket.io"):
        for method in ("PUT", "DELETE", "PATCH", "TRACE"):
            response = server.at_origin("platform").request(method, path, query="EIO=4&transport=polling")
            check_error(response, 405)
            assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


@rule(
    "events.path",
    "The path of Socket.IO is served with and without a slash at its end.",
    source=sources.REALTIME,
    stage=3,
    needs=["events"],
    reads_only=True,
)
def test_socket_path_without_slash(server: Server) -> None:
    response = server.at_origin("platform").get("/socket.io", query="EIO=4&transport=polling")

    assert response.status_code == 200
    assert json.loads(response.text[1:])["sid"]
    check_error(server.at_origin("platform").get("/socket.io"), 400)
