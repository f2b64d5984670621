"""What holds for every call of both services."""

from __future__ import annotations

import re
import socket
from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

import pytest

from duologue.contract import CHAT, Operation, chats, operations, users
from tests.contract.examples import Ask, ask, each, make_session
from tests.contract.wire import NO_BODY, TIMEOUT, TIMESTAMP, Api, Wire, dialled, hear, new_user, refused, unique

WITH_BODY = [operation for operation in operations() if operation.body]
READING = [operation for operation in operations() if operation.safe and operation.status == 200]
SERVICES = ["platform", "chat"]

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
MIB = 1024 * 1024


each_service = pytest.mark.parametrize("service", SERVICES)


# Where it listens


@each_service
def test_both_ports(wire: Wire, service: str) -> None:
    origin = wire.at_origin(service)
    identity = {**wire.chat.headers, "Unique-Reference-Code": unique("urc")}

    assert origin.get("/api/users").status_code == 200
    assert origin.get("/chats-service/api/v1/chats", headers=identity).status_code == 200


@each_service
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_localhost(wire: Wire, service: str, address: str) -> None:
    parts = urlsplit(wire.at_origin(service).url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        pytest.skip("the server under test runs on another machine")
    if address == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")

    with socket.create_connection((address, parts.port or 80), TIMEOUT) as connection:
        connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: localhost:{parts.port}\r\n\r\n".encode())
        assert hear(connection).status_code == 200


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


# Media types and bodies


@each(*WITH_BODY, answering=[415])
@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "", None],
    ids=ascii,
)
def test_other_media_type(wire: Wire, operation: Operation[Any], media_type: str | None) -> None:
    refused(ask(wire, operation).send(headers={"Content-Type": media_type}), 415)


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"])
def test_media_type_parameters(chat: Api, media_type: str) -> None:
    assert chat.post("/chats", {"title": "x"}, headers={"Content-Type": media_type}).status_code == 201


@each(*WITH_BODY, answering=[400])
@pytest.mark.parametrize("text", [b"{", b'{"a": }', b"{'a': 1}", b"title=x", b"{} {}", b"null", b"[]", b'"text"', b"7"])
def test_body_is_no_object(wire: Wire, operation: Operation[Any], text: bytes) -> None:
    refused(ask(wire, operation).with_body(text).send(), 400)


@each(*(operation for operation in WITH_BODY if operation.body_required), answering=[400])
@pytest.mark.parametrize("announced", [True, False])
def test_missing_body(wire: Wire, operation: Operation[Any], announced: bool) -> None:
    headers = {"Content-Type": "application/json"} if announced else {}

    answer = ask(wire, operation).with_body(NO_BODY).send(headers=headers)

    refused(answer, 400)


@each(*WITH_BODY, answering=[400])
@pytest.mark.parametrize("name", ["titel", "_id", "createdAt", "userId", "", "__proto__"], ids=ascii)
def test_unknown_field(wire: Wire, operation: Operation[Any], name: str) -> None:
    asked = ask(wire, operation)
    body = {**asked.body, name: "x"}

    complaints = refused(asked.with_body(body).send(), 400)["details"]["fields"]

    assert set(complaints) == {name}


@each(*WITH_BODY, answering=[413])
def test_body_over_limit(wire: Wire, operation: Operation[Any]) -> None:
    refused(ask(wire, operation).with_body(b"{" + b" " * MIB + b"}").send(), 413)


def test_body_at_limit(chat: Api) -> None:
    text = b'{"title": "Large"}'

    assert chat.post("/chats", text + b" " * (MIB - len(text))).status_code == 201


def test_utf_8(chat: Api) -> None:
    title = "Grüße 東京 😀 \u2028 \\ / \" '"

    answer = chat.post("/chats", {"title": title})

    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert answer.content.decode("utf-8")
    assert answer.json()["data"]["title"] == title


@each(*READING)
def test_json_and_timestamps(wire: Wire, operation: Operation[Any]) -> None:
    answer = ask(wire, operation).send()

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    for key, value in re.findall(r'"(timestamp|\w+At)":\s*"([^"]*)"', answer.text):
        assert TIMESTAMP.fullmatch(value), key


# Paths and methods


