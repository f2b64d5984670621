"""Headers of every response: what caches may do with it, who may embed it, what it depends on, how to authenticate."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.examples import each, each_case, log_in, prepare_request
from duologue.conformance.target.raw import send_raw
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique
from duologue.contract import Operation, chats, health, operations, smart_chat, users
from duologue.contract.core import CHAT, Access

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
QUOTED = r'"(?:[^"\\]|\\.)*"'
PARAMETERS = rf"{TOKEN}=(?:{TOKEN}|{QUOTED})(?:, *{TOKEN}=(?:{TOKEN}|{QUOTED}))*"
CHALLENGE = re.compile(rf"{TOKEN} {PARAMETERS}")
"""One challenge with parameters (RFC 9110, section 11.6.1)."""

AUTHENTICATED = [operation for operation in operations() if operation.access is Access.AUTHENTICATED]
WITH_TOKENS = [operation for operation in operations() if operation.access is not Access.PUBLIC]
KEYED = [operation for operation in operations() if operation.service is CHAT]


def read_list(response: requests.Response, name: str) -> set[str]:
    return {part.strip().lower() for part in response.headers.get(name, "").split(",") if part.strip()}


def check_common(response: requests.Response) -> None:
    """Check what every response has: a page of another site cannot embed it, and no cache may use it unasked."""
    assert response.headers["Cross-Origin-Resource-Policy"] in ("same-origin", "same-site")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "origin" in read_list(response, "Vary")
    directives = read_list(response, "Cache-Control")
    if "ETag" in response.headers:
        assert "no-store" in directives or {"private", "no-cache"} <= directives
    else:
        assert "no-store" in directives


@rule(
    "headers.success",
    "A success of every operation says what caches may do with it, who may embed it, and which headers it depends on.",
    source=sources.CACHES,
    stage=1,
    needs=["admin"],
    quick=True,
)
@each()
def test_success(server: Server, share: Share, operation: Operation[Any]) -> None:
    request = share(operation) if operation.safe else prepare_request(server, operation)

    response = request.send(headers={"Origin": "http://localhost:5173"})

    assert response.status_code == operation.status
    check_common(response)
    varying = read_list(response, "Vary")
    if operation.service is CHAT:
        assert "x-api-key" in varying
        assert "x-user-id" in varying or operation.access is Access.PUBLIC
    elif operation.access is not Access.PUBLIC:
        assert "authorization" in varying
    assert "accept" in varying or not operation.streams


@rule(
    "headers.stream",
    "A stream has the headers that every response has, and so has its replay.",
    source=sources.CACHES,
    stage=1,
)
def test_stream(server: Server) -> None:
    request, key = prepare_request(server, smart_chat.ASK), unique("key")
    for replayed in (False, True):
        response = request.send(headers={"Accept": "text/event-stream", "Idempotency-Key": key})

        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert ("Idempotency-Replayed" in response.headers) == replayed
        check_common(response)
        assert {"accept", "x-api-key", "x-user-id"} <= read_list(response, "Vary")


@rule(
    "headers.other-paths",
    "What is not an operation has the headers that every response has, too.",
    source=sources.CACHES,
    stage=1,
    needs=["admin"],
)
@pytest.mark.parametrize("path", ["/", "/openapi.json", "/nope", "/api/error", "/socket.io/?EIO=4&transport=polling"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_other_paths(server: Server, path: str, method: str) -> None:
    response = server.at_origin("platform").request(method, path, headers={"Origin": "http://localhost:5173"})

    check_common(response)


@rule(
    "headers.malformed",
    "A request that cannot be read gets a response with the headers that every response has.",
    source=sources.CACHES,
    stage=1,
    reads_only=True,
)
@pytest.mark.parametrize(
    "text", ["GET /api/users\n\n", "GET /api/users HTTP/1.1\n\n", "\x16\x03\x01 x y\n\n"], ids=ascii
)
def test_malformed_request(server: Server, text: str) -> None:
    check_common(send_raw(server.platform_origin, text))


@rule(
    "headers.errors",
    "Errors of an operation vary with the same headers as its success.",
    source=sources.CACHES,
    stage=1,
    needs=["admin"],
)
@each(*WITH_TOKENS)
def test_errors_of_operations(server: Server, share: Share, operation: Operation[Any]) -> None:
    """Errors vary with the same headers as successes: a cache must not tell one caller what another may not do."""
    request = share(operation) if operation.safe else prepare_request(server, operation)
    ok = request.send()

    for headers in ({"Authorization": "Bearer bad", "x-api-key": "bad"}, {"If-Match": '"other"'}):
        response = request.send(headers=headers)
        assert response.status_code >= 400
        check_common(response)
        assert read_list(response, "Vary") == read_list(ok, "Vary")


# Challenges


def check_challenge(response: requests.Response, scheme: str) -> str:
    check_error(response, 401)
    challenge = response.headers["WWW-Authenticate"]
    assert CHALLENGE.fullmatch(challenge), challenge
    assert challenge.lower().startswith(scheme.lower() + " ")
    return challenge


@rule(
    "challenges.invalid-token",
    "A token that is not accepted is challenged as invalid_token.",
    source=sources.CHALLENGES,
    stage=1,
    needs=["admin"],
)
@each(*(operation for operation in WITH_TOKENS if operation.service is not CHAT))
def test_bad_token(share: Share, operation: Operation[Any]) -> None:
    request = share(operation)

    for token in ("Bearer garbage", "Bearer a.b.c", "Bearer ", "bearer null"):
        response = request.send(headers={"Authorization": token})
        assert 'error="invalid_token"' in check_challenge(response, "Bearer"), token


@rule(
    "challenges.revoked-token",
    "A revoked token is challenged as invalid_token.",
    source=sources.CHALLENGES,
    stage=3,
    needs=["admin"],
)
def test_revoked_token(server: Server) -> None:
    caller = server.platform.with_token(log_in(server)["token"])
    caller.post("/auth/logout")

    assert 'error="invalid_token"' in check_challenge(caller.get("/users"), "Bearer")


@rule(
    "challenges.missing-token",
    "A missing token is challenged without an error.",
    source=sources.CHALLENGES,
    stage=1,
    needs=["admin"],
)
@each(*AUTHENTICATED)
@pytest.mark.parametrize("value", [None, "Basic dXNlcjpwYXNz"])
def test_missing_token(share: Share, operation: Operation[Any], value: str | None) -> None:
    """Without a token there is nothing wrong with it (RFC 6750, section 3.1)."""
    response = share(operation).send(headers={"Authorization": value})

    assert "error=" not in check_challenge(response, "Bearer")


@rule(
    "challenges.login",
    "A refused login or refresh is challenged.",
    source=sources.CHALLENGES,
    stage=3,
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/login", {"email": "unknown@example.com", "password": "wrong"}),
        ("/auth/refresh", {"refreshToken": "unknown"}),
    ],
)
def test_refused_login(server: Server, path: str, body: dict[str, str]) -> None:
    check_challenge(server.platform.post(path, body), "Bearer")


@rule(
    "challenges.api-key",
    "An API key that is missing or not accepted is challenged by the scheme ApiKey, which names the header.",
    source=sources.CHALLENGES,
    stage=1,
    needs=["admin"],
)
@each_case("key", ["wrong", None, ""], *KEYED)
def test_bad_api_key(share: Share, operation: Operation[Any], key: str | None) -> None:
    response = share(operation).send(headers={"x-api-key": key})

    if operation.access is Access.PUBLIC and key is None:
        assert response.status_code == 200
    else:
        assert "x-api-key" in check_challenge(response, "ApiKey")


# Errors on request


@rule(
    "headers.of-status",
    "A response has the headers that belong to its status, as Retry-After to 429 and 503.",
    source=sources.PLATFORM_HEALTH,
    stage=1,
    reads_only=True,
)
@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "WWW-Authenticate"),
        (405, "Allow"),
        (407, "Proxy-Authenticate"),
        (426, "Upgrade"),
        (429, "Retry-After"),
        (503, "Retry-After"),
    ],
)
def test_headers_of_status(server: Server, status: int, name: str) -> None:
    """Headers that a response with such a status has: mostly by RFC 9110, section 15."""
    for method in ("GET", "HEAD"):
        response = server.platform.request(method, health.ERROR.path, query={"status": status})
        assert response.status_code == status
        assert response.headers[name]


@rule(
    "headers.needless",
    "A success and a 404 carry neither WWW-Authenticate nor Retry-After.",
    source=sources.CACHES,
    stage=1,
    needs=["admin"],
)
@each(users.LIST, chats.LIST)
def test_no_needless_challenge(server: Server, operation: Operation[Any]) -> None:
    for response in (prepare_request(server, operation).send(), server.platform.get("/users/unknown")):
        assert "WWW-Authenticate" not in response.headers
        assert "Retry-After" not in response.headers
