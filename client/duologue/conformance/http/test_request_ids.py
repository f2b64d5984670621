"""Request ids, and what else errors say."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import each_service
from duologue.conformance.target.raw import read_response
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique


@rule(
    "request-id.values",
    "Any Unique-Reference-Code of printable ASCII is returned as X-Request-Id.",
    source=sources.REQUEST_IDS,
    stage=3,
    reads_only=True,
)
@each_service
@pytest.mark.parametrize("code", ["urc-1704067200000-abc123def", "x", "a" * 255, "{}:;=~|<>"])
def test_reference_is_request_id(server: Server, service: str, code: str) -> None:
    response = server.get_service(service).get("/nope", headers={"Unique-Reference-Code": code})

    assert check_error(response, 404)["metadata"]["requestId"]
    assert response.headers["X-Request-Id"] == code


@rule(
    "request-id.every-response",
    "Responses to HEAD and OPTIONS, and those that are refused or not an operation's, carry X-Request-Id, too.",
    source=sources.REQUEST_IDS,
    stage=1,
    needs=["admin"],
)
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        *(("OPTIONS", path, {}) for path in ("/api/users", "/nope", "/")),
        *(("HEAD", path, {}) for path in ("/api/users", "/nope", "/api/error")),
        *(("GET", path, {}) for path in ("/", "/openapi.json", "/socket.io/?EIO=4&transport=polling", "/socket.io/")),
        ("GET", "/api/users?search=no-match-at-all", {"If-None-Match": "*"}),
        ("OPTIONS", "/api/users", {"Origin": "http://localhost", "Access-Control-Request-Method": "PUT"}),
        ("DELETE", "/api/health", {}),
        ("POST", "/api/users", {"Origin": "http://evil.example"}),
        ("GET", "/api/users", {"Host": "evil.example"}),
    ],
)
def test_request_id_everywhere(server: Server, method: str, path: str, headers: dict[str, str]) -> None:
    code = unique("urc")

    response = server.at_origin("platform").request(method, path, headers={**headers, "Unique-Reference-Code": code})

    assert response.headers["X-Request-Id"] == code


@rule(
    "request-id.generated",
    "Without a Unique-Reference-Code, each response has an X-Request-Id of its own.",
    source=sources.REQUEST_IDS,
    stage=3,
    reads_only=True,
)
def test_generated_request_id(server: Server) -> None:
    bare = server.at_origin("platform")
    paths = ["/api/users", "/api/users", "/nope", "/api/error", "/chats-service/api/v1/chats", "/api/health"]

    ids = [bare.get(path).headers["X-Request-Id"] for path in paths]

    assert len(set(ids)) == len(paths)


@rule(
    "errors.details",
    "In a validation error, details.message, details.fields and errors say the same.",
    source=sources.ERRORS,
    stage=3,
    needs=["admin"],
)
def test_validation_message(platform: Api) -> None:
    body = check_error(platform.post("/users", build_user(email="unknown")), 400)

    complaint = body["details"]["fields"]["email"][0]
    assert body["details"]["message"] == f"email: {complaint}"
    assert body["errors"] == [f"email: {complaint}"]


@rule(
    "errors.connection",
    "A connection can be used again after an error.",
    source=sources.REQUESTS,
    needs=["caller"],
    stage=3,
)
def test_connection_after_error(server: Server) -> None:
    host = urlsplit(server.platform_origin).netloc
    body = b"{not json"
    with server.open_connection() as connection:
        head = f"POST /api/users HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        head += server.authorization.replace("\n", "\r\n")
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        check_error(read_response(connection), 400)
        connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert read_response(connection).status_code == 200
