"""What pages of other origins may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.contract.wire import Api, Wire, new_user, refused

OURS = [
    *("http://localhost:5173", "http://localhost", "https://localhost:8443", "http://127.0.0.1:3000"),
    *("http://[::1]:8080", "http://127.0.0.1"),
]
TRANSPORT_ERRORS = [
    *("http://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:3000"),
    *(
        "http://evil-localhost",
        "http://evil.example:3001",
        "https://localhost.",
        "file://",
        "http://localhost@evil.example",
    ),
    *("http://127.0.0.10.evil.example", "http://[::2]:80", "http://", "*", "localhost:3000"),
]
SENT = [
    *("authorization", "content-type", "if-match", "if-none-match", "x-api-key", "x-user-id"),
    *("unique-reference-code", "idempotency-key"),
]
EXPOSED = {
    *("x-request-id", "retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    *("etag", "location", "idempotency-replayed"),
}

each_of_ours = pytest.mark.parametrize("origin", OURS)
each_foreign = pytest.mark.parametrize("origin", TRANSPORT_ERRORS)


def granted(answer: requests.Response, origin: str) -> None:
    """Check that the page at `origin` may read `answer`, with credentials."""
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "origin" in listed(answer, "Vary")


def denied(answer: requests.Response) -> None:
    """Check that no page may read `answer`."""
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def listed(answer: requests.Response, header: str) -> set[str]:
    """Return the elements of a header that is a list, in lower case."""
    return {part.strip().lower() for part in answer.headers[header].split(",")}


@each_of_ours
def test_local_origin(platform: Api, origin: str) -> None:
    answer = platform.get("/users", headers={"Origin": origin})

    assert answer.status_code == 200
    granted(answer, origin)
    assert listed(answer, "Access-Control-Expose-Headers") >= EXPOSED


@each_of_ours
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_local_preflight(wire: Wire, origin: str, method: str) -> None:
    for api in (wire.platform, wire.chat):
        answer = api.request(
            "OPTIONS",
            "/users/1" if method == "PUT" else "/nowhere",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": ", ".join(SENT),
            },
        )

        assert answer.status_code in (200, 204)
        granted(answer, origin)
        assert method.lower() in listed(answer, "Access-Control-Allow-Methods")
        assert listed(answer, "Access-Control-Allow-Headers") >= set(SENT)


def test_preflight_without_api_key(wire: Wire) -> None:
    """Browsers send none of the page's headers with it."""
    bare = wire.at_origin("chat")
    asking = {
        "Origin": OURS[0],
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "x-api-key",
    }

    answer = bare.request("OPTIONS", "/chats-service/api/v1/chats/x/favorite", headers=asking)

    assert answer.status_code in (200, 204)
    granted(answer, OURS[0])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/users/nobody", {}, 404),
        ("POST", "/users", {}, 400),
        ("GET", "/error", {}, 500),
        ("PUT", "/users", {}, 405),
    ],
)
def test_readable_errors(platform: Api, method: str, path: str, body: Any, status: int) -> None:
    answer = platform.request(method, path, body, headers={"Origin": OURS[0]})

    refused(answer, status)
    granted(answer, OURS[0])


@pytest.mark.parametrize("path", ["/users", "/users/1", "/error", "/nope", "/health"])
@each_foreign
def test_foreign_origin(platform: Api, path: str, origin: str) -> None:
    denied(platform.get(path, headers={"Origin": origin}))


@each_foreign
def test_foreign_preflight(wire: Wire, origin: str) -> None:
    for api in (wire.platform, wire.chat):
        denied(api.request("OPTIONS", "/users", headers={"Origin": origin, "Access-Control-Request-Method": "PUT"}))


def test_vary(platform: Api) -> None:
    assert "origin" in listed(platform.get("/users"), "Vary")


def test_no_origin(platform: Api) -> None:
    denied(platform.get("/users"))


def test_configured_origins(serve: Callable[..., Wire]) -> None:
    platform = serve(allowed_origins=("https://app.example",)).platform

    granted(platform.get("/users", headers={"Origin": "https://app.example"}), "https://app.example")
    for origin in (
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil",
        "https://evil.example",
    ):
        denied(platform.get("/users", headers={"Origin": origin}))


@each_foreign
def test_foreign_polling(wire: Wire, origin: str) -> None:
    answer = wire.at_origin("platform").get("/socket.io/?EIO=4&transport=polling", headers={"Origin": origin})

    assert answer.status_code in (400, 403)
    denied(answer)


@each_of_ours
def test_local_polling(wire: Wire, origin: str) -> None:
    answer = wire.at_origin("platform").get("/socket.io/?EIO=4&transport=polling", headers={"Origin": origin})

    assert answer.status_code == 200
    granted(answer, origin)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_simple_requests(platform: Api, media_type: str) -> None:
    body = new_user()

    answer = platform.post("/users", body, headers={"Origin": "http://evil.example", "Content-Type": media_type})

    refused(answer, 403)
    denied(answer)
    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 0
