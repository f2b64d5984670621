"""What a caller names requests by, in WireMock's words."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import operations, users
from duologue_mock.control_client.patterns import build_pattern, build_target, describe_target


@pytest.mark.parametrize(
    ("target", "pattern"),
    [
        (users.LIST, {"operation": "users.LIST"}),
        ("users.LIST", {"operation": "users.LIST"}),
        ("GET /api/users", {"method": "GET", "urlPath": "/api/users"}),
        ("/api/users", {"method": "ANY", "urlPath": "/api/users"}),
        ("GET /api/users?page=2", {"method": "GET", "url": "/api/users?page=2"}),
        ("DELETE /api/users/{id}", {"method": "DELETE", "urlPathTemplate": "/api/users/{id}"}),
        ({"urlPathPattern": "/api/.*"}, {"urlPathPattern": "/api/.*"}),
    ],
)
def test_target(target: Any, pattern: dict[str, Any]) -> None:
    assert build_target(target) == pattern


def test_every_operation_is_a_target() -> None:
    for operation in operations():
        assert build_target(operation) == build_target(operation.id) == {"operation": operation.id}
        assert describe_target(operation) == operation.id


@pytest.mark.parametrize("target", ["", "users", "get /api/users", "GET api/users", "GET /a b", "users.list"])
def test_invalid_text(target: str) -> None:
    with pytest.raises(ValueError, match=r"Name an operation like 'users\.LIST'"):
        build_target(target)


@pytest.mark.parametrize("target", [None, 1, users, ["users.LIST"]])
def test_invalid_target(target: Any) -> None:
    with pytest.raises(TypeError, match="Name an operation"):
        build_target(target)


@pytest.mark.parametrize(
    ("body", "matcher"),
    [
        ({"a": 1}, {"equalToJson": {"a": 1}, "ignoreExtraElements": True}),
        ([1], {"equalToJson": [1], "ignoreExtraElements": True}),
        ("text", {"equalTo": "text"}),
        ({"matchesJsonPath": "$.a"}, {"matchesJsonPath": "$.a"}),
    ],
)
def test_body(body: Any, matcher: dict[str, Any]) -> None:
    assert build_pattern(users.CREATE, body=body)["bodyPatterns"] == [matcher]


@pytest.mark.parametrize(
    ("value", "matcher"),
    [("a", {"equalTo": "a"}), (2, {"equalTo": "2"}), (True, {"equalTo": "true"}), (None, {"absent": True}),
     ({"contains": "a"}, {"contains": "a"})],
)  # fmt: skip
def test_values(value: Any, matcher: dict[str, Any]) -> None:
    pattern = build_pattern(users.LIST, headers={"X-A": value}, query={"page": value})
    assert pattern == {"operation": "users.LIST", "headers": {"X-A": matcher}, "queryParameters": {"page": matcher}}


def test_conditions_are_added() -> None:
    """What a pattern has already stays, and the caller's own mapping is not changed."""
    target = {"url": "/a", "headers": {"A": {"equalTo": "1"}}, "bodyPatterns": [{"contains": "x"}]}
    pattern = build_pattern(target, body="y", headers={"B": "2"})
    assert pattern["headers"] == {"A": {"equalTo": "1"}, "B": {"equalTo": "2"}}
    assert pattern["bodyPatterns"] == [{"contains": "x"}, {"equalTo": "y"}]
    assert target["headers"] == {"A": {"equalTo": "1"}}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("GET /a", "GET /a"),
        ({"url": "/a"}, "ANY /a"),
        ({"method": "GET"}, "GET any URL"),
        ({"operation": "a.B"}, "a.B"),
    ],
)
def test_description(target: Any, text: str) -> None:
    assert describe_target(target) == text