@each_service
@pytest.mark.parametrize(
    "path",
    ["/nope", "/api", "/api/", "/api/nope", "/api/users/1/friends", "/API/users", "/api//users",
     "/chats-service", "/chats-service/api/v1", "/chats-service/api/v1/nope", "/chats-service/api/v2/chats",
     "/chats-service/api/v1/chats/x/y", "/chats-service/api/v1/chats/x/favorite/y",
     "/socket.iox", "/socket.io.js"],
)  # fmt: skip
def test_unknown_path(wire: Wire, service: str, path: str) -> None:
    refused(wire.at_origin(service).get(path), 404)


@each_service
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_unknown_path_any_method(wire: Wire, service: str, method: str) -> None:
    answer = wire.at_origin(service).request(method, "/api/nope", {})

    assert answer.status_code == 404
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("path", "meant"),
    [("/api/user", "/api/users"), ("/api/auth/logn", "/api/auth/login"), ("/chats", "/chats-service/api/v1/chats")],
)
def test_nearest_operations(wire: Wire, path: str, meant: str) -> None:
    refused(wire.at_origin("platform").get(path), 404, meant)


def _methods_by_path() -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for operation in operations():
        found[operation.service.name, operation.path].add(operation.method)
    return found


PATHS = _methods_by_path()
each_path = pytest.mark.parametrize(("service", "path"), PATHS, ids=["".join(key) for key in PATHS])


@pytest.mark.parametrize(
    ("service", "path", "method"),
    [
        (*key, method)
        for key, known in PATHS.items()
        for method in sorted({*METHODS, "TRACE", "PROPFIND", "BREW"} - known)
    ],
)
def test_method_not_allowed(
    wire: Wire, service: str, path: str, method: str
) -> None:
    known = PATHS[service, path]

    answer = _api(wire, service).request(method, path.replace("{id}", "x"))

    refused(answer, 405)
    allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
    assert allowed & METHODS == known
    assert ("HEAD" in allowed) == ("GET" in known)
    assert "OPTIONS" in allowed


@each_path
def test_options(wire: Wire, service: str, path: str) -> None:
    bare = wire.at_origin(service)
    prefix = urlsplit(_api(wire, service).url).path

    answer = bare.request("OPTIONS", prefix + path.replace("{id}", "x"))

    assert answer.status_code in (200, 204)
    assert {name.strip() for name in answer.headers["Allow"].split(",")} & METHODS == PATHS[service, path]
    assert answer.content == b""
    assert answer.headers["X-Request-Id"]


def _api(wire: Wire, service: str) -> Api:
    return wire.platform if service == "platform" else wire.chat


@each(*READING)
def test_head(wire: Wire, operation: Operation[Any]) -> None:
    asked = ask(wire, operation)
    got = asked.send()

    head = asked.api.request("HEAD", asked.path, query=asked.query)

    assert head.status_code == got.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert head.headers.get("ETag") == got.headers.get("ETag")
    assert head.headers["X-Request-Id"]


def test_head_not_found(platform: Api) -> None:
    head = platform.request("HEAD", "/users/nobody")

    assert head.status_code == 404
    assert head.content == b""
    assert head.headers["X-Request-Id"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_connection_after_no_body(wire: Wire, method: str) -> None:
    host = urlsplit(wire.platform_origin).netloc
    with dialled(wire.platform_origin) as connection:
        for name in (method, "GET"):
            connection.sendall(f"{name} /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert hear(connection, name).status_code in (200, 204)


@each()
def test_trailing_slash(wire: Wire, operation: Operation[Any]) -> None:
    asked = ask(wire, operation)

    answer = asked.api.request(operation.method, asked.path + "/", asked.body)

    assert answer.status_code == operation.status


# Errors and request ids


@each_service
@pytest.mark.parametrize("code", ["urc-1704067200000-abc123def", "x", "a" * 255, "{}:;=~|<>"])
def test_reference_is_request_id(wire: Wire, service: str, code: str) -> None:
    answer = _api(wire, service).get("/nope", headers={"Unique-Reference-Code": code})

    assert refused(answer, 404)["metadata"]["requestId"]
    assert answer.headers["X-Request-Id"] == code


@each()
def test_reference_everywhere(wire: Wire, operation: Operation[Any]) -> None:
    code = unique("urc")

    answer = ask(wire, operation).send(headers={"Unique-Reference-Code": code})

    assert answer.status_code == operation.status
    assert answer.headers["X-Request-Id"] == code


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        *(("OPTIONS", path, {}) for path in ("/api/users", "/nope", "/")),
        *(("HEAD", path, {}) for path in ("/api/users", "/nope", "/api/error")),
        *(("GET", path, {}) for path in ("/", "/openapi.json", "/socket.io/?EIO=4&transport=polling", "/socket.io/")),
        ("GET", "/api/users?search=nobody-at-all", {"If-None-Match": "*"}),
        ("OPTIONS", "/api/users", {"Origin": "http://localhost", "Access-Control-Request-Method": "PUT"}),
        ("DELETE", "/api/health", {}),
        ("POST", "/api/users", {"Origin": "http://evil.example"}),
        ("GET", "/api/users", {"Host": "evil.example"}),
    ],
)
def test_request_id_everywhere(
    wire: Wire, method: str, path: str, headers: dict[str, str]
) -> None:
    code = unique("urc")

    answer = wire.at_origin("platform").request(method, path, headers={**headers, "Unique-Reference-Code": code})

    assert answer.headers["X-Request-Id"] == code


