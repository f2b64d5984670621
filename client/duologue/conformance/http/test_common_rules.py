"""What holds for every call of both services."""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.conformance.target.caller import NO_BODY, TIMEOUT, Api
from duologue.conformance.target.examples import PreparedRequest, create_session, each, prepare_request
from duologue.conformance.target.raw import has_ipv6, open_connection, read_response
from duologue.conformance.target.responses import TIMESTAMP, check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import CHAT, Operation, chats, operations, users

WITH_BODY = [operation for operation in operations() if operation.body]
READING = [operation for operation in operations() if operation.safe and operation.status == 200]
SERVICES = ["platform", "chat"]

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
MIB = 1024 * 1024


each_service = pytest.mark.parametrize("service", SERVICES)


# Where it listens


@each_service
def test_both_ports(server: Server, service: str) -> None:
    origin = server.at_origin(service)
    identity = {**server.chat.headers, "Unique-Reference-Code": unique("urc")}

    assert origin.get("/api/users").status_code == 200
    assert origin.get("/chats-service/api/v1/chats", headers=identity).status_code == 200


@each_service
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_localhost(server: Server, service: str, address: str) -> None:
    parts = urlsplit(server.at_origin(service).url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        pytest.skip("the server under test runs on another machine")
    if address == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")

    with socket.create_connection((address, parts.port or 80), TIMEOUT) as connection:
        connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: localhost:{parts.port}\r\n\r\n".encode())
        assert read_response(connection).status_code == 200


# Media types and bodies


@each(*WITH_BODY, statuses=[415])
@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "", None],
    ids=ascii,
)
def test_other_media_type(server: Server, operation: Operation[Any], media_type: str | None) -> None:
    check_error(prepare_request(server, operation).send(headers={"Content-Type": media_type}), 415)


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"])
def test_media_type_parameters(chat: Api, media_type: str) -> None:
    assert chat.post("/chats", {"title": "x"}, headers={"Content-Type": media_type}).status_code == 201


@each(*WITH_BODY, statuses=[400])
@pytest.mark.parametrize("text", [b"{", b'{"a": }', b"{'a': 1}", b"title=x", b"{} {}", b"null", b"[]", b'"text"', b"7"])
def test_body_is_no_object(server: Server, operation: Operation[Any], text: bytes) -> None:
    check_error(prepare_request(server, operation).with_body(text).send(), 400)


@each(*(operation for operation in WITH_BODY if operation.body_required), statuses=[400])
@pytest.mark.parametrize("announced", [True, False])
def test_missing_body(server: Server, operation: Operation[Any], announced: bool) -> None:
    headers = {"Content-Type": "application/json"} if announced else {}

    response = prepare_request(server, operation).with_body(NO_BODY).send(headers=headers)

    check_error(response, 400)


@each(*WITH_BODY, statuses=[400])
@pytest.mark.parametrize("name", ["titel", "_id", "createdAt", "userId", "", "__proto__"], ids=ascii)
def test_unknown_field(server: Server, operation: Operation[Any], name: str) -> None:
    request = prepare_request(server, operation)
    body = {**request.body, name: "x"}

    complaints = check_error(request.with_body(body).send(), 400)["details"]["fields"]

    assert set(complaints) == {name}


@each(*WITH_BODY, statuses=[413])
def test_body_over_limit(server: Server, operation: Operation[Any]) -> None:
    check_error(prepare_request(server, operation).with_body(b"{" + b" " * MIB + b"}").send(), 413)


def test_body_at_limit(chat: Api) -> None:
    text = b'{"title": "Large"}'

    assert chat.post("/chats", text + b" " * (MIB - len(text))).status_code == 201


def test_utf_8(chat: Api) -> None:
    title = "Grüße 東京 😀 \u2028 \\ / \" '"

    response = chat.post("/chats", {"title": title})

    assert response.headers["Content-Type"].split(";")[0] == "application/json"
    assert response.content.decode("utf-8")
    assert response.json()["data"]["title"] == title


