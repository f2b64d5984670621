"""Requests that come too early after a `Retry-After`, and retries without the same idempotency key."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from duologue_mock.control.watching import repetitions
from duologue_mock.control.watching.repetitions import MAX_WAIT, MEMORY
from tests.mockserver.control.steered_mock import SteeredMock

ADA = {"name": "Ada", "email": "ada@example.com"}


def find_rules(mock: SteeredMock, method: str, path: str, body: Any = None, **headers: str) -> list[str]:
    """Send a request, and return the rules that it broke."""
    with suppress(ConnectionResetError):  # as a stub says
        mock.request(method, path, body, **headers)
    entry = mock.control("GET", "/requests?limit=1").get_json()["requests"][0]
    return [violation["rule"] for violation in entry["violations"]]


def create(mock: SteeredMock, body: Any = None, **headers: str) -> list[str]:
    return find_rules(mock, "POST", "/api/users", ADA if body is None else body, **headers)


def fail(mock: SteeredMock, **response: Any) -> None:
    """Have the next request fail."""
    mock.stub({"status": 503, **response}, request={"operation": "users.CREATE"}, times=1)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("after", "is_early"), [(0.0, True), (2.8, True), (3.0, False), (50.0, False)])
def test_retry_after(mock: SteeredMock, status: int, after: float, is_early: bool) -> None:
    mock.stub({"status": status, "headers": {"Retry-After": "3"}}, request={"operation": "users.LIST"}, times=1)
    assert find_rules(mock, "GET", "/api/users?page=1") == []
    mock.clock.advance(after)
    assert find_rules(mock, "GET", "/api/users?page=2") == find_rules(mock, "GET", "/api/users/1") == []
    assert find_rules(mock, "GET", "/api/users?page=1", Authorization="Bearer x") == ["token"]  # another caller
    assert find_rules(mock, "GET", "/api/users?page=1") == (["retry-after"] if is_early else [])
    assert find_rules(mock, "GET", "/api/users?page=1") == []


def test_rate_limit() -> None:
    mock = SteeredMock(rate_limit=1)
    assert [find_rules(mock, "GET", "/api/users") for _ in range(4)] == [[], [], ["retry-after"], ["retry-after"]]
    mock.clock.advance(60)
    assert find_rules(mock, "GET", "/api/users") == []


@pytest.mark.parametrize(
    ("value", "after", "rules"),
    [
        ("Sat, 01 Jun 2024 12:00:30 GMT", 20, ["retry-after"]),
        ("Sat, 01 Jun 2024 12:00:30 GMT", 31, []),
        ("soon", 0, []),
        ("", 0, []),
        ("-5", 0, []),
        ("0", 0, []),
        ("³", 0, []),
        ("9" * 500, MAX_WAIT - 1, ["retry-after"]),
        ("9" * 500, MAX_WAIT, []),
    ],
)
def test_forms_of_retry_after(mock: SteeredMock, value: str, after: float, rules: list[str]) -> None:
    mock.stub({"status": 503, "headers": {"retry-after": value}}, request={"operation": "users.LIST"}, times=1)
    find_rules(mock, "GET", "/api/users")
    mock.clock.advance(after)
    assert find_rules(mock, "GET", "/api/users") == rules


@pytest.mark.parametrize(
    ("first", "second", "rules"),
    [
        ({}, {}, ["retry-without-key"]),
        ({}, {"Idempotency_Key": "a"}, ["retry-without-key"]),
        ({"Idempotency_Key": "a"}, {}, ["retry-without-key"]),
        ({"Idempotency_Key": "a"}, {"Idempotency_Key": "b"}, ["retry-without-key"]),
        ({"Idempotency_Key": "a"}, {"Idempotency_Key": "a"}, []),
        ({}, {"Authorization": "Bearer x"}, ["token"]),
    ],
)
@pytest.mark.parametrize("failure", [{"status": 500}, {"status": 408}, {"fault": "CONNECTION_RESET_BY_PEER"}])
def test_retry_after_a_failure(
    mock: SteeredMock, failure: dict[str, Any], first: dict[str, str], second: dict[str, str], rules: list[str]
) -> None:
    fail(mock, **failure)
    assert create(mock, **first) == []
    assert create(mock, **second) == rules
    assert create(mock, **second) in ([], ["token"])  # what was sent last has succeeded


@pytest.mark.parametrize("status", [200, 400, 404, 409, 429])
def test_no_retry(mock: SteeredMock, status: int) -> None:
    """After a success it is another request; after a refusal nothing can have been done."""
    fail(mock, status=status)
    assert create(mock) == create(mock) == []


def test_other_requests(mock: SteeredMock) -> None:
    fail(mock, status=500)
    assert create(mock) == []
    assert create(mock, {**ADA, "name": "Bob"}) == []
    assert find_rules(mock, "POST", "/api/auth/logout") == ["token"]
    assert find_rules(mock, "GET", "/api/users") == []
    mock.clock.advance(MEMORY)
    assert create(mock) == []


def test_same_reference_code(mock: SteeredMock) -> None:
    """A client that got no response repeats the request: the mock has seen no failure."""
    assert create(mock, Unique_Reference_Code="r-1", Idempotency_Key="k") == []
    assert create(mock, Unique_Reference_Code="r-1", Idempotency_Key="k") == []
    assert create(mock, Unique_Reference_Code="r-1") == ["retry-without-key"]
    assert create(mock, Unique_Reference_Code="r-2") == []
    assert create(mock, {**ADA, "name": "Bob"}, Unique_Reference_Code="r-2") == []


def test_namespaces_are_apart(mock: SteeredMock) -> None:
    fail(mock, status=500)
    assert create(mock) == []
    mock.request("POST", "/api/users", ADA, X_Mock_Namespace="w1")
    listed = mock.control("GET", "/violations", X_Mock_Namespace="w1").get_json()
    assert listed["violations"] == []


def test_reset_forgets(mock: SteeredMock) -> None:
    fail(mock, status=500)
    assert create(mock) == []
    mock.control("POST", "/reset")
    assert create(mock) == []


def test_memory_is_bounded(mock: SteeredMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetitions, "MAX_REQUESTS", 2)
    mock.stub({"status": 500}, request={"operation": "users.CREATE"}, times=3)
    mock.stub({"status": 503, "headers": {"Retry-After": "50"}}, request={"operation": "users.GET"}, times=3)
    for name in ("1", "2", "3"):
        assert create(mock, {**ADA, "name": name}) == find_rules(mock, "GET", f"/api/users/{name}") == []
    assert create(mock, {**ADA, "name": "1"}) == find_rules(mock, "GET", "/api/users/1") == []
    assert create(mock, {**ADA, "name": "3"}) == ["retry-without-key"]
    assert find_rules(mock, "GET", "/api/users/3") == ["retry-after"]
