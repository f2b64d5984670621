"""The WSGI application: which way a request goes, and what every response has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import request as flask_request

from duologue.contract import CHAT, Operation, headers, operations
from duologue.contract.core import Access
from duologue.contract.error_body import ErrorBodySchema
from duologue_mock import Settings, create_app
from duologue_mock.http.messages import Request, Response
from duologue_mock.store import State
from duologue_mock.store.seed import Fixtures
from tests.mockserver.clocks import ManualClock
from tests.mockserver.mocks import CHAT_HEADERS, Mock

pytestmark = pytest.mark.slow

each_operation = pytest.mark.parametrize("one", operations(), ids=lambda one: one.id)

ORIGIN = "http://localhost:5173"


@pytest.fixture
def mock(clock: ManualClock) -> Mock:
    return Mock(clock)


def build_path(one: Operation[Any], id: str = "unknown") -> str:
    return one.route.format_map(dict.fromkeys(one.parameters, id))


def build_headers(one: Operation[Any]) -> dict[str, str]:
    return CHAT_HEADERS if one.service is CHAT and one.access is not Access.PUBLIC else {}


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/asyncapi.json", "/docs", "/socket.io/?EIO=4", "/nowhere"])
def test_preflight_anywhere(mock: Mock, path: str) -> None:
    """Not only operations: the preflight of any path is granted the headers that it names."""
    sent = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "traceparent"}
    response = mock.app.test_client().options(path, headers=sent)
    assert (response.status_code, response.headers["Access-Control-Allow-Headers"]) == (204, "traceparent")
    assert response.headers.getlist("Vary") == ["Origin, Access-Control-Request-Headers"]


ANYWHERE = [
    "/api/users",
    "/chats-service/api/v1/chats",
    "/openapi.json",
    "/asyncapi.json",
    "/docs",
    "/",
    "/nowhere",
    "/socket.io/?EIO=4",
]


@pytest.mark.parametrize("path", ANYWHERE)
def test_common_headers(mock: Mock, path: str) -> None:
    response = mock.app.test_client().get(path, headers={"Origin": ORIGIN})
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Origin" in response.headers["Vary"]
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers[headers.REQUEST_ID]
    if response.status_code >= 400:
        assert ErrorBodySchema().load(response.json).metadata.request_id == response.headers[headers.REQUEST_ID]


@pytest.mark.parametrize("path", ANYWHERE)
def test_request_id_is_kept(mock: Mock, path: str) -> None:
    response = mock.app.test_client().get(path, headers={headers.REFERENCE_CODE: "my-own-name"})
    assert response.headers[headers.REQUEST_ID] == "my-own-name"


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\x1bb", "ü"])
def test_invalid_request_id(mock: Mock, name: str) -> None:
    response = mock.app.test_client().get("/api/users", headers={headers.REFERENCE_CODE: name})
    assert response.headers[headers.REQUEST_ID].startswith("req-")


def test_request_ids_are_unique(mock: Mock) -> None:
    names = {mock.app.test_client().get("/api/health").headers[headers.REQUEST_ID] for _ in range(20)}
    assert len(names) == 20


@pytest.mark.parametrize("path", ANYWHERE)
def test_foreign_origin_anywhere(mock: Mock, path: str) -> None:
    response = mock.app.test_client().get(path, headers={"Origin": "http://evil.example"})
    assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("path", ANYWHERE)
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, 421), ({"Host": "localhost/x"}, 400), ({"Origin": "http://evil.example"}, 403)],
)
def test_origin_policy_comes_first(mock: Mock, path: str, headers: dict[str, str], status: int) -> None:
    response = mock.app.test_client().post(path, headers=headers)
    assert response.status_code == status
    ErrorBodySchema().load(response.json)


@each_operation
def test_options(mock: Mock, one: Operation[Any]) -> None:
    response = mock.app.test_client().options(build_path(one))
    assert (response.status_code, response.data) == (204, b"")
    allowed = {other.method for other in operations() if other.route == one.route}
    assert set(response.headers["Allow"].split(", ")) == allowed | {"OPTIONS"} | (
        {"HEAD"} if "GET" in allowed else set()
    )


@each_operation
def test_preflight(mock: Mock, one: Operation[Any]) -> None:
    response = mock.app.test_client().options(
        build_path(one),
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": one.method,
            "Access-Control-Request-Headers": ", ".join([*headers.ACCEPTED, "traceparent"]).lower(),
        },
    )
    assert response.status_code == 204
    assert one.method in response.headers["Access-Control-Allow-Methods"].split(", ")
    granted = {name.lower() for name in response.headers["Access-Control-Allow-Headers"].split(", ")}
    assert granted == {name.lower() for name in headers.ACCEPTED} | {"traceparent"}
    assert response.headers.getlist("Vary") == ["Origin, Access-Control-Request-Headers"]


@each_operation
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_method_not_allowed(mock: Mock, one: Operation[Any], method: str) -> None:
    allowed = {other.method for other in operations() if other.route == one.route}
    if method in allowed:
        return
    response = mock.app.test_client().open(build_path(one), method=method)
    assert response.status_code == 405
    assert method not in response.headers["Allow"].split(", ")
    assert ErrorBodySchema().load(response.json).code == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("slash", ["", "/"])
@each_operation
def test_trailing_slash(mock: Mock, one: Operation[Any], slash: str) -> None:
    bare, slashed = (
        mock.app.test_client().open(build_path(one) + end, method=one.method, headers=build_headers(one))
        for end in ("", slash)
    )
    assert slashed.status_code == bare.status_code
    assert slashed.status_code != 308


@pytest.mark.parametrize(
    "path", ["/api/users%2f2", "/api%2Fusers/2", "/api/users/%2f", "/%2fopenapi.json", "/socket.io%2f"]
)
def test_encoded_slash(mock: Mock, path: str) -> None:
    """Under any server that says what the request's target was."""
    for method in ("DELETE", "GET"):
        response = mock.app.test_client().open(path, method=method)
        assert response.status_code == 404
        ErrorBodySchema().load(response.json)
    assert mock.state.users.get("2")


