"""Where a request differs from what was expected of it, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock import LoggedRequest
from duologue_mock.control_client.near_misses import compare, compare_json, show

ADA = LoggedRequest(
    "POST",
    "/api/users?page=1&page=2",
    headers={"Content-Type": "application/json", "X-A": ["1", "2"]},
    body=b'{"email": "eve@example.com", "tags": ["a"], "admin": true}',
    operation="users.CREATE",
)


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        ({"body": {"email": "ada@example.com"}}, 'body.email is "eve@example.com"; expected "ada@example.com"'),
        ({"body": {"name": "Ada"}}, 'body.name is missing; expected "Ada"'),
        ({"body": {"tags": ["b"]}}, 'body.tags[0] is "a"; expected "b"'),
        ({"body": {"tags": []}}, 'body.tags is ["a"]; expected []'),
        ({"body": {"admin": 1}}, "body.admin is true; expected 1"),
        ({"headers": {"content-type": "a"}}, 'header content-type is "application/json"; expected "a"'),
        ({"headers": {"X-B": "1"}}, 'header X-B is missing; expected "1"'),
        ({"headers": {"X-A": None}}, 'header X-A is "1"; expected none'),
        ({"query": {"page": 3}}, 'query parameter page is "1" and "2"; expected "3"'),
        ({"query": {"page": {"matches": "x"}}}, 'query parameter page is "1" and "2"; expected {"matches": "x"}'),
    ],
)  # fmt: skip
def test_differences(expected: dict[str, Any], sentence: str) -> None:
    assert list(compare(ADA, {"operation": "users.CREATE"}, **expected)) == [sentence]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ({"operation": "users.LIST"}, "its operation is users.CREATE, not users.LIST"),
        ({"method": "PUT", "urlPath": "/api/users"}, "its method is POST, not PUT"),
        ({"method": "ANY", "urlPath": "/api/user"}, "its path is /api/users, not /api/user"),
    ],
)
def test_different_target(pattern: dict[str, Any], sentence: str) -> None:
    assert list(compare(ADA, pattern)) == [sentence]


def test_no_difference() -> None:
    expected: dict[str, Any] = {"body": {"tags": ["a"]}, "headers": {"x-a": "1", "X-B": None}, "query": {"page": 2}}
    assert list(compare(ADA, {"operation": "users.CREATE"}, **expected)) == []


def test_text_bodies() -> None:
    request = LoggedRequest("POST", "/", body=b"hello")
    assert list(compare(request, {}, body="hello")) == []
    assert list(compare(request, {}, body="bye")) == ['body is "hello"; expected "bye"']
    assert list(compare(request, {}, body={"a": 1})) == ['body is "hello", which is not JSON; expected {"a": 1}']


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each))
LISTS = st.recursive(SCALARS, st.lists)


@given(JSON)
def test_json_equals_itself(value: Any) -> None:
    assert list(compare_json("body", json.loads(json.dumps(value)), value)) == []


@given(LISTS, LISTS)
@pytest.mark.slow
def test_other_json_differs(actual: Any, expected: Any) -> None:
    """Of two values that have no members, of which one may have more, a difference is named."""
    assert list(compare_json("body", actual, expected)) or actual == expected


@given(JSON)
@pytest.mark.slow
def test_shown_values_are_short(value: Any) -> None:
    """Whatever a request has, a terminal can show it, in one line."""
    assert len(show(value)) <= 121
    assert show(value).isprintable()
