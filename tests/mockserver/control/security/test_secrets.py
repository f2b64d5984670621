"""No list of the control API shows a password, token or key that a request brought, wherever it stood."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mockserver.control.security.targets import READING, STREAM, Victim

MARK = "5ecre7"
"""In each secret."""

COMPLETE = ("/state", "/snapshots/{name}/diff")
"""They show the data itself, the users' passwords included: what is exported can be imported."""

REQUESTS: dict[str, tuple[str, str, Any, dict[str, str]]] = {
    "a login": ("POST", "/api/auth/login", {"email": "john@example.com", "password": f"{MARK}-password"}, {}),
    "a refresh": ("POST", "/api/auth/refresh", {"refreshToken": f"{MARK}-refresh"}, {}),
    "a bearer token": ("GET", "/api/users", None, {"Authorization": f"Bearer {MARK}.access.token"}),
    "basic credentials": ("GET", "/api/users", None, {"Authorization": f"Basic {MARK}"}),
    "an API key": ("GET", "/chats-service/api/v1/chats", None, {"x-api-key": f"{MARK}-key"}),
    "a cookie": ("GET", "/api/users", None, {"Cookie": f"session={MARK}"}),
    "a query parameter": ("GET", f"/api/users?access_token={MARK}&password={MARK}", None, {}),
    "an unknown field": ("POST", "/api/users", {"name": "A", "email": "a@example.com", "password": f"{MARK}-new"}, {}),
    "a path of nothing": ("GET", f"/nowhere?api_key={MARK}", None, {"Authorization": f"Bearer {MARK}"}),
}


@pytest.fixture(params=REQUESTS.values(), ids=list(REQUESTS))
def victim(request: pytest.FixtureRequest) -> Victim:
    victim = Victim()
    method, path, body, headers = request.param
    client = victim.app.test_client(use_cookies=False)  # so that the header `Cookie` is the request's own
    client.open(path, method=method, json=body, headers=headers)
    return victim


def test_lists_are_redacted(victim: Victim) -> None:
    shown = ""
    for endpoint in READING:
        if endpoint.path not in (STREAM, *COMPLETE):
            shown += victim.attack(endpoint).text
    for entry in victim.call("GET", "/requests").get_json()["requests"]:
        shown += victim.call("GET", f"/requests/{entry['id']}").text
    for path in ("/requests/find", "/near-misses/request-pattern", "/requests/near-misses/request-pattern"):
        shown += victim.call("POST", path, {"url": "/missed"}).text
    assert MARK not in shown
    assert "[REDACTED]" in shown


def test_waiting_is_redacted(victim: Victim) -> None:
    response = victim.call("POST", "/requests/wait", {"urlPattern": ".*", "count": 1, "timeoutMilliseconds": 1000})
    assert response.status_code == 200
    assert MARK not in response.text


def test_granted_tokens_are_redacted() -> None:
    """Those that the mock made."""
    victim = Victim()
    granted = victim.request(
        "POST", "/api/auth/login", {"email": "john@example.com", "password": "password"}
    ).get_json()
    shown = "".join(victim.attack(one).text for one in READING if one.path not in (STREAM, *COMPLETE))
    for secret in (granted["token"], granted["refreshToken"]):
        assert secret not in shown


def test_secrets_are_matched() -> None:
    """What is not shown can be asked for all the same."""
    victim = Victim()
    victim.request("GET", "/api/users", Authorization=f"Bearer {MARK}")
    pattern = {"urlPath": "/api/users", "headers": {"Authorization": {"equalTo": f"Bearer {MARK}"}}}
    assert victim.call("POST", "/requests/count", pattern).get_json()["count"] == 1
