"""What pages of other origins may do."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.http.cors import check_denied, check_granted, read_list
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user

OURS = [
    *("http://localhost:5173", "http://localhost", "https://localhost:8443", "http://127.0.0.1:3000"),
    *("http://[::1]:8080", "http://127.0.0.1", "http://app.localhost:5173", "https://a.b.localhost"),
]
FOREIGN = [
    *("http://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:3000"),
    *(
        "http://evil-localhost",
        "http://app.localhost.",
        "http://app.localhost.evil.example",
        "http://.localhost",
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
    *("traceparent", "tracestate", "baggage", "x-csrf-token", "sentry-trace"),
]
"""Headers of the contract, and such as libraries for tracing and against CSRF add to every request."""
EXPOSED = {
    *("x-request-id", "retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    *("etag", "location", "idempotency-replayed"),
}

each_of_ours = pytest.mark.parametrize("origin", OURS)
each_foreign = pytest.mark.parametrize("origin", FOREIGN)


@rule(
    "cors.local",
    "A page of the own machine may read responses with credentials, and the headers that the contract names.",
    source=sources.CORS,
    needs=["caller", "local"],
    stage=3,
    reads_only=True,
    quick=True,
)
@each_of_ours
def test_local_origin(platform: Api, origin: str) -> None:
    response = platform.get("/users", headers={"Origin": origin})

    assert response.status_code == 200
    check_granted(response, origin)
    assert read_list(response, "Access-Control-Expose-Headers") >= EXPOSED


@rule(
    "cors.preflight",
    "A preflight of a page of the own machine is granted for every method, and for every header that it asks for.",
    source=sources.CORS,
    stage=3,
    needs=["local"],
    reads_only=True,
    quick=True,
)
@pytest.mark.parametrize(
    ("origin", "method"),
    [
        *((origin, "PUT") for origin in OURS),
        *((OURS[0], method) for method in ("GET", "POST", "PATCH", "DELETE")),
    ],
)
def test_local_preflight(server: Server, origin: str, method: str) -> None:
    for api in (server.platform, server.chat):
        response = api.request(
            "OPTIONS",
            "/users/1" if method == "PUT" else "/nowhere",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": ", ".join(SENT),
            },
        )

        assert response.status_code in (200, 204)
        check_granted(response, origin)
        assert method.lower() in read_list(response, "Access-Control-Allow-Methods")
        assert read_list(response, "Access-Control-Allow-Headers") >= set(SENT)
        assert {"origin", "access-control-request-headers"} <= read_list(response, "Vary")


@rule(
    "cors.preflight-without-key",
    "A preflight needs no API key, since browsers send none with it.",
    source=sources.CORS,
    stage=3,
    needs=["local"],
    reads_only=True,
)
def test_preflight_without_api_key(server: Server) -> None:
    """Browsers send none of the page's headers with it."""
    bare = server.at_origin("chat")
    asking = {
        "Origin": OURS[0],
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "x-api-key",
    }

    response = bare.request("OPTIONS", "/chats-service/api/v1/chats/x/favorite", headers=asking)

    assert response.status_code in (200, 204)
    check_granted(response, OURS[0])


@rule(
    "cors.errors",
    "Errors can be read by the pages that may read successes.",
    source=sources.CORS,
    needs=["admin", "local"],
    stage=3,
)
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/users/unknown", {}, 404),
        ("POST", "/users", {}, 400),
        ("GET", "/error", {}, 500),
        ("PUT", "/users", {}, 405),
    ],
)
def test_readable_errors(platform: Api, method: str, path: str, body: Any, status: int) -> None:
    response = platform.request(method, path, body, headers={"Origin": OURS[0]})

    check_error(response, status)
    check_granted(response, OURS[0])


@rule(
    "cors.foreign",
    "A page of a foreign origin may read nothing.",
    source=sources.CORS,
    stage=3,
    needs=["local"],
    reads_only=True,
    quick=True,
)
@pytest.mark.parametrize(
    ("path", "origin"),
    [
        *(("/users", origin) for origin in FOREIGN),
        *((path, FOREIGN[0]) for path in ("/users/1", "/error", "/nope", "/health")),
    ],
)
def test_foreign_origin(platform: Api, path: str, origin: str) -> None:
    check_denied(platform.get(path, headers={"Origin": origin}))


@rule(
    "cors.preflight-foreign",
    "A preflight of a foreign origin is granted nothing.",
    source=sources.CORS,
    stage=3,
    needs=["local"],
    reads_only=True,
)
@each_foreign
def test_foreign_preflight(server: Server, origin: str) -> None:
    for api in (server.platform, server.chat):
        check_denied(
            api.request("OPTIONS", "/users", headers={"Origin": origin, "Access-Control-Request-Method": "PUT"})
        )


@rule(
    "cors.preflight-names",
    "What cannot be the name of a header is not granted.",
    source=sources.CORS,
    stage=3,
    needs=["local"],
    reads_only=True,
)
def test_requested_header_names(platform: Api) -> None:
    """What cannot be the name of a header is not granted, and ends up in no header of the response."""
    for requested in ("x-a, no name", "x-a, x:b", 'x-a, "b"', "x-a, (c)"):
        asking = {
            "Origin": OURS[0],
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": requested,
        }
        response = platform.request("OPTIONS", "/users", headers=asking)
        assert read_list(response, "Access-Control-Allow-Headers") == {"x-a"}


@rule(
    "cors.vary",
    "Every response varies with Origin.",
    source=sources.CORS,
    stage=3,
    reads_only=True,
)
def test_vary(platform: Api) -> None:
    assert "origin" in read_list(platform.get("/users"), "Vary")


@rule(
    "cors.no-origin",
    "A request without Origin gets no CORS headers.",
    needs=["caller"],
    source=sources.CORS,
    stage=3,
    reads_only=True,
)
def test_no_origin(platform: Api) -> None:
    check_denied(platform.get("/users"))


@rule(
    "cors.polling-foreign",
    "A page of a foreign origin cannot poll for events.",
    source=sources.CORS,
    stage=3,
    needs=["events", "local"],
    reads_only=True,
)
@each_foreign
def test_foreign_polling(server: Server, origin: str) -> None:
    response = server.at_origin("platform").get("/socket.io/?EIO=4&transport=polling", headers={"Origin": origin})

    assert response.status_code in (400, 403)
    check_denied(response)


@rule(
    "cors.polling",
    "A page of the own machine may poll for events.",
    source=sources.CORS,
    stage=3,
    needs=["events", "local"],
    reads_only=True,
)
@each_of_ours
def test_local_polling(server: Server, origin: str) -> None:
    response = server.at_origin("platform").get("/socket.io/?EIO=4&transport=polling", headers={"Origin": origin})

    assert response.status_code == 200
    check_granted(response, origin)


@rule(
    "cors.simple-requests",
    "A change that a page of a foreign origin sends without a preflight is 403 and has no effect.",
    source=sources.CORS,
    stage=3,
    needs=["admin", "local"],
)
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_simple_requests(platform: Api, media_type: str) -> None:
    body = build_user()

    response = platform.post("/users", body, headers={"Origin": "http://evil.example", "Content-Type": media_type})

    check_error(response, 403)
    check_denied(response)
    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 0
