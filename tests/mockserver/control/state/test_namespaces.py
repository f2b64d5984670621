"""`/namespaces`: listing, creating from presets and with settings of their own, dropping."""

from __future__ import annotations

from typing import Any

import pytest

from duologue_mock.http.namespaces import IDLE_LIFETIME, RUN_TIME_SETTINGS
from duologue_mock.settings import SETTINGS
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.state.calls import Calls, create_calls, list_errors

START = "2024-06-01T12:00:00.000Z"
DEFAULT: dict[str, Any] = {
    "name": "default",
    "preset": None,
    "settings": {},
    "usedAt": None,
    "users": 2,
    "chats": 1,
    "logins": 0,
}


def test_list(calls: Calls) -> None:
    calls.in_namespace("w1").login()
    assert calls.get("/namespaces") == {
        "namespaces": [DEFAULT, {**DEFAULT, "name": "w1", "usedAt": START, "logins": 1}],
        "meta": {"total": 2},
    }


def test_put_creates(calls: Calls) -> None:
    created = calls.check("PUT", "/namespaces/w1", {"preset": "empty", "settings": {"require_auth": True}})
    assert created == {
        **DEFAULT,
        "name": "w1",
        "preset": "empty",
        "settings": {"require_auth": True},
        "usedAt": START,
        "users": 0,
        "chats": 0,
    }
    assert calls.in_namespace("w1").request("GET", "/api/users").status_code == 401
    assert calls.request("GET", "/api/users").status_code == 200


def test_put_without_body(calls: Calls) -> None:
    calls.check("PUT", "/namespaces/w1")
    assert calls.in_namespace("w1").list_emails() == calls.list_emails()


@pytest.mark.parametrize("name", ["w1", "default"])
def test_put_replaces(calls: Calls, name: str) -> None:
    """Whatever was in it is gone, as are the settings; the default namespace too can be made anew."""
    steered = calls.in_namespace(name)
    calls.check("PUT", f"/namespaces/{name}", {"settings": {"require_auth": True}})
    token = steered.login()["token"]
    steered.check("PUT", "/snapshots/one")
    steered.check("POST", "/clock/advance", {"milliseconds": 1000})
    calls.check("PUT", f"/namespaces/{name}", {"preset": "empty"})
    assert steered.list_emails() == []
    assert steered.get_me(token) == 401
    assert steered.get("/snapshots")["snapshots"] == []
    assert steered.get("/clock")["offsetMilliseconds"] == 0


def test_reset_returns_to_its_start(calls: Calls) -> None:
    calls.check("PUT", "/namespaces/w1", {"preset": "empty", "settings": {"rate_limit": 3}})
    steered = calls.in_namespace("w1")
    steered.create_user("a@example.com")
    steered.check("POST", "/reset")
    assert steered.list_emails() == []
    assert steered.request("GET", "/api/users").headers["RateLimit-Remaining"] == "1"


SETTINGS_IN_USE = [
    ({"api_keys": ["other-key"]}, "GET", "/chats-service/api/v1/chats", 401),
    ({"require_auth": True}, "GET", "/api/users", 401),
    ({"rate_limit": 1}, "GET", "/api/users", 200),
]


@pytest.mark.parametrize(("changed", "method", "path", "status"), SETTINGS_IN_USE)
def test_settings_apply(calls: Calls, changed: Any, method: str, path: str, status: int) -> None:
    headers = {"x-api-key": "dev-api-key", "x-user-id": "ann", "Unique-Reference-Code": "one"}
    calls.check("PUT", "/namespaces/w1", {"settings": changed})
    steered = calls.in_namespace("w1")
    assert steered.request(method, path, **headers).status_code == status
    assert calls.request(method, path, **headers).status_code == 200
    assert steered.request(method, path, **headers).status_code == (429 if "rate_limit" in changed else status)


@pytest.mark.parametrize("name", ["access_token_lifetime", "refresh_token_lifetime"])
def test_lifetimes_apply(calls: Calls, name: str) -> None:
    steered = calls.in_namespace("w1")
    steered.check("PUT", "/namespaces/w1", {"settings": {name: 10}})
    tokens = steered.login()
    steered.check("POST", "/clock/advance", {"milliseconds": 10_000})
    refreshed = steered.request("POST", "/api/auth/refresh", {"refreshToken": tokens["refreshToken"]}).status_code
    is_access = name == "access_token_lifetime"
    assert (steered.get_me(tokens["token"]), refreshed) == ((401, 200) if is_access else (200, 401))


