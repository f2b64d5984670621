"""`/clock`: setting, stopping and advancing the time, and what obeys it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.state.calls import Calls, create_calls, list_errors

START = "2024-06-01T12:00:00.000Z"
DAY = 24 * 3600 * 1000


def clock(now: str, *, frozen: bool = False, offset: int = 0) -> dict[str, Any]:
    return {"now": now, "frozen": frozen, "offsetMilliseconds": offset}


def test_real_time(calls: Calls) -> None:
    assert calls.get("/clock") == clock(START)


def test_advance(calls: Calls) -> None:
    advanced = clock("2024-06-02T12:00:00.000Z", offset=DAY)
    assert calls.check("POST", "/clock/advance", {"milliseconds": DAY}) == advanced
    assert calls.get("/clock") == advanced


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, clock(START)),
        ({"frozen": True}, clock(START, frozen=True)),
        ({"frozen": False}, clock(START)),
        ({"now": "2030-01-01T01:00:00+01:00", "frozen": True}, clock("2030-01-01T00:00:00.000Z", frozen=True)),
        ({"now": "2024-06-01T11:59:59.5Z"}, clock("2024-06-01T11:59:59.500Z", offset=-500)),
    ],
    ids=["nothing", "freeze", "unfreeze", "freeze at", "set back"],
)
def test_put(calls: Calls, change: Any, expected: Any) -> None:
    assert calls.check("PUT", "/clock", change) == expected
    assert calls.get("/clock") == expected


def test_frozen_clock_is_advanced(calls: Calls) -> None:
    calls.check("PUT", "/clock", {"frozen": True})
    assert calls.check("POST", "/clock/advance", {"milliseconds": 1}) == clock("2024-06-01T12:00:00.001Z", frozen=True)


def test_delete_returns_to_machine(calls: Calls) -> None:
    calls.check("PUT", "/clock", {"now": "2030-01-01T00:00:00Z", "frozen": True})
    assert calls.check("DELETE", "/clock") == clock(START)


INVALID = [
    ("PUT", "/clock", {"time": START}, "/time"),
    ("PUT", "/clock", {"now": "yesterday"}, "/now"),
    ("PUT", "/clock", {"now": "2024-06-01T12:00:00"}, "/now"),
    ("PUT", "/clock", {"now": "0000-01-01T00:00:00Z"}, "/now"),
    ("PUT", "/clock", {"now": 0}, "/now"),
    ("PUT", "/clock", {"now": "2030-01-01T00:00:00Z", "frozen": "yes"}, "/frozen"),
    ("PUT", "/clock", {"frozen": 1}, "/frozen"),
    ("PUT", "/clock", [], "/"),
    ("POST", "/clock/advance", {}, "/milliseconds"),
    ("POST", "/clock/advance", {"milliseconds": -1}, "/milliseconds"),
    ("POST", "/clock/advance", {"milliseconds": 1.5}, "/milliseconds"),
    ("POST", "/clock/advance", {"milliseconds": True}, "/milliseconds"),
    ("POST", "/clock/advance", {"milliseconds": "1"}, "/milliseconds"),
    ("POST", "/clock/advance", {"milliseconds": 10**300}, "/milliseconds"),
    ("POST", "/clock/advance", {"milliseconds": 1, "seconds": 1}, "/seconds"),
]


@pytest.mark.parametrize(("method", "path", "body", "pointer"), INVALID)
def test_invalid_values(calls: Calls, method: str, path: str, body: Any, pointer: str) -> None:
    response = calls.control(method, path, body)
    assert (response.status_code, [place for place, _ in list_errors(response)]) == (422, [pointer])
    assert calls.get("/clock") == clock(START)


def test_expire_a_login(calls: Calls) -> None:
    token = calls.login()["token"]
    calls.check("POST", "/clock/advance", {"milliseconds": 3600 * 1000 - 1})
    before = calls.get_me(token)
    calls.check("POST", "/clock/advance", {"milliseconds": 1})
    assert (before, calls.get_me(token)) == (200, 401)


def test_rate_limit_obeys(clock: ManualClock) -> None:
    calls = create_calls(clock, rate_limit=1)
    statuses = [calls.request("GET", "/api/users").status_code for _ in range(2)]
    calls.check("POST", "/clock/advance", {"milliseconds": 60_000})
    statuses.append(calls.request("GET", "/api/users").status_code)
    assert statuses == [200, 429, 200]


def test_idempotency_key_obeys(calls: Calls) -> None:
    def create(email: str) -> int:
        return calls.create_user(email, **{"Idempotency-Key": "key-1"}).status_code

    statuses = [create("a@example.com"), create("b@example.com")]
    calls.check("POST", "/clock/advance", {"milliseconds": DAY})
    assert [*statuses, create("b@example.com")] == [201, 422, 201]


def list_stubs(calls: Calls) -> Any:
    return calls.get("/mappings")["mappings"]


def list_message_mappings(calls: Calls) -> Any:
    return calls.get("/message-mappings")["messageMappings"]


def list_other_namespaces(calls: Calls) -> Any:
    return [one["name"] for one in calls.get("/namespaces")["namespaces"] if one["name"] != "default"]


STUB = {"request": {"urlPath": "/x"}, "response": {"status": 200}, "expiresAfterMilliseconds": 3_600_000}
DROPPED_EVENT = {"event": "user:deleted", "action": "drop", "expiresAfterMilliseconds": 3_600_000}

EXPIRING: dict[str, tuple[tuple[str, str, Any], Callable[[Calls], Any]]] = {
    "stub": (("POST", "/mappings", STUB), list_stubs),
    "message mapping": (("POST", "/message-mappings", DROPPED_EVENT), list_message_mappings),
    "offline": (("POST", "/offline", {"milliseconds": 3_600_000}), lambda calls: calls.get("/offline")["offline"]),
    "namespace": (("PUT", "/namespaces/w1", {}), list_other_namespaces),
}


@pytest.mark.parametrize(("create", "observe"), EXPIRING.values(), ids=EXPIRING)
@pytest.mark.parametrize("frozen", [False, True], ids=["running", "stopped"])
def test_what_expires_obeys(
    calls: Calls, create: tuple[str, str, Any], observe: Callable[[Calls], Any], frozen: bool
) -> None:
    calls.check("PUT", "/clock", {"frozen": frozen})
    assert not observe(calls)
    calls.check(*create)
    calls.check("POST", "/clock/advance", {"milliseconds": 3_599_999})
    assert observe(calls)
    calls.check("POST", "/clock/advance", {"milliseconds": 1})
    assert not observe(calls)


def test_timestamps_obey(calls: Calls) -> None:
    calls.check("PUT", "/clock", {"now": "1999-12-31T23:59:59Z", "frozen": True})
    response = calls.request("GET", "/api/health")
    assert "1999-12-31T23:59:59.000Z" in response.text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_api_in_first_and_last_year(calls: Calls, moment: str) -> None:
    calls.check("PUT", "/clock", {"now": moment})
    token = calls.login()["token"]
    headers = {"x-api-key": "dev-api-key", "x-user-id": "ann", "Unique-Reference-Code": "one"}
    chat = calls.request("POST", "/chats-service/api/v1/chats", {"title": "Trip"}, **headers)
    assert calls.get_me(token) == 200
    assert chat.status_code == 201, chat.text


def test_clock_of_one_namespace(calls: Calls) -> None:
    calls.in_namespace("w1").check("POST", "/clock/advance", {"milliseconds": DAY})
    assert calls.get("/clock") == clock(START)
    assert calls.in_namespace("w2").get("/clock") == clock(START)


def test_clock_event(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[tuple[str, Any]] = []
    events = calls.namespace.interceptor.events  # type: ignore[union-attr]
    monkeypatch.setattr(events, "publish", lambda kind, data: published.append((kind, data)))
    calls.check("POST", "/clock/advance", {"milliseconds": 1})
    assert published == [("clock", clock("2024-06-01T12:00:00.001Z", offset=1))]
