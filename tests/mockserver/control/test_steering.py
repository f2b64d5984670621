"""Steered responses as a client sees them: stubs over the own response, `Prefer`, CORS, the journal."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import operations
from duologue.contract.core import Operation
from tests.mockserver.control.steered_mock import SteeredMock
from tests.mockserver.mocks import CHAT_HEADERS, REQUESTS

ORIGIN = "http://localhost:5173"
USER = {"name": "Ada", "email": "ada@example.com"}


def test_pass_through_changes_nothing(mock: SteeredMock) -> None:
    own = mock.get("/api/users")
    mock.stub({"passThrough": True}, request={"operation": "users.LIST"})
    steered = mock.get("/api/users")
    assert (steered.status_code, steered.data) == (own.status_code, own.data)
    ours = {"Matched-Stub-Id", "X-Request-Id"}
    assert {pair for pair in steered.headers if pair[0] not in ours} == {
        pair for pair in own.headers if pair[0] not in ours
    }


def test_pass_through_does_the_operation(mock: SteeredMock) -> None:
    mock.stub({"passThrough": True, "status": 202}, request={"operation": "users.CREATE"})
    assert mock.request("POST", "/api/users", USER).status_code == 202
    assert mock.get("/api/users").get_json()["total"] == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 418, 426, 429, 500, 503, 599])
def test_pass_through_of_an_error(mock: SteeredMock, status: int) -> None:
    """The operation is not done, and the body is the one that every error of the mock has."""
    mock.stub({"passThrough": True, "status": status}, request={"operation": "users.CREATE"})
    refused = mock.request("POST", "/api/users", USER)
    body = refused.get_json()
    assert refused.status_code == status
    assert body.keys() == {"message", "code", "details", "errors", "metadata"}
    assert body["metadata"]["requestId"] == refused.headers["X-Request-Id"]
    assert mock.get("/api/users").get_json()["total"] == 2


def test_headers_that_an_error_needs(mock: SteeredMock) -> None:
    for status, name in ((401, "WWW-Authenticate"), (405, "Allow"), (429, "Retry-After"), (503, "Retry-After")):
        assert name in mock.get("/api/users", Prefer=f"code={status}").headers


def test_bare_status_is_empty(mock: SteeredMock) -> None:
    """That is WireMock's: a stub without passThrough is all that is sent."""
    mock.stub({"status": 503}, request={"operation": "users.LIST"})
    refused = mock.get("/api/users")
    assert (refused.status_code, refused.data) == (503, b"")
    assert "Content-Type" not in refused.headers


def test_error_passes_through(mock: SteeredMock) -> None:
    mock.stub({"passThrough": True, "headers": {"X-Stub": "1"}}, request={"operation": "users.GET"})
    missing = mock.get("/api/users/999")
    assert (missing.status_code, missing.headers["X-Stub"]) == (404, "1")


def test_body_patch(mock: SteeredMock) -> None:
    patch = {"email": None, "name": "Patched", "extra": {"a": 1}}
    mock.stub({"passThrough": True, "bodyPatch": patch}, request={"operation": "users.GET"})
    assert mock.get("/api/users/1").get_json() == {"id": "1", "name": "Patched", "role": "admin", "extra": {"a": 1}}
    mock.control("DELETE", "/mappings")
    assert mock.get("/api/users/1").get_json()["name"] == "John Doe"


def test_patch_of_an_envelope(mock: SteeredMock) -> None:
    mock.stub({"passThrough": True, "bodyPatch": {"data": {"title": "T"}}}, request={"operation": "chats.GET"})
    chat = mock.get("/chats-service/api/v1/chats/test-session-1", **CHAT_HEADERS).get_json()
    assert (chat["data"]["title"], chat["data"]["_id"]) == ("T", "test-session-1")


def test_patch_of_a_stateful_response(mock: SteeredMock) -> None:
    mock.stub({"passThrough": True, "bodyPatch": {"hasMore": True}}, request={"operation": "users.LIST"})
    assert mock.request("POST", "/api/users", USER).status_code == 201
    page = mock.get("/api/users").get_json()
    assert (page["total"], page["hasMore"]) == (3, True)


def test_patch_is_seen_despite_caches(mock: SteeredMock) -> None:
    """A client that has the own response asks with its tag: it gets the patched one, which has no tag."""
    tag = mock.get("/api/users/1").headers["ETag"]
    mock.stub({"passThrough": True, "bodyPatch": {"name": "P"}}, request={"operation": "users.GET"})
    patched = mock.get("/api/users/1", If_None_Match=tag)
    assert (patched.status_code, patched.get_json()["name"]) == (200, "P")
    assert "ETag" not in patched.headers