INVALID = [
    ({"presets": "empty"}, "/presets"),
    ({"preset": 3}, "/preset"),
    ({"settings": []}, "/settings"),
    ({"settings": {"rate_limits": 3}}, "/settings/rate_limits"),
    ({"settings": {"rate_limit": 0}}, "/settings/rate_limit"),
    ({"settings": {"rate_limit": "3"}}, "/settings/rate_limit"),
    ({"settings": {"rate_limit": True}}, "/settings/rate_limit"),
    ({"settings": {"require_auth": 1}}, "/settings/require_auth"),
    ({"settings": {"require_auth": None}}, "/settings/require_auth"),
    ({"settings": {"access_token_lifetime": -1}}, "/settings/access_token_lifetime"),
    ({"settings": {"api_keys": []}}, "/settings/api_keys"),
    ({"settings": {"api_keys": "key"}}, "/settings/api_keys"),
    ({"settings": {"api_keys": [1]}}, "/settings/api_keys"),
    ({"settings": {"api_keys": 1}}, "/settings/api_keys"),
    *(({"settings": {name: "x"}}, f"/settings/{name}") for name in SETTINGS if name not in RUN_TIME_SETTINGS),
]


@pytest.mark.parametrize(("body", "pointer"), INVALID, ids=[f"{n}-{row[1]}" for n, row in enumerate(INVALID)])
def test_invalid_start(calls: Calls, body: Any, pointer: str) -> None:
    response = calls.control("PUT", "/namespaces/w1", body)
    assert (response.status_code, list_errors(response)[0][0]) == (422, pointer)
    assert len(calls.get("/namespaces")["namespaces"]) == 1


def test_rate_limit_switched_off(clock: ManualClock) -> None:
    calls = create_calls(clock, rate_limit=1)
    calls.check("PUT", "/namespaces/w1", {"settings": {"rate_limit": None}})
    statuses = [calls.in_namespace("w1").request("GET", "/api/users").status_code for _ in range(3)]
    assert statuses == [200, 200, 200]


def test_unknown_preset(calls: Calls) -> None:
    response = calls.control("PUT", "/namespaces/w1", {"preset": "nothing"})
    assert response.status_code == 404
    assert "empty" in list_errors(response)[0][1]
    assert len(calls.get("/namespaces")["namespaces"]) == 1


@pytest.mark.parametrize("name", ["W1", "a_b", "x" * 64, "%C3%A9"])
def test_invalid_name(calls: Calls, name: str) -> None:
    assert calls.control("PUT", f"/namespaces/{name}").status_code == 400


def test_drop(calls: Calls) -> None:
    steered = calls.in_namespace("w1")
    steered.create_user("a@example.com")
    seen = steered.get("/coverage")
    assert next(row["count"] for row in seen["operations"] if row["operation"] == "users.CREATE") == 1
    assert calls.check("DELETE", "/namespaces/w1") == {"coverage": seen, "byRule": {}}
    assert [one["name"] for one in calls.get("/namespaces")["namespaces"]] == ["default"]
    assert steered.list_emails() == calls.list_emails()


@pytest.mark.parametrize(("name", "status"), [("w9", 404), ("default", 409), ("W 1", 404)])
def test_what_is_not_dropped(calls: Calls, name: str, status: int) -> None:
    assert calls.control("DELETE", f"/namespaces/{name}").status_code == status
    assert calls.get("/namespaces")["meta"]["total"] == 1


def test_idle_namespace_is_dropped(calls: Calls, clock: ManualClock) -> None:
    """After an hour without a request, also if the next one names it."""
    steered = calls.in_namespace("w1")
    steered.create_user("a@example.com")
    clock.advance(IDLE_LIFETIME - 1)
    before = len(steered.list_emails())
    clock.advance(IDLE_LIFETIME)
    assert (before, len(steered.list_emails())) == (3, 2)


def test_same_seed_in_each_namespace(calls: Calls) -> None:
    """Ids are the same, but a token of one is unknown in another."""
    one, other = calls.in_namespace("w1"), calls.in_namespace("w2")
    tokens = [steered.login() for steered in (one, other)]
    assert tokens[0]["refreshToken"] != tokens[1]["refreshToken"]
    assert (one.get_me(tokens[0]["token"]), one.get_me(tokens[1]["token"])) == (200, 401)
    refreshed = one.request("POST", "/api/auth/refresh", {"refreshToken": tokens[1]["refreshToken"]})
    assert refreshed.status_code == 401


def test_tokens_with_a_given_secret(clock: ManualClock) -> None:
    calls = create_calls(clock, secret="s" * 32)
    token = calls.in_namespace("w1").login()["token"]
    calls.in_namespace("w2").login()
    assert calls.in_namespace("w2").get_me(token) == 401