def test_generated_request_id(wire: Wire) -> None:
    bare = wire.at_origin("platform")
    paths = ["/api/users", "/api/users", "/nope", "/api/error", "/chats-service/api/v1/chats", "/api/health"]

    ids = [bare.get(path).headers["X-Request-Id"] for path in paths]

    assert len(set(ids)) == len(paths)


def _refusals(wire: Wire) -> dict[int, Ask]:
    create = ask(wire, chats.CREATE)
    return {
        400: create.with_body({"title": ""}),
        401: create.sending(x_api_key="wrong"),
        404: ask(wire, chats.GET).sending(x_user_id="somebody-else"),
        412: ask(wire, chats.DELETE).sending(If_Match='"other"'),
        409: ask(wire, users.CREATE).with_body(
            new_user(email=wire.platform.post("/users", new_user()).json()["email"])
        ),
    }


@pytest.mark.parametrize("status", [400, 401, 404, 412, 409])
def test_reference_of_errors(wire: Wire, status: int) -> None:
    code = unique("urc")

    body = refused(_refusals(wire)[status].send(headers={"Unique-Reference-Code": code}), status)

    assert body["metadata"]["requestId"] == code


def test_validation_message(platform: Api) -> None:
    body = refused(platform.post("/users", new_user(email="nobody")), 400)

    complaint = body["details"]["fields"]["email"][0]
    assert body["details"]["message"] == f"email: {complaint}"
    assert body["errors"] == [f"email: {complaint}"]


def test_connection_after_error(wire: Wire) -> None:
    host = urlsplit(wire.platform_origin).netloc
    body = b"{not json"
    with dialled(wire.platform_origin) as connection:
        head = f"POST /api/users HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        refused(hear(connection), 400)
        connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert hear(connection).status_code == 200


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


@each(*PAGED, answering=[400])
@pytest.mark.parametrize(
    "query",
    [*(f"{name}={value}" for name in ("page", "limit") for value in BAD_NUMBERS),
     "limit=101", "limit=1&limit=2", "page=1&page=1"],
    ids=ascii,
)  # fmt: skip
def test_invalid_page_or_limit(
    wire: Wire, operation: Operation[Any], query: str
) -> None:
    name = query.partition("=")[0]

    complaints = refused(ask(wire, operation).send(query=query.replace("+", "%2B").replace(" ", "%20")), 400)

    assert set(complaints["details"]["fields"]) == {name}


@each(*PAGED, answering=[200])
@pytest.mark.parametrize("query", ["limit=1", "limit=100", "page=1", "page=1000000", "page=1&limit=100", "unknown=1"])
def test_page_and_limit_bounds(wire: Wire, operation: Operation[Any], query: str) -> None:
    assert ask(wire, operation).send(query=query).status_code == 200


# The contract, told by the server


@each_service
def test_openapi_document(wire: Wire, service: str) -> None:
    document = wire.at_origin(service).get("/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    told = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert {(operation.route, operation.method) for operation in operations() if operation.documented} == told


def test_chat_on_platform_port(wire: Wire) -> None:
    chat = wire.chat
    session = make_session(chat)
    identity = {**chat.headers, "Unique-Reference-Code": unique("urc")}

    found = wire.at_origin("platform").get(f"{CHAT.prefix}/chats/{session}", headers=identity)

    assert found.json()["data"]["_id"] == session
