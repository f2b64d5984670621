"""Which requests break the contract, by which rule; and which refusals break none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from duologue_mock import MockServer
from duologue_mock.control.watching.rules import RULES, find_violations
from duologue_mock.http.messages import Request, Response
from tests.mockserver.clocks import ManualClock
from tests.mockserver.mocks import CHAT_HEADERS, Mock
from tests.mockserver.raw import peer

CHATS = "/chats-service/api/v1/chats"
SESSION = f"{CHATS}/test-session-1"
JSON = {"Content-Type": "application/json"}


def send(mock: Mock, method: str, path: str, **sent: Any) -> tuple[int, list[dict[str, Any]]]:
    """Return the status of a response, and the violations of the request."""
    status = mock.app.test_client().open(path, method=method, **sent).status_code
    return status, get(mock, "/requests")["requests"][0]["violations"]


def get(mock: Mock, path: str) -> Any:
    """Return what the control API says."""
    response = mock.app.test_client().get(f"/__admin{path}")
    assert response.status_code == 200, response.text
    return response.json


@pytest.fixture
def mock(clock: ManualClock) -> Mock:
    return Mock(clock, max_request_size=1000)


def chat(**headers: str) -> dict[str, str]:
    return {**CHAT_HEADERS, **headers}


BREACHES: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("api-key", "GET", CHATS, {}, "API key required"),
    ("api-key", "GET", CHATS, {"headers": chat(**{"x-api-key": "wrong"})}, "Invalid API key"),
    ("body-field", "POST", "/api/users", {"json": {"name": "Ada", "email": "ada"}}, "email: Not a valid email"),
    ("body-field", "PUT", "/api/users/1", {"json": {"nme": "Ada"}}, "nme: Unknown field."),
    ("body-json", "POST", "/api/users", {"data": b'{"name', "headers": JSON}, "Malformed JSON"),
    ("body-json", "POST", "/api/users", {"data": b"[]", "headers": JSON}, "The body must be a JSON object"),
    ("body-required", "POST", "/api/users", {}, "A JSON body is required"),
    ("body-size", "POST", "/api/users", {"json": {"name": "x" * 2000}}, "The body is too large"),
    ("body-unexpected", "DELETE", "/api/users/2", {"json": {"why": "not"}}, "DELETE /users/{id} takes no body."),
    ("content-type", "POST", "/api/users", {"data": "name=Ada"}, "The body must be JSON in UTF-8"),
    ("content-type", "POST", "/api/users", {"data": b"x", "headers": {**JSON, "Content-Encoding": "br"}},
     "The body must not have a content coding"),
    ("header", "GET", CHATS, {"headers": {"x-api-key": "dev-api-key", "x-user-id": "ada"}},
     "Unique-Reference-Code: This header is required and must not be blank."),
    ("header", "GET", "/api/users/1", {"headers": {"If-Match": "abc"}}, "If-Match: Must be `*` or a list"),
    ("header", "POST", CHATS, {"json": {"title": "A"}, "headers": chat(**{"Idempotency-Key": " "})},
     "Idempotency-Key: Must not be blank."),
    ("host", "GET", "/api/users", {"headers": {"Host": "evil.example"}}, "Misdirected request"),
    ("host", "GET", "/api/users", {"headers": {"Host": "a b"}}, "The Host header is missing or malformed"),
    ("idempotency-key-ignored", "GET", "/api/users", {"headers": {"Idempotency-Key": "a"}}, "GET takes no"),
    ("method", "PUT", "/api/users", {}, "PUT is not allowed here"),
    ("origin", "POST", "/api/users", {"json": {}, "headers": {"Origin": "https://evil.example"}}, "Pages of this"),
    ("path", "GET", "/api/user", {}, "There is nothing at this path"),
    ("path", "GET", "/api/users/a%2Fb", {}, "There is nothing at this path"),
    ("path-trailing-slash", "GET", "/api/users/", {}, "The path ends in a slash: /api/users/"),
    ("query-parameter", "GET", "/api/users?limit=0", {}, "limit: "),
    ("query-parameter", "GET", "/api/users?page=1&page=2", {}, "page: Given twice."),
    ("query-unknown", "GET", "/api/users?pgae=1", {}, "Unknown query parameter 'pgae'; the operation takes limit,"),
    ("query-unknown", "GET", "/api/users/1?x", {}, "Unknown query parameter 'x'; the operation takes none."),
    ("secret-in-url", "GET", "/api/users?access_token=abcd", {}, "The URL has the parameter 'access_token'."),
    ("token", "GET", "/api/auth/me", {}, "Authentication required"),
    ("token", "GET", "/api/users", {"headers": {"Authorization": "Bearer nonsense"}}, "Invalid token"),
    ("token", "GET", "/api/users", {"headers": {"Authorization": "Digest x"}}, "Invalid token"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "method", "path", "sent", "message"),
    BREACHES,
    ids=[f"{row[0]}-{index}" for index, row in enumerate(BREACHES)],
)
def test_breach(mock: Mock, rule: str, method: str, path: str, sent: dict[str, Any], message: str) -> None:
    _, violations = send(mock, method, path, **sent)
    assert [one["rule"] for one in violations].count(rule) >= 1, violations
    [violation] = [one for one in violations if one["rule"] == rule and one["message"].startswith(message)]
    assert violation["cure"].endswith(".")


def test_permission(mock: Mock) -> None:
    token = log_in(mock, "jane@example.com")
    status, violations = send(mock, "DELETE", "/api/users/1", headers={"Authorization": f"Bearer {token}"})
    assert (status, [one["rule"] for one in violations]) == (403, ["permission"])


def test_idempotency_key_reused(mock: Mock) -> None:
    for name in ("Ada", "Bob"):
        body = {"name": name, "email": f"{name}@example.com"}
        status, violations = send(mock, "POST", "/api/users", json=body, headers={"Idempotency-Key": "k-1"})
    assert (status, [one["rule"] for one in violations]) == (422, ["idempotency-key-reused"])


def test_spent_refresh_token(mock: Mock) -> None:
    def refresh(token: str) -> tuple[int, list[str]]:
        status, violations = send(mock, "POST", "/api/auth/refresh", json={"refreshToken": token})
        return status, [one["rule"] for one in violations]

    login = {"email": "john@example.com", "password": "password"}
    token = mock.app.test_client().post("/api/auth/login", json=login).json["refreshToken"]  # type: ignore[index]
    assert [refresh(token) for _ in range(3)] == [(200, []), (401, ["refresh-token-spent"]), (401, [])]


def test_what_is_not_http() -> None:
    broken: list[str] = []

    def note(request: Request, response: Response) -> None:
        broken.extend(violation.rule for violation in find_violations(request, response))

    with MockServer(request_hooks=[note]) as server, peer(server.port) as one:
        one.send(b"GET\r\n\r\n")
        assert one.read_response().status == 400
    assert broken == ["http"]


TESTED_APART = {
    "permission", "idempotency-key-reused", "http", "refresh-token-spent", "retry-after", "retry-without-key"
}  # fmt: skip


def test_every_rule_is_tested() -> None:
    assert {row[0] for row in BREACHES} | TESTED_APART == set(RULES)


def log_in(mock: Mock, email: str) -> str:
    response = mock.app.test_client().post("/api/auth/login", json={"email": email, "password": "password"})
    token: str = json.loads(response.data)["token"]
    return token


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/api/users", {}, 200),
        ("GET", "/api/users?page=1&limit=5&search=a", {}, 200),
        ("HEAD", "/api/users/1", {}, 200),
        ("OPTIONS", "/api/users", {}, 204),
        ("GET", "/", {}, 200),
        ("GET", "/api/users/99", {}, 404),
        ("GET", "/api/error?status=503", {}, 503),
        ("POST", "/api/auth/login", {"json": {"email": "john@example.com", "password": "wrong"}}, 401),
        ("POST", "/api/auth/refresh", {"json": {"refreshToken": "of yesterday"}}, 401),
        ("POST", "/api/users", {"json": {"name": "J", "email": "john@example.com"}}, 409),
        ("PUT", "/api/users/1", {"json": {"name": "J"}, "headers": {"If-Match": '"old"'}}, 412),
        ("PATCH", f"{SESSION}/favorite", {"headers": chat(**{"Idempotency-Key": "a"})}, 200),
        ("GET", f"{CHATS}/unknown", {"headers": chat()}, 404),
    ],
)
def test_no_breach(mock: Mock, method: str, path: str, sent: dict[str, Any], status: int) -> None:
    """What depends on data or time breaks no rule, refused or not."""
    assert send(mock, method, path, **sent) == (status, [])


def test_expired_token_is_no_breach(clock: ManualClock) -> None:
    mock = Mock(clock, access_token_lifetime=10.0)
    headers = {"Authorization": f"Bearer {log_in(mock, 'john@example.com')}"}
    clock.advance(11)
    assert send(mock, "GET", "/api/auth/me", headers=headers) == (401, [])


def test_rate_limit_is_no_breach(clock: ManualClock) -> None:
    mock = Mock(clock, rate_limit=1)
    assert [send(mock, "GET", "/api/users") for _ in range(2)] == [(200, []), (429, [])]


def test_list_of_violations(mock: Mock) -> None:
    send(mock, "GET", "/api/user")
    send(mock, "POST", "/api/users", json={"a": 1, "b": 2, "name": "Ada", "email": "ada@example.com"})
    shown = get(mock, "/violations")
    assert [(one["rule"], one["request"]["url"]) for one in shown["violations"]] == [
        ("body-field", "/api/users"), ("body-field", "/api/users"), ("path", "/api/user")
    ]  # fmt: skip
    assert (shown["byRule"], shown["meta"]) == ({"body-field": 2, "path": 1}, {"total": 3})
    entry = get(mock, f"/requests/{shown['violations'][-1]['request']['id']}")
    assert entry["request"]["url"] == "/api/user"
    only = get(mock, "/violations?rule=path&limit=5")
    assert ([one["rule"] for one in only["violations"]], only["byRule"]) == (["path"], {"path": 1})
    client = mock.app.test_client()
    assert client.get("/__admin/violations?rule=paht").status_code == 400
    client.delete("/__admin/requests")
    assert get(mock, "/violations")["violations"] == []


def test_violations_outlive_the_journal(clock: ManualClock) -> None:
    mock = Mock(clock, journal=2)
    send(mock, "GET", "/api/user")
    for _ in range(3):
        send(mock, "GET", "/api/users")
    assert get(mock, "/violations")["byRule"] == {"path": 1}


def test_documentation_has_every_rule() -> None:
    page = (Path(__file__).parents[4] / "docs" / "control" / "watching.md").read_text("utf-8")
    table = page.partition("| rule | broken by |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == sorted(RULES)
