"""The journal and near misses, where stubs respond: as WireMock does."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.mockserver.clocks import ManualClock
from tests.mockserver.mocks import Mock

OFFERS = {
    "request": {"urlPath": "/hello", "method": "ANY"},
    "response": {"status": 200, "body": "hi", "headers": {"X-A": ["1", "2"]}},
    "metadata": {"team": "offers", "level": 3},
}


@pytest.fixture
def client(clock: ManualClock) -> FlaskClient:
    return Mock(clock).app.test_client()


def call(client: FlaskClient, method: str, path: str, body: Any = None) -> Any:
    response = client.open(f"/__admin{path}", method=method, json=body)
    assert response.status_code in (200, 201), response.text
    return response.json


def add_stub(client: FlaskClient, stub: Any) -> str:
    """Add a stub, and return its id."""
    id: str = call(client, "POST", "/mappings", stub)["id"]
    return id


def test_entry_of_a_stub(client: FlaskClient) -> None:
    id = add_stub(client, OFFERS)
    client.get("/hello?x=1")
    [entry] = call(client, "GET", "/requests")["requests"]
    assert entry["wasMatched"] is True
    assert entry["stubMapping"] == call(client, "GET", f"/mappings/{id}")
    assert entry["responseDefinition"] == OFFERS["response"]
    assert entry["response"]["headers"]["Matched-Stub-Id"] == id
    assert (entry["response"]["headers"]["X-A"], entry["response"]["body"]) == (["1", "2"], "hi")
    assert (entry["operation"], entry["violations"]) == (None, [])


def test_entry_of_a_request_that_took_too_long(client: FlaskClient) -> None:
    """A stub whose pattern runs out of time does not match, whatever responds then, and the entry says why."""
    add_stub(client, {"request": {"url": "/hello"}, "priority": 9})
    add_stub(client, {"request": {"method": "POST", "bodyPatterns": [{"matches": "(x+x+)+y"}]}})
    for body in ("x" * 5_000, "y"):
        for path in ("/hello", "/nowhere"):
            client.post(path, data=body)
    entries = call(client, "GET", "/requests")["requests"]
    assert [one["wasMatched"] for one in entries] == [False, True, False, True]
    assert [len(one.get("exceeded", ())) for one in entries] == [0, 0, 1, 1]
    assert entries[2]["exceeded"] == entries[3]["exceeded"]
    assert "(x+x+)+y" in entries[2]["exceeded"][0]


def test_requests_of_one_stub(client: FlaskClient) -> None:
    first, second = add_stub(client, OFFERS), add_stub(client, {"request": {"url": "/other"}})
    for path in ("/hello", "/other", "/hello?again", "/nowhere"):
        client.get(path)
    shown = call(client, "GET", f"/requests?matchingStub={first}&limit=1")
    assert ([one["request"]["url"] for one in shown["requests"]], shown["meta"]) == (["/hello?again"], {"total": 2})
    assert call(client, "GET", f"/requests?matchingStub={second}")["meta"] == {"total": 1}
    assert call(client, "GET", "/requests?unmatched=true")["meta"] == {"total": 1}


@pytest.mark.parametrize(
    ("matcher", "removed"),
    [({"matchesJsonPath": {"expression": "$.team", "equalTo": "offers"}}, 1), ({"matchesJsonPath": "$.team"}, 1),
     ({"equalToJson": {"team": "offers"}, "ignoreExtraElements": True}, 1), ({"equalToJson": {"team": "offers"}}, 0),
     ({"matchesJsonPath": "$.nothing"}, 0)],
    ids=range(5),
)  # fmt: skip
def test_remove_by_metadata(client: FlaskClient, matcher: Any, removed: int) -> None:
    add_stub(client, OFFERS)
    add_stub(client, {"request": {"url": "/other"}})
    for path in ("/hello", "/other", "/nowhere"):
        client.get(path)
    assert len(call(client, "POST", "/requests/remove-by-metadata", matcher)["serveEvents"]) == removed
    assert call(client, "GET", "/requests")["meta"] == {"total": 3 - removed}


@pytest.mark.parametrize("matcher", [{}, {"foo": 1}, []], ids=str)
def test_metadata_matcher_that_is_none(client: FlaskClient, matcher: Any) -> None:
    assert client.post("/__admin/requests/remove-by-metadata", json=matcher).status_code == 422


@pytest.mark.parametrize(("method", "path", "left"), [("DELETE", "/mappings", 1), ("POST", "/mappings/reset", 0)])
def test_journal_when_stubs_go(client: FlaskClient, method: str, path: str, left: int) -> None:
    add_stub(client, OFFERS)
    client.get("/hello")
    call(client, method, path)
    shown = call(client, "GET", "/requests")
    assert shown["meta"] == {"total": left}
    assert all(one["stubMapping"]["metadata"] == OFFERS["metadata"] for one in shown["requests"])


@pytest.mark.parametrize("path", ["/near-misses/request", "/requests/near-misses/request"])
def test_stubs_near_a_request(client: FlaskClient, path: str) -> None:
    for url in ("/hello", "/help", "/unlike/all/of/them", "/hell"):
        add_stub(client, {"request": {"url": url}})
    near = call(client, "POST", path, {"url": "/helo", "method": "GET"})["nearMisses"]
    assert [one["stubMapping"]["request"]["url"] for one in near] == ["/hello", "/hell", "/help"]
    assert near[0]["request"]["url"] == "/helo"
    assert near[0]["differences"] == ["The url is '/helo'; expected: equal to '/hello'."]
    distances = [one["matchResult"]["distance"] for one in near]
    assert distances == sorted(distances)


def test_request_of_the_journal_is_one(client: FlaskClient) -> None:
    """What the journal shows of a request can be sent back as it is."""
    add_stub(client, {"request": {"url": "/hello", "headers": {"X-A": {"equalTo": "2"}}}})
    client.post("/hello", data=b"x=1", headers={"X-A": "1", "Cookie": "a=b"}, content_type="text/plain")
    [logged] = call(client, "GET", "/requests/unmatched")["requests"]
    [near] = call(client, "POST", "/near-misses/request", logged)["nearMisses"]
    assert near["differences"] == ["The header X-A is '1'; expected: equal to '2'."]
    shown = {name: near["request"][name] for name in logged if not name.startswith("logged")}
    assert shown == {name: value for name, value in logged.items() if not name.startswith("logged")}


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [({"urll": "/"}, "/urll"), ({"url": 5}, "/url"), ({"headers": {"a": 1}}, "/headers/a"),
     ({"headers": []}, "/headers"), ({"port": "80"}, "/port"), ({"bodyAsBase64": "?"}, "/bodyAsBase64"), ([], "/")],
    ids=str,
)  # fmt: skip
def test_request_that_is_none(client: FlaskClient, request_: Any, pointer: str) -> None:
    response = client.post("/__admin/near-misses/request", json=request_)
    assert response.status_code == 422
    assert f'"pointer":"{pointer}"' in response.text


def test_stubs_near_what_was_unmatched(client: FlaskClient) -> None:
    stub = add_stub(client, OFFERS)
    for path in ("/helo", "/hello", "/hullo"):
        client.get(path)
    near = call(client, "GET", "/requests/unmatched/near-misses")["nearMisses"]
    assert [(one["request"]["url"], one["stubMapping"]["id"]) for one in near] == [("/hullo", stub), ("/helo", stub)]


def test_secrets_of_a_stub_are_hidden(client: FlaskClient) -> None:
    add_stub(client, {"request": {"url": "/a", "headers": {"Authorization": {"equalTo": "Bearer abc-def-ghi"}}},
                      "response": {"jsonBody": {"token": "s3cr3t-token"}}})  # fmt: skip
    client.get("/a", headers={"Authorization": "Bearer abc-def-ghi"})
    client.get("/b", headers={"Authorization": "Bearer abc-def-jkl"})
    shown = [client.get(f"/__admin{path}").text for path in ("/requests", "/requests/unmatched/near-misses")]
    assert all("[REDACTED]" in text for text in shown)
    assert not any(secret in text for text in shown for secret in ("abc-def", "s3cr3t"))


def test_preference_in_the_entry(client: FlaskClient) -> None:
    client.post("/api/users", json={}, headers={"Prefer": "code=503"})
    [entry] = call(client, "GET", "/requests")["requests"]
    assert (entry["preference"], entry["response"]["status"]) == ("code=503", 503)


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_requested_error_breaks_no_rule(client: FlaskClient, status: int) -> None:
    add_stub(client, {"request": {"operation": "users.LIST"}, "response": {"passThrough": True, "status": status}})
    for headers in ({}, {"Prefer": f"code={status}"}):
        assert client.get("/api/users", headers=headers).status_code == status
    assert call(client, "GET", "/violations")["violations"] == []


def test_own_refusal_behind_a_stub(client: FlaskClient) -> None:
    add_stub(
        client, {"request": {"operation": "users.CREATE"}, "response": {"passThrough": True, "headers": {"X-A": "1"}}}
    )
    assert client.post("/api/users", json={"name": "Ada"}).status_code == 400
    [entry] = call(client, "GET", "/requests")["requests"]
    assert [one["rule"] for one in entry["violations"]] == ["body-field"]
