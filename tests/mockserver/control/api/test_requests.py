"""`/__admin/requests`, as WireMock has it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.mockserver.clocks import START, ManualClock
from tests.mockserver.mocks import CHAT_HEADERS, Mock

SESSIONS = "/chats-service/api/v1/chats"


@pytest.fixture
def client(clock: ManualClock) -> FlaskClient:
    """A mock that has been sent five requests, a second apart."""
    client = Mock(clock).app.test_client()
    for path in ("/api/users/1", "/nowhere", "/api/users?page=1", "/api/users/99", "/nowhere/else"):
        client.get(path, headers={"X-Name": path})
        clock.advance(1)
    return client


def get(client: FlaskClient, path: str, **headers: str) -> Any:
    response = client.get(f"/__admin{path}", headers=headers)
    assert response.status_code == 200, response.json
    return response.json


def post(client: FlaskClient, path: str, body: Any, status: int = 200) -> Any:
    response = client.post(f"/__admin{path}", json=body)
    assert response.status_code == status, response.json
    return response.json


def list_urls(requests: list[Any]) -> list[str]:
    return [one.get("request", one)["url"] for one in requests]


def test_list_is_newest_first(client: FlaskClient) -> None:
    shown = get(client, "/requests")
    assert list_urls(shown["requests"]) == [
        "/nowhere/else", "/api/users/99", "/api/users?page=1", "/nowhere", "/api/users/1"
    ]  # fmt: skip
    assert (shown["meta"], shown["requestJournalDisabled"]) == ({"total": 5}, False)


@pytest.mark.parametrize(
    ("query", "urls", "total"),
    [
        ("limit=2", ["/nowhere/else", "/api/users/99"], 5),
        ("limit=0", [], 5),
        ("unmatched=true", ["/nowhere/else", "/nowhere"], 2),
        ("unmatched=false&limit=1", ["/nowhere/else"], 5),
        ("unmatched=true&limit=1", ["/nowhere/else"], 2),
        (f"since={START + timedelta(seconds=3):%Y-%m-%dT%H:%M:%SZ}", ["/nowhere/else"], 5),
        (f"since={(START + timedelta(seconds=3.999)).isoformat()}", ["/nowhere/else"], 5),
        (f"since={(START + timedelta(seconds=4)).isoformat()}", [], 5),
        ("since=2024-06-01T14:00:03%2B02:00", ["/nowhere/else"], 5),
        ("since=2024-06-01T14:00:03+02:00", ["/nowhere/else"], 5),
        ("matchingStub=7e49d6e9-0208-4fc5-b726-f102dc7f51e3", [], 0),
    ],
)  # fmt: skip
def test_selection(client: FlaskClient, query: str, urls: list[str], total: int) -> None:
    shown = get(client, f"/requests?{query}")
    assert (list_urls(shown["requests"]), shown["meta"]) == (urls, {"total": total})


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("limit=x", 400, "limit must be"),
        ("limit=-1", 400, "limit must be"),
        ("since=yesterday", 400, "yesterday is not a valid ISO8601 date"),
        ("since=2024-06-01", 400, "2024-06-01 is not a valid ISO8601 date"),
        ("matchingStub=abc", 400, "Query parameter matchingStub value 'abc' is not a valid UUID"),
        ("sinc=2024", 422, "sinc"),
    ],
)
def test_selection_that_is_invalid(client: FlaskClient, query: str, status: int, text: str) -> None:
    response = client.get(f"/__admin/requests?{query}")
    assert (response.status_code, text in response.text) == (status, True), response.text


def test_unmatched(client: FlaskClient) -> None:
    shown = get(client, "/requests/unmatched")
    assert list_urls(shown["requests"]) == ["/nowhere/else", "/nowhere"]
    assert "id" not in shown["requests"][0]


def test_find_is_oldest_first(client: FlaskClient) -> None:
    shown = post(client, "/requests/find", {"urlPathPattern": "/api/.*"})
    assert list_urls(shown["requests"]) == ["/api/users/1", "/api/users?page=1", "/api/users/99"]
    assert shown["requestJournalDisabled"] is False


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ({}, 5),
        ({"method": "POST"}, 0),
        ({"operation": "users.GET"}, 2),
        ({"headers": {"x-name": {"contains": "api"}}}, 3),
    ],
    ids=range(4),
)
def test_count(client: FlaskClient, pattern: Any, count: int) -> None:
    assert post(client, "/requests/count", pattern) == {"count": count, "requestJournalDisabled": False}


@pytest.mark.parametrize("endpoint", ["count", "find", "remove", "wait"])
def test_pattern_that_is_invalid(client: FlaskClient, endpoint: str) -> None:
    errors = post(client, f"/requests/{endpoint}", {"method": "GET", "urll": "/"}, 422)["errors"]
    assert [one["source"]["pointer"] for one in errors] == ["/urll"]
    assert get(client, "/requests")["meta"] == {"total": 5}


def test_remove(client: FlaskClient) -> None:
    removed = post(client, "/requests/remove", {"urlPattern": "/nowhere.*"})["serveEvents"]
    assert list_urls(removed) == ["/nowhere/else", "/nowhere"]
    assert removed[0]["wasMatched"] is False
    assert get(client, "/requests")["meta"] == {"total": 3}


@pytest.mark.parametrize("call", [("DELETE", "/requests"), ("POST", "/requests/reset")], ids=["DELETE", "reset"])
def test_reset(client: FlaskClient, call: tuple[str, str]) -> None:
    response = client.open(f"/__admin{call[1]}", method=call[0])
    assert (response.status_code, response.json) == (200, {})
    assert get(client, "/requests")["meta"] == {"total": 0}


def test_one_entry(client: FlaskClient) -> None:
    entry = get(client, "/requests?limit=1")["requests"][0]
    assert get(client, f"/requests/{entry['id']}") == entry
    response = client.delete(f"/__admin/requests/{entry['id']}")
    assert (response.status_code, response.json) == (200, {})
    assert client.get(f"/__admin/requests/{entry['id']}").status_code == 404
    assert client.delete(f"/__admin/requests/{entry['id']}").status_code == 200, "it is gone already"


@pytest.mark.parametrize("code", ["my-code-1", "a/b c", str(uuid.UUID(int=7))])
def test_entry_by_its_reference_code(client: FlaskClient, code: str) -> None:
    for name in ("first", "second"):
        client.get(f"{SESSIONS}?search={name}", headers={**CHAT_HEADERS, "Unique-Reference-Code": code})
    assert get(client, f"/requests/{quote(code, safe='')}")["request"]["url"] == f"{SESSIONS}?search=second"


@pytest.mark.parametrize(("id", "status"), [("abc", 400), (str(uuid.UUID(int=5, version=4)), 404)])
def test_entry_that_does_not_exist(client: FlaskClient, id: str, status: int) -> None:
    assert client.get(f"/__admin/requests/{id}").status_code == status
    assert client.delete(f"/__admin/requests/{id}").status_code == (200 if status == 404 else 400)


def test_dropped_entries_are_counted(clock: ManualClock) -> None:
    client = Mock(clock, journal=2).app.test_client()
    for _ in range(5):
        client.get("/api/users")
    assert get(client, "/requests")["meta"] == {"total": 2, "dropped": 3}


@pytest.mark.parametrize("setting", [0, None])
def test_journal_that_is_off(clock: ManualClock, setting: int | None) -> None:
    client = Mock(clock, journal=setting).app.test_client()
    client.get("/api/users")
    assert get(client, "/requests") == {"requests": [], "meta": {"total": 0}, "requestJournalDisabled": True}
    assert post(client, "/requests/count", {}) == {"count": -1, "requestJournalDisabled": True}
    assert post(client, "/requests/find", {}) == {"requests": [], "requestJournalDisabled": True}
    assert "--journal" in post(client, "/requests/wait", {}, 409)["errors"][0]["detail"]


def test_control_calls_are_not_recorded(client: FlaskClient) -> None:
    client.get("/__admin/nowhere")
    assert get(client, "/requests")["meta"] == {"total": 5}


def test_namespaces_do_not_meet(client: FlaskClient) -> None:
    client.get("/api/users", headers={"X-Mock-Namespace": "w1"})
    assert get(client, "/requests")["meta"] == {"total": 5}
    there = get(client, "/requests", **{"X-Mock-Namespace": "w1"})["requests"]
    assert list_urls(there) == ["/api/users"]
    assert client.get(f"/__admin/requests/{there[0]['id']}").status_code == 404


def test_wait_for_what_has_come(client: FlaskClient) -> None:
    shown = post(client, "/requests/wait", {"operation": "users.GET", "count": 2, "timeoutMilliseconds": 0})
    assert (list_urls(shown["requests"]), shown["count"]) == (["/api/users/1", "/api/users/99"], 2)


def test_wait_in_vain(client: FlaskClient) -> None:
    """What came near is the answer."""
    pattern = {"urlPath": "/api/users/2", "count": 1, "timeoutMilliseconds": 1}
    shown = post(client, "/requests/wait", pattern, 408)
    assert (shown["count"], shown["errors"][0]["detail"]) == (0, "0 of 1 came within 1 ms.")
    near = shown["nearMisses"]
    assert list_urls([one["request"] for one in near]) == ["/api/users/1", "/api/users/99", "/api/users?page=1"]
    assert near[0]["requestPattern"] == {"method": "ANY", "urlPath": "/api/users/2"}
    assert near[0]["differences"] == ["The path is '/api/users/1'; expected: equal to '/api/users/2'."]
    assert 0 < near[0]["matchResult"]["distance"] < near[1]["matchResult"]["distance"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"count": 0}, "/count"), ({"count": "many"}, "/count"), ({"count": True}, "/count"), ({"count": 1001}, "/count"),
     ({"timeoutMilliseconds": -1}, "/timeoutMilliseconds"), ({"timeoutMilliseconds": 700_000}, "/timeoutMilliseconds"),
     ({"timeout": 5}, "/timeout")],
    ids=str,
)  # fmt: skip
def test_wait_that_is_invalid(client: FlaskClient, body: Any, pointer: str) -> None:
    assert post(client, "/requests/wait", body, 422)["errors"][0]["source"]["pointer"] == pointer


def test_requests_near_a_pattern(client: FlaskClient) -> None:
    for path in ("/near-misses/request-pattern", "/requests/near-misses/request-pattern"):
        near = post(client, path, {"url": "/nowhere", "method": "GET"})["nearMisses"]
        assert list_urls([one["request"] for one in near])[:2] == ["/nowhere", "/nowhere/else"]
        assert near[0]["matchResult"] == {"subEvents": [], "diffDescriptions": [], "distance": 0.0}
        assert near[0]["differences"] == []
        assert len(near) == 3


def test_near_misses_hide_secrets(client: FlaskClient) -> None:
    client.get("/api/auth/me", headers={"Authorization": "Bearer s3cr3t-of-mine"})
    pattern = {"urlPath": "/api/auth/me", "headers": {"Authorization": {"equalTo": "Bearer s3cr3t-of-yours"}}}
    response = client.post("/__admin/near-misses/request-pattern", json=pattern)
    assert '"differences":' in response.text
    assert "s3cr3t-of" not in response.text
    assert (
        post(client, "/requests/count", {"headers": {"authorization": {"equalTo": "Bearer s3cr3t-of-mine"}}})["count"]
        == 1
    )


def test_coverage(client: FlaskClient) -> None:
    client.post("/api/users", json={"name": "Ada", "email": "ada@example.com"})
    shown = get(client, "/coverage")
    rows = {row["operation"]: row["statuses"] for row in shown["operations"] if row["count"]}
    assert rows == {"users.GET": {"200": 1, "404": 1}, "users.LIST": {"200": 1}, "users.CREATE": {"201": 1}}
    assert not any(row["count"] for row in shown["events"]), "an event was counted that no client was sent"