def test_encoded_slash_in_query(mock: Mock) -> None:
    assert mock.app.test_client().get("/api/users?search=a%2Fb").status_code == 200


@pytest.mark.parametrize("path", ["//", "//openapi.json", "//api/users", "/openapi.json//"])
def test_doubled_slash(mock: Mock, path: str) -> None:
    environ = {"PATH_INFO": path, "REQUEST_URI": path}
    assert mock.app.test_client().get("/", environ_overrides=environ).status_code == 404


def test_page_with_slash(mock: Mock) -> None:
    assert mock.app.test_client().get("/openapi.json/").status_code == 200


def test_body_of_other_routes(mock: Mock) -> None:
    """A route that somebody adds to the application can read the body, which has been read already."""
    mock.app.add_url_rule("/echo", view_func=lambda: flask_request.get_data(), methods=["POST"])
    assert mock.app.test_client().post("/echo", data=b"hello").data == b"hello"


def test_unknown_path_suggestions(mock: Mock) -> None:
    response = mock.app.test_client().get("/api/user")
    assert response.status_code == 404
    assert "GET /api/users" in ErrorBodySchema().load(response.json).details.message


def test_index(mock: Mock) -> None:
    response = mock.app.test_client().get("/").json
    assert response is not None
    assert set(response["operations"]) == {f"{one.method} {one.route}" for one in operations()}


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json", "/docs", "/docs/docs.css", "/"])
def test_pages_are_read_only(mock: Mock, path: str) -> None:
    response = mock.app.test_client().post(path, json={})
    assert response.status_code == 405
    assert {"GET", "HEAD", "OPTIONS"} <= set(response.headers["Allow"].split(", "))
    ErrorBodySchema().load(response.json)


# --- rate limits, in their place


Make = Callable[..., Any]


@pytest.fixture
def client(clock: ManualClock) -> Any:
    state = State(clock=clock)
    Fixtures().seed(state)
    return create_app(Settings(rate_limit=3), state=state).test_client()


def test_rate_limit(client: Any, clock: ManualClock) -> None:
    statuses = [client.get("/api/users").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = client.get("/api/users")
    assert refused.headers[headers.RETRY_AFTER] == "60"
    assert ErrorBodySchema().load(refused.json).code == "RATE_LIMIT_ERROR"
    clock.advance(60)
    assert client.get("/api/users").status_code == 200


def test_headers_are_unique(client: Any) -> None:
    for _ in range(5):
        names = [name.lower() for name, _ in client.get("/api/users", headers={"Origin": ORIGIN}).headers]
        assert len(names) == len(set(names))


def test_chat_users_have_own_limits(client: Any) -> None:
    path = "/chats-service/api/v1/chats"
    for user in ("ann", "bob"):
        statuses = [client.get(path, headers={**CHAT_HEADERS, "x-user-id": user}).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


def test_guessing_keys_is_limited(client: Any) -> None:
    """Guesses are counted against the address, not against the guessed callers."""
    path = "/chats-service/api/v1/chats"
    statuses = [client.get(path, headers={**CHAT_HEADERS, "x-api-key": f"guess-{n}"}).status_code for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert client.get(path, headers=CHAT_HEADERS).status_code == 200
    assert client.get("/api/users").status_code == 200


def test_limited_request_changes_nothing(client: Any) -> None:
    for _ in range(3):
        client.get("/api/users")
    response = client.post("/api/users", json={"name": "Ada", "email": "ada@example.com"})
    assert response.status_code == 429


# --- request hooks


def test_failing_request_hook(clock: ManualClock) -> None:
    def observe(request: Request, reply: Response) -> None:
        raise ZeroDivisionError

    app = create_app(Settings(), request_hooks=[observe])
    with pytest.raises(ZeroDivisionError):  # the HTTP server responds with 500
        app.test_client().get("/api/health")
