"""`matchesJsonSchema`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from duologue_mock.control.errors import ControlError
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matchers.json_schema import VERSIONS, MatchesJsonSchema
from tests.mockserver.control.matching.received import match_body

USER = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"minimum": 18}}, "required": ["name"]}

CASES: list[tuple[Any, str, bool]] = [
    (USER, '{"name": "Ada", "age": 30}', True),
    (USER, '{"name": "Ada", "age": 3}', False),
    (USER, "{}", False),
    (USER, "", False),
    (USER, "x", False),
    ({"type": "string"}, "x", True),
    ({"type": "string"}, "5", True),
    ({"type": "string"}, "true", True),
    ({"type": "string"}, "{}", False),
    ({"type": "integer"}, "5", True),
    ({"type": "integer"}, "5.0", True),
    ({"type": "integer"}, '"5"', False),
    ({"$defs": {"a": {"minimum": 5}}, "items": {"$ref": "#/$defs/a"}}, "[5]", True),
    ({"$defs": {"a": {"minimum": 5}}, "items": {"$ref": "#/$defs/a"}}, "[4]", False),
    (True, "{}", True),
    (False, "{}", False),
]


@pytest.mark.parametrize(("schema", "body", "expected"), CASES, ids=str)
def test_schema(schema: Any, body: str, expected: bool) -> None:
    assert match_body({"matchesJsonSchema": schema}, body) is expected
    assert match_body({"matchesJsonSchema": json.dumps(schema)}, body) is expected


@pytest.mark.parametrize("version", VERSIONS)
def test_versions(version: str) -> None:
    assert match_body({"matchesJsonSchema": USER, "schemaVersion": version}, '{"name": "Ada"}')


def test_keywords_of_the_version() -> None:
    matcher = {"matchesJsonSchema": {"dependentRequired": {"a": ["b"]}}}
    assert not match_body(matcher, '{"a": 1}')
    assert match_body({**matcher, "schemaVersion": "V7"}, '{"a": 1}')


@pytest.mark.parametrize(
    ("matcher", "detail"),
    [
        ({"matchesJsonSchema": {"type": "foo"}}, "Not a JSON schema"),
        ({"matchesJsonSchema": {"pattern": "("}}, "Not a JSON schema"),
        ({"matchesJsonSchema": 1}, "an object or a boolean"),
        ({"matchesJsonSchema": "{"}, "takes JSON"),
        ({"matchesJsonSchema": {}, "schemaVersion": "V3"}, "V202012"),
        ({"matchesJsonSchema": {"$ref": "http://example.com/schema"}}, "its own parts only"),
        ({"matchesJsonSchema": {"$ref": "file:///etc/passwd"}}, "its own parts only"),
        ({"matchesJsonSchema": {"$ref": "other#/a"}}, "its own parts only"),
        ({"matchesJsonSchema": {"items": {"$id": "a", "$ref": "#/b"}}}, "an id of its own"),
        ({"matchesJsonSchema": {"$ref": "#/$defs/a"}}, "no part"),
        ({"matchesJsonSchema": {"$ref": "#"}}, "to itself"),
        ({"matchesJsonSchema": {"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}}, "to itself"),
        ({"matchesJsonSchema": {"$dynamicRef": "#a"}}, "not supported"),
        ({"matchesJsonSchema": {"properties": {"a": {"type": "string", "nullable": True}}}}, "nullable"),
        ({"matchesJsonSchema": {"enum": list(range(6_000))}}, "5,000 values"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_refused(matcher: dict[str, Any], detail: str) -> None:
    with pytest.raises(ControlError) as caught:
        match_body(matcher, "{}")
    assert detail in str(caught.value.detail)


def test_growth_by_references() -> None:
    """Each part refers to the next one twice, so that 2 ** 40 parts would have to be looked at."""
    parts: dict[str, Any] = {str(number): {"anyOf": [{"$ref": f"#/$defs/{number + 1}"}] * 2} for number in range(25)}
    with pytest.raises(ControlError, match="values at most"):
        match_body({"matchesJsonSchema": {"$defs": {**parts, "25": False}, "$ref": "#/$defs/0"}}, "{}")


def test_work_is_bounded() -> None:
    matcher = MatchesJsonSchema({"items": {"allOf": [{"minimum": 0}] * 1_000}})
    evaluation = Evaluation()
    assert matcher.matches(json.dumps([1] * 100), evaluation)
    assert not matcher.matches(json.dumps([1] * 100_000), evaluation)
    assert evaluation.overruns == 1


def test_distance() -> None:
    matcher = MatchesJsonSchema(USER)
    distances = [matcher.measure_distance(text, Evaluation()) for text in ('{"name": "Ada"}', '{"age": 3}', "[]")]
    assert distances == [0, 1, 1 / 2]
