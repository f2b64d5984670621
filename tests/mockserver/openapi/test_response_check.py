"""`self_check`: a response that breaks the contract becomes a 500 that says why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from duologue.contract.users import User
from duologue_mock.openapi.response_check import find_faults
from tests.mockserver.clocks import ManualClock
from tests.mockserver.mocks import CHAT_HEADERS, Mock
from tests.mockserver.requests import get_operation

USER = {"id": "1", "name": "Ada", "email": "ada@example.com", "role": "user"}
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "ETag": '"a"',
    "Vary": "Origin",
    "X-Content-Type-Options": "nosniff",
    "X-Request-Id": "r-1",
    "Access-Control-Allow-Origin": "*",
}


def check(
    body: Any = USER, *, id: str = "users.GET", status: int = 200, without: str = "", **headers: str
) -> list[str]:
    changed = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return find_faults(get_operation(id), status, [pair for pair in changed.items() if pair[0] != without], data)


def test_right_response() -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"status": 201}, "The status 201 is not one of"),
        ({"body": {**USER, "role": "root"}}, "role: "),
        ({"body": {**USER, "more": 1}}, "The value: "),
        ({"body": {**USER, "email": "ada"}}, "email: "),
        ({"body": {name: USER[name] for name in ("id", "name", "email")}}, "The value: "),
        ({"body": b"{"}, "The body: "),
        ({"body": b""}, "The body: "),
        ({"body": b"x", "status": 304}, "There is a body of 1 bytes"),
        ({"without": "ETag"}, "The header etag is missing."),
        ({"without": "X-Request-Id"}, "The header x-request-id is missing."),
        ({"without": "Content-Type"}, "The media type None"),
        ({"Content_Type": "text/plain"}, "The media type text/plain"),
        ({"ETag": "no tag"}, "The header etag: "),
        ({"RateLimit_Limit": "many"}, "The header ratelimit-limit: "),
        ({"X_Powered_By": "us"}, "The header x-powered-by is not described."),
    ],
    ids=str,
)
def test_wrong_response(changes: dict[str, Any], fault: str) -> None:
    faults = check(**changes)
    assert [one for one in faults if one.startswith(fault)], faults


def spoil(mock: Mock) -> None:
    """Store what no operation would."""
    with mock.state as state:
        state.users.add(User(id="9", name="", email="no address", role="root"))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["users.GET", "users.LIST"])
def test_self_check(clock: ManualClock, caplog: pytest.LogCaptureFixture, path: str) -> None:
    checked, unchecked = Mock(clock), Mock(clock, self_check=False)
    for mock in (checked, unchecked):
        spoil(mock)
    assert unchecked.call(path, args="9").status_code == 200
    response = checked.call(path, args="9")
    assert response.status_code == 500
    assert response.json is not None
    assert "role" in response.json["details"]["message"]
    assert "breaks the contract" in caplog.text


def test_self_check_of_a_stream(clock: ManualClock) -> None:
    """Its status and headers are checked, and it is sent as it comes."""
    mock = Mock(clock)
    headers = {**CHAT_HEADERS, "Accept": "text/event-stream"}
    response = mock.call("smart_chat.ASK", {"message": "Hi"}, args="test-session-1", **headers)
    assert response.status_code == 200
    assert b"message.completed" in response.data


def test_requested_responses_are_not_checked(clock: ManualClock) -> None:
    """What a test has asked for is not the mock's own."""
    mock = Mock(clock)
    assert mock.call("users.GET", args="1", Prefer="code=418").status_code == 418
    stub = {"request": {"operation": "users.GET"}, "response": {"jsonBody": {"id": 1}}}
    assert mock.app.test_client().post("/__admin/mappings", json=stub).status_code == 201
    assert mock.call("users.GET", args="1").data == b'{"id":1}'
