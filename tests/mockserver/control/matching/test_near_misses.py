"""How far requests are from patterns, which are nearest, and why they do not match."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.matching.differences import describe_differences
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.near_misses import find_nearest_patterns, find_nearest_requests, measure_distance
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.matching.text_distance import measure_text_distance
from duologue_mock.control.received import ReceivedRequest
from tests.mockserver.control.matching.received import receive
from tests.mockserver.control.matching.test_request_pattern import PATTERNS, USER

DISTANCES: list[tuple[dict[str, Any], ReceivedRequest, float]] = [
    ({}, receive(), 0),
    ({"method": "POST"}, receive(), 3 / 39),
    ({"scheme": "https"}, receive(), 3 / 39),
    ({"port": 1}, receive(), 10 / 39),
    ({"host": {"equalTo": "localhosx"}}, receive(), 10 / 9 / 39),
    ({"clientIp": {"contains": "10."}}, receive(), 3 / 39),
    ({"url": "/abcd"}, receive(url="/abxd"), 10 / 5 / 39),
    ({"urlPath": "/abcd"}, receive(url="/abxd?e"), 10 / 5 / 39),
    ({"urlPattern": "/abcd"}, receive(url="/abxd"), 10 / 39),
    ({"urlPathTemplate": "/abcd/{id}"}, receive(url="/abcd/"), 10 / 7 / 39),
    ({"method": "POST", "url": "/ab"}, receive(url="/ax"), (3 + 10 / 3) / 39),
    ({"method": "POST", "headers": {"a": {"equalTo": "b"}}}, receive(), 3 / 39),
    ({"headers": {"a": {"equalTo": "bcde"}}}, receive(a="bcdx"), 1 / 4 / 46),
    ({"headers": {"a": {"equalTo": "bcde"}, "b": {"absent": True}}}, receive(a="bcdx"), 1 / 8 / 46),
    ({"headers": {"a": {"equalTo": "bc"}}}, receive(a=["xx", "bx"]), 1 / 2 / 46),
    ({"headers": {"a": {"equalTo": "b"}}}, receive(), 1 / 46),
    ({"headers": {"a": {"and": [{"equalTo": "bc"}, {"contains": "b"}]}}}, receive(a="bx"), 1 / 4 / 46),
    ({"headers": {"a": {"or": [{"equalTo": "bc"}, {"contains": "q"}]}}}, receive(a="bx"), 1 / 2 / 46),
    ({"headers": {"a": {"not": {"equalTo": "b"}}}}, receive(a="b"), 1 / 46),
    ({"headers": {"a": {"hasExactly": [{"equalTo": "b"}]}}}, receive(a=["b", "c"]), 1 / 2 / 46),
    ({"headers": {"a": {"includes": [{"equalTo": "b"}, {"equalTo": "cd"}]}}}, receive(a=["b", "cx"]), 1 / 4 / 46),
    ({"cookies": {"a": {"equalTo": "b"}}}, receive(), 1 / 46),
    ({"bodyPatterns": [{"equalTo": "ab"}, {"contains": "a"}]}, receive(body="ax"), 1 / 4 / 46),
    ({"bodyPatterns": [{"equalToJson": {"a": 1, "b": 2}}]}, receive(body='{"a": 1, "b": 3}'), 1 / 3 / 46),
    ({"bodyPatterns": [{"equalToJson": {"a": 1, "b": 2}}]}, receive(body='{"a": 1}'), 1 / 3 / 46),
    ({"bodyPatterns": [{"equalToJson": {"a": 1, "b": {"c": [1]}}}]}, receive(body='{"a": 1}'), 4 / 7 / 46),
    ({"bodyPatterns": [{"equalToJson": {"a": 1}}]}, receive(body="{"), 1 / 46),
    (
        {"headers": {"a": {"equalTo": "b"}}, "queryParameters": {"a": {"equalTo": "b"}}, "method": "GET"},
        receive(),
        2 / 46,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "request_", "expected"), DISTANCES, ids=lambda value: ascii(value)[:60])
def test_distance(pattern: dict[str, Any], request_: ReceivedRequest, expected: float) -> None:
    assert measure_distance(RequestPattern.parse(pattern), request_) == pytest.approx(expected)


@pytest.mark.parametrize(("pattern", "matches"), PATTERNS, ids=ascii)
def test_zero_if_it_matches(pattern: dict[str, Any], matches: bool) -> None:
    parsed = RequestPattern.parse(pattern)
    assert (measure_distance(parsed, USER) == 0) is matches
    assert (describe_differences(parsed, USER) == []) is matches


@given(st.text("ab\u00e4", max_size=8), st.text("ab\u00e4", max_size=8))
def test_text_distance(left: str, right: str) -> None:
    distance = measure_text_distance(left, right, Evaluation())
    assert 0 <= distance <= 1
    assert (distance == 0) is (left == right)
    assert distance == measure_text_distance(right, left, Evaluation())


@given(st.integers(1_900, 2_100), st.integers(1_900, 2_100), st.sampled_from(["a", "b"]))
def test_long_text_distance(left: int, right: int, last: str) -> None:
    """What is beyond the part that is compared counts by its length."""
    one, other = "a" * left, "a" * right + last
    distance = measure_text_distance(one, other, Evaluation())
    assert 0 <= distance <= 1
    assert (distance == 0) is (one == other)


def test_three_nearest() -> None:
    names = ["/axxx", "/abcx", "/abxx", "/xxxx", "/abcx"]
    patterns = [(index, RequestPattern.parse({"url": name})) for index, name in enumerate(names)]
    nearest = find_nearest_patterns(receive(url="/abcd"), patterns)
    assert [one.candidate for one in nearest] == [1, 4, 2]
    requests = [(index, receive(url=name)) for index, name in enumerate(names)]
    assert find_nearest_requests(RequestPattern.parse({"url": "/abcd"}), requests) == nearest


def test_turns_between_candidates() -> None:
    turns: list[None] = []
    requests = [(index, receive(url=f"/{index}")) for index in range(1_000)]
    nearest = find_nearest_requests(RequestPattern.parse({"url": "/999"}), requests, lambda: turns.append(None))
    assert (nearest[0].candidate, nearest[0].distance, len(turns)) == (999, 0, 20)


def test_slow_expression_is_tried_once() -> None:
    """A second request does not get the same time again."""
    pattern = RequestPattern.parse({"bodyPatterns": [{"matches": "(x+x+)+y"}]})
    requests = [(index, receive(body="x" * 5_000)) for index in range(20)]
    assert [one.distance for one in find_nearest_requests(pattern, requests)] == [1 / 46] * 3


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ({"method": "POST"}, "The method is 'GET'; expected: POST."),
        ({"urlPath": "/b"}, "The path is '/api/users'; expected: equal to '/b'."),
        (
            {"operation": "users.CREATE"},
            "The operation is users.LIST (GET '/api/users'); expected: users.CREATE (POST /api/users).",
        ),
        ({"headers": {"X-A": {"contains": "x"}}}, "The header X-A is 'b', 'c'; expected: text with 'x' in it."),
        ({"cookies": {"s": {"equalTo": "x"}}}, "The cookie s is absent; expected: equal to 'x'."),
        (
            {"bodyPatterns": [{"equalToJson": {"a": 2}}]},
            "The body is '{\"a\": 1}'; expected: JSON equal to {'a': 2} ($.a is 1, not 2).",
        ),
    ],
    ids=str,
)
def test_differences(pattern: dict[str, Any], sentence: str) -> None:
    request = receive(url="/api/users?q=1", body='{"a": 1}', x_a=["b", "c"])
    assert describe_differences(RequestPattern.parse(pattern), request) == [sentence]


def test_differences_without_secrets() -> None:
    pattern = RequestPattern.parse({"headers": {"Authorization": {"equalTo": "x"}}})
    [sentence] = describe_differences(
        pattern, receive(authorization="secret"), shown=receive(authorization="[REDACTED]")
    )
    assert "[REDACTED]" in sentence
    assert "secret" not in sentence
