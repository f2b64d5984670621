"""Request ids, and what else errors say."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import PreparedRequest, each, prepare_request
from duologue.conformance.target.raw import open_connection, read_response
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import Operation, chats, users

each_service = pytest.mark.parametrize("service", ["platform", "chat"])


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
    "request-id.every-operation",
    "Every operation returns the request's Unique-Reference-Code as X-Request-Id.",
    source=sources.REQUEST_IDS,
    stage=1,
    needs=["admin"],
    quick=True,
)
@each()
def test_reference_everywhere(server: Server, operation: Operation[Any]) -> None:
    code = unique("urc")

    response = prepare_request(server, operation).send(headers={"Unique-Reference-Code": code})

    assert response.status_code == operation.status
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


def _prepare_errors(server: Server) -> dict[int, PreparedRequest]:
    create = prepare_request(server, chats.CREATE)
    return {
        400: create.with_body({"title": ""}),
        401: create.with_headers(x_api_key="wrong"),
        404: prepare_request(server, chats.GET).with_headers(x_user_id="another-user"),
        412: prepare_request(server, chats.DELETE).with_headers(If_Match='"other"'),
        409: prepare_request(server, users.CREATE).with_body(
            build_user(email=server.platform.post("/users", build_user()).json()["email"])
        ),
    }


@rule(
    "request-id.errors",
    "The metadata.requestId of an error is the request's Unique-Reference-Code.",
    source=sources.REQUEST_IDS,
    stage=3,
    needs=["admin"],
    quick=True,
)
@pytest.mark.parametrize("status", [400, 401, 404, 412, 409])
def test_reference_of_errors(server: Server, status: int) -> None:
    code = unique("urc")

    body = check_error(_prepare_errors(server)[status].send(headers={"Unique-Reference-Code": code}), status)

    assert body["metadata"]["requestId"] == code


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
    stage=3,
    needs=["admin"],
)
def test_connection_after_error(server: Server) -> None:
    host = urlsplit(server.platform_origin).netloc
    body = b"{not json"
    with open_connection(server.platform_origin) as connection:
        head = f"POST /api/users HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        check_error(read_response(connection), 400)
        connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert read_response(connection).status_code == 200