def test_precondition_passes_through(mock: SteeredMock) -> None:
    mock.stub({"passThrough": True}, request={"operation": "users.UPDATE"})
    refused = mock.request("PUT", "/api/users/1", {"name": "N"}, If_Match='"other"')
    assert refused.status_code == 412


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/nothing"])
def test_patch_of_other_pages(mock: SteeredMock, path: str) -> None:
    mock.stub({"passThrough": True, "bodyPatch": {"extra": 1}}, url=path)
    assert mock.get(path).get_json()["extra"] == 1


def test_page_that_is_no_json(mock: SteeredMock) -> None:
    mock.stub({"passThrough": True, "bodyPatch": {"extra": 1}}, url="/")
    assert mock.get("/", Accept="text/html").text.startswith("<!doctype html>")


def test_headers_replace_and_add(mock: SteeredMock) -> None:
    headers = {"cache-control": "max-age=60", "X-A": ["1", "2"], "Vary": "X-B", "X-Request-Id": "mine"}
    mock.stub({"passThrough": True, "headers": headers}, request={"operation": "users.LIST"})
    sent = mock.get("/api/users").headers
    assert sent.getlist("Cache-Control") == ["max-age=60"]
    assert sent.getlist("X-A") == ["1", "2"]
    assert sent.getlist("Vary") == ["X-B"]
    assert sent.getlist("X-Request-Id") == ["mine"]


def test_stub_does_not_change_the_next(mock: SteeredMock) -> None:
    """A response may be shared, as one that is replayed under an idempotency key."""
    key = {"Idempotency-Key": "k"}
    first = mock.request("POST", "/api/users", USER, **key)
    mock.stub({"passThrough": True, "headers": {"X-A": "1"}, "bodyPatch": {"name": "P"}}, url="/api/users", times=1)
    patched, again = (mock.request("POST", "/api/users", USER, **key) for _ in range(2))
    assert (patched.get_json()["name"], again.data) == ("P", first.data)
    assert "X-A" not in again.headers


@pytest.mark.parametrize("response", [{"status": 503}, {"passThrough": True, "status": 503}], ids=str)
def test_fault_is_not_replayed(mock: SteeredMock, response: dict[str, Any]) -> None:
    """The retry under the same idempotency key is the first that is done."""
    mock.stub(response, request={"operation": "users.CREATE"}, times=1)
    key = {"Idempotency-Key": "k"}
    statuses = [mock.request("POST", "/api/users", USER, **key).status_code for _ in range(2)]
    assert statuses == [503, 201]


RESPONSES: list[dict[str, Any]] = [
    {"status": 500},
    {"passThrough": True},
    {"passThrough": True, "status": 500},
    {"passThrough": True, "headers": {"X-A": "1"}},
    {"fault": "MALFORMED_JSON"},
    {"body": "x", "statusMessage": "Own"},
]


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_browser_can_read_it(mock: SteeredMock, response: dict[str, Any]) -> None:
    mock.stub(response, request={"operation": "users.LIST"})
    headers = mock.get("/api/users", Origin=ORIGIN).headers
    assert headers.getlist("Access-Control-Allow-Origin") == [ORIGIN]
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers.getlist("Vary") == ["Origin, Authorization"]


@pytest.mark.parametrize("is_own", [False, True])
def test_cors_of_the_stub_itself(mock: SteeredMock, is_own: bool) -> None:
    """To see what a front end does with a backend that does not grant it."""
    headers = {"access-control-allow-origin": "https://other.example"}
    mock.stub({"passThrough": is_own, "headers": headers}, request={"operation": "users.LIST"})
    sent = mock.get("/api/users", Origin=ORIGIN).headers
    assert sent.getlist("Access-Control-Allow-Origin") == ["https://other.example"]