@each(*READING)
def test_json_and_timestamps(server: Server, operation: Operation[Any]) -> None:
    response = prepare_request(server, operation).send()

    assert response.status_code == 200
    assert response.headers["Content-Type"].split(";")[0] == "application/json"
    for key, value in re.findall(r'"(timestamp|\w+At)":\s*"([^"]*)"', response.text):
        assert TIMESTAMP.fullmatch(value), key


# Errors and request ids


@each_service
@pytest.mark.parametrize("code", ["urc-1704067200000-abc123def", "x", "a" * 255, "{}:;=~|<>"])
def test_reference_is_request_id(server: Server, service: str, code: str) -> None:
    response = server.get_service(service).get("/nope", headers={"Unique-Reference-Code": code})

    assert check_error(response, 404)["metadata"]["requestId"]
    assert response.headers["X-Request-Id"] == code


@each()
def test_reference_everywhere(server: Server, operation: Operation[Any]) -> None:
    code = unique("urc")

    response = prepare_request(server, operation).send(headers={"Unique-Reference-Code": code})

    assert response.status_code == operation.status
    assert response.headers["X-Request-Id"] == code


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


@pytest.mark.parametrize("status", [400, 401, 404, 412, 409])
def test_reference_of_errors(server: Server, status: int) -> None:
    code = unique("urc")

    body = check_error(_prepare_errors(server)[status].send(headers={"Unique-Reference-Code": code}), status)

    assert body["metadata"]["requestId"] == code


def test_validation_message(platform: Api) -> None:
    body = check_error(platform.post("/users", build_user(email="unknown")), 400)

    complaint = body["details"]["fields"]["email"][0]
    assert body["details"]["message"] == f"email: {complaint}"
    assert body["errors"] == [f"email: {complaint}"]


def test_connection_after_error(server: Server) -> None:
    host = urlsplit(server.platform_origin).netloc
    body = b"{not json"
    with open_connection(server.platform_origin) as connection:
        head = f"POST /api/users HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        check_error(read_response(connection), 400)
        connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert read_response(connection).status_code == 200


# Numbers in queries

PAGED = [operation for operation in operations() if operation.query and "limit" in operation.query.fields]
BAD_NUMBERS = [
    "",
    "0",
    "-1",
    "1e3",
    "abc",
    "1.0",
    "+1",
    " 1",
    "1 ",
    "0x10",
    "٣",
    "１",
    "1,000",
    "NaN",
    "9" * 30,
    "1%00",
]


@each(*PAGED, statuses=[400])
@pytest.mark.parametrize(
    "query",
    [*(f"{name}={value}" for name in ("page", "limit") for value in BAD_NUMBERS),
     "limit=101", "limit=1&limit=2", "page=1&page=1"],
    ids=ascii,
)  # fmt: skip
def test_invalid_page_or_limit(server: Server, operation: Operation[Any], query: str) -> None:
    name = query.partition("=")[0]

    complaints = check_error(
        prepare_request(server, operation).send(query=query.replace("+", "%2B").replace(" ", "%20")), 400
    )

    assert set(complaints["details"]["fields"]) == {name}


@each(*PAGED, statuses=[200])
@pytest.mark.parametrize(
    "query",
    ["limit=1", "limit=100", "page=1", "page=1000000", "page=1&limit=100",
     "unknown=1", "unknown=1&unknown=2", "ids[]=1&ids[]=2", "ids%5B%5D=1&ids%5B%5D=2", "unknown=%ff&%ff=1"],
    ids=ascii,
)  # fmt: skip
def test_page_and_limit_bounds(server: Server, operation: Operation[Any], query: str) -> None:
    assert prepare_request(server, operation).send(query=query).status_code == 200


# The contract, as the server describes it


@each_service
def test_openapi_document(server: Server, service: str) -> None:
    document = server.at_origin(service).get("/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert {(operation.route, operation.method) for operation in operations()} == described


def test_chat_on_platform_port(server: Server) -> None:
    chat = server.chat
    session = create_session(chat)
    identity = {**chat.headers, "Unique-Reference-Code": unique("urc")}

    response = server.at_origin("platform").get(f"{CHAT.prefix}/chats/{session}", headers=identity)

    assert response.json()["data"]["_id"] == session
