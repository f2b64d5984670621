"""Matching takes time in proportion to the length of what a client sends, and of what a pattern is given."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from duologue_mock.control.errors import ControlError
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matcher_parsing import parse_value_matcher
from duologue_mock.control.matching.near_misses import measure_distance
from duologue_mock.control.matching.request_pattern import RequestPattern
from tests.linear_time import check_linear
from tests.mockserver.control.matching.received import receive

pytestmark = pytest.mark.slow

PIECES = ["a", "\u00e4", "/a", "a=1&", "%41", "a; ", '"', "[", "{", '{"a":', "[1,", "(", ".."]
"""Pieces of texts that something might look at again and again."""

MATCHERS: list[dict[str, Any]] = [
    {"equalTo": "ab" * 300},
    {"equalTo": "\u00e4b" * 300, "caseInsensitive": True},
    {"contains": "ab" * 20 + "c"},
    {"doesNotContain": "a" * 50},
    {"matches": "[^b]*"},
    {"matchesPathTemplate": "/{a}/{b}"},
    {"equalToJson": {"a": [1, 2]}, "ignoreArrayOrder": True, "ignoreExtraElements": True},
    {"matchesJsonPath": "$..a"},
    {"matchesJsonPath": {"expression": "$[?(@.a)]", "contains": "x"}},
    {"matchesJsonSchema": {"items": {"type": "string"}}},
]


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
@pytest.mark.parametrize("value", MATCHERS, ids=lambda value: next(iter(value)))
def test_matcher(value: dict[str, Any], piece: str) -> None:
    matcher = parse_value_matcher(value, "")
    check_linear(lambda text: matcher.matches(text, Evaluation(seconds=10)), piece)
    check_linear(lambda text: matcher.measure_distance(text, Evaluation(seconds=10)), piece)


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_json_array(piece: str) -> None:
    """Elements in any order are compared with one another; only so many, as the budget ends."""
    matcher = parse_value_matcher({"equalToJson": [[1]] * 20, "ignoreArrayOrder": True}, "")
    check_linear(lambda text: matcher.matches(f"[{text.count('a') * '[1],'}[1]]", Evaluation()), piece)


PARSED: dict[str, Callable[[str], Any]] = {
    "regular expression": lambda text: {"urlPattern": text},
    "class": lambda text: {"urlPattern": f"[{text}]"},
    "path template": lambda text: {"urlPathTemplate": text},
    "operation": lambda text: {"operation": text},
    "key": lambda text: {text: 1},
    "path": lambda text: {"bodyPatterns": [{"matchesJsonPath": text}]},
    "filter": lambda text: {"bodyPatterns": [{"matchesJsonPath": f"$[?({text})]"}]},
    "JSON": lambda text: {"bodyPatterns": [{"equalToJson": text}]},
    "Base64": lambda text: {"bodyPatterns": [{"binaryEqualTo": text}]},
    "placeholder": lambda text: {"bodyPatterns": [{"equalToJson": [f"${{json-unit.{text}}}"]}]},
    "header": lambda text: {"headers": {text: {"equalTo": text}}},
}


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
@pytest.mark.parametrize("name", PARSED)
def test_pattern(name: str, piece: str) -> None:
    def parse(text: str) -> None:
        with contextlib.suppress(ControlError):
            RequestPattern.parse(PARSED[name](text))

    check_linear(parse, piece)


PATTERN = RequestPattern.parse(
    {
        "urlPathTemplate": "/api/users/{id}",
        "queryParameters": {"a": {"equalTo": "1"}},
        "cookies": {"a": {"equalTo": "1"}},
        "formParameters": {"a": {"equalTo": "1"}},
        "bodyPatterns": [{"equalToJson": {"a": 1}}, {"matchesJsonPath": "$.a"}],
    }
)


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_request(piece: str) -> None:
    def match(text: str) -> None:
        request = receive(
            "POST", f"/api/users/1?{text}", body=text, cookie=text, content_type="application/x-www-form-urlencoded"
        )
        PATTERN.matches(request)
        measure_distance(PATTERN, request)

    check_linear(match, piece)