def test_preflight_is_not_stubbed(mock: SteeredMock) -> None:
    mock.stub({"fault": "EMPTY_RESPONSE"}, request={})
    granted = mock.request("OPTIONS", "/api/users", Origin=ORIGIN, Access_Control_Request_Method="POST")
    assert (granted.status_code, granted.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    with pytest.raises(ConnectionResetError):
        mock.request("OPTIONS", "/api/users")


def test_foreign_page_is_refused_first(mock: SteeredMock) -> None:
    mock.stub({"body": "secret"}, request={}, times=1)
    assert mock.request("POST", "/api/users", Origin="https://evil.example").status_code == 403
    assert mock.get("/x", Host="evil.example").status_code == 421
    assert mock.get("/x").text == "secret"


@pytest.mark.parametrize("path", ["/mappings", "/settings", "/nothing"])
def test_control_is_not_stubbed(mock: SteeredMock, path: str) -> None:
    mock.stub({"fault": "CONNECTION_RESET_BY_PEER"}, request={})
    mock.control("POST", "/settings", {"fixedDelay": 10_000})
    assert mock.control("GET", path, Prefer="code=503, delay=5000").status_code == (404 if path == "/nothing" else 200)
    assert mock.delay == 0


def test_stub_of_what_does_not_exist(mock: SteeredMock) -> None:
    mock.stub({"body": "new"}, request={"method": "PATCH", "url": "/api/v2/things?a=1"})
    assert mock.request("PATCH", "/api/v2/things?a=1").text == "new"
    assert mock.request("PATCH", "/api/v2/things").status_code == 404


def test_namespaces_are_apart(mock: SteeredMock) -> None:
    mock.stub({"body": "default"})
    mock.control("POST", "/settings", {"fixedDelay": 500})
    other = {"X-Mock-Namespace": "other"}
    assert mock.get("/x", **other).status_code == 404
    assert mock.control("GET", "/settings", **other).get_json() == {"settings": {"proxyPassThrough": False}}
    mock.get("/api/users", **other)
    assert mock.delay == 0


def describe(operation: Operation[Any]) -> str:
    return operation.id


@pytest.mark.parametrize("operation", operations(), ids=describe)
def test_preference_works_everywhere(mock: SteeredMock, operation: Operation[Any]) -> None:
    body, id = REQUESTS[operation.id]
    path = operation.route.format_map(dict.fromkeys(operation.parameters, id))
    for preference in ("code=503", "delay=1500, code=503"):
        response = mock.request(operation.method, path, body, Prefer=preference)
        assert response.status_code == 503
        applied = sorted(response.headers["Preference-Applied"].split(", "))
        assert applied == sorted(preference.split(", "))
    assert mock.delay == 1.5
    example = mock.request(operation.method, path, body, Prefer="example=golden")
    assert (example.status_code, example.headers["Preference-Applied"]) == (operation.status, "example=golden")
    with pytest.raises(ConnectionResetError):
        mock.request(operation.method, path, body, Prefer="fault=EMPTY_RESPONSE")


def test_preference_without_credentials(mock: SteeredMock) -> None:
    """What is asked for comes before the mock looks at anything."""
    assert mock.get("/chats-service/api/v1/chats").status_code == 401
    assert mock.get("/chats-service/api/v1/chats", Prefer="code=500").status_code == 500


@pytest.mark.parametrize("header", ["code=200x", "cdoe=503", "fault=NOPE", "example=nope", "code=202"])
def test_impossible_preference(mock: SteeredMock, header: str) -> None:
    mock.stub({"status": 500}, request={}, times=1)
    refused = mock.request("POST", "/api/users", USER, Prefer=header, Origin=ORIGIN)
    assert (refused.status_code, refused.get_json()["code"]) == (400, "VALIDATION_ERROR")
    assert "Prefer" in refused.get_json()["details"]["fields"]
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert mock.get("/x").status_code == 500
    assert mock.get("/api/users").get_json()["total"] == 2


def test_preference_for_others(mock: SteeredMock) -> None:
    """What is registered for other servers is not ours to refuse (RFC 7240, section 2)."""
    response = mock.get("/api/users", Prefer="return=minimal, respond-async, wait=5")
    assert response.status_code == 200
    assert "Preference-Applied" not in response.headers


def test_preferred_success(mock: SteeredMock) -> None:
    created = mock.request("POST", "/api/users", USER, Prefer="code=201")
    assert (created.status_code, created.headers["Preference-Applied"]) == (201, "code=201")
    assert mock.get("/api/users").get_json()["total"] == 3


def test_journal_says_what_decided(mock: SteeredMock) -> None:
    id = mock.stub({"fault": "EMPTY_RESPONSE"}, name="gone")
    with pytest.raises(ConnectionResetError):
        mock.get("/x")
    mock.get("/api/users", Prefer="code=503")
    preferred, faulty = mock.control("GET", "/requests").get_json()["requests"]
    assert faulty["stubMapping"]["id"] == id
    assert faulty["wasMatched"] is True
    assert preferred["preference"] == "code=503"


def test_reset_of_stubs_empties_the_journal(mock: SteeredMock) -> None:
    """As WireMock's does; removing all of them does not."""
    mock.get("/x")
    mock.control("DELETE", "/mappings")
    assert mock.control("GET", "/requests").get_json()["meta"]["total"] == 1
    mock.control("POST", "/mappings/reset")
    assert mock.control("GET", "/requests").get_json()["meta"]["total"] == 0


def test_off_with_the_control_api() -> None:
    mock = SteeredMock(admin=False)
    assert mock.get("/api/users", Prefer="code=503").status_code == 200
    assert mock.control("GET", "/mappings").status_code == 404
