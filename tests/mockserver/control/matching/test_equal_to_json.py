"""`equalToJson`, which compares as JsonUnit does."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.errors import ControlError
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matchers.json_matchers import EqualToJson
from tests.mockserver.control.matching.received import match_body

ORDER = {"ignoreArrayOrder": True}
EXTRA = {"ignoreExtraElements": True}
BOTH = {**ORDER, **EXTRA}

CASES: list[tuple[Any, dict[str, bool], Any, bool]] = [
    ({"a": 1, "b": 2}, {}, {"b": 2, "a": 1}, True),
    ({"a": 1}, {}, {"a": 1.0}, True),
    ({"a": 1}, {}, {"a": True}, False),
    ({"a": 0}, {}, {"a": False}, False),
    ({"a": 1}, {}, {"a": "1"}, False),
    ({"a": None}, {}, {}, False),
    ({}, {}, {"a": None}, False),
    ({"a": 1}, {}, {"a": 1, "b": 2}, False),
    ({"a": 1}, EXTRA, {"a": 1, "b": 2}, True),
    ({"a": 1, "b": 2}, EXTRA, {"a": 1}, False),
    ({"a": {"b": 1}}, EXTRA, {"a": {"b": 1, "c": 2}}, True),
    ([1, 2], {}, [2, 1], False),
    ([1, 2], ORDER, [2, 1], True),
    ([1, 1, 2], ORDER, [1, 2, 2], False),
    ([1, 2], ORDER, [2, 1, 3], False),
    ([1, 2], ORDER, [2.0, 1], True),
    ([1, True], ORDER, [1, 1], False),
    ([[1, 2], [3]], ORDER, [[3], [2, 1]], True),
    ([{"a": [1, 2]}], ORDER, [{"a": [2, 1]}], True),
    ([1, 2], EXTRA, [1, 2, 3], True),
    ([1, 3], EXTRA, [1, 2, 3], False),
    ([1, 3], BOTH, [1, 2, 3], True),
    ([1, 1], BOTH, [1, 2, 3], False),
    ([{"a": 1}, {}], BOTH, [{"b": 1}, {"a": 1}], True),
    (None, {}, None, True),
    (None, {}, {}, False),
    ("x", {}, "x", False),
    ({"a": "${json-unit.any-string}"}, {}, {"a": ""}, True),
    ({"a": "${json-unit.any-string}"}, {}, {"a": 1}, False),
    ({"a": "${json-unit.any-string}"}, {}, {}, False),
    ({"a": "#{json-unit.any-number}"}, {}, {"a": 1.5}, True),
    ({"a": "#{json-unit.any-number}"}, {}, {"a": True}, False),
    ({"a": "${json-unit.any-boolean}"}, {}, {"a": False}, True),
    ({"a": "${json-unit.any-boolean}"}, {}, {"a": 0}, False),
    ({"a": "${json-unit.ignore}"}, {}, {"a": {"b": 1}}, True),
    ({"a": "${json-unit.ignore}"}, {}, {}, False),
    ({"a": "${json-unit.ignore-element}"}, {}, {}, True),
    ({"a": "${json-unit.ignore-element}"}, {}, {"a": 1}, True),
    ({"a": "${json-unit.regex}[a-z]+\\d"}, {}, {"a": "ab1"}, True),
    ({"a": "${json-unit.regex}[a-z]+\\d"}, {}, {"a": "ab1 "}, False),
    ({"a": "${json-unit.regex}.*"}, {}, {"a": 1}, False),
    (["${json-unit.any-number}", 1], ORDER, [1, 2], True),
    (["${json-unit.any-string}", 1], ORDER, [1, 2], False),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "options", "actual", "equal"), CASES, ids=ascii)
def test_equality(expected: Any, options: dict[str, bool], actual: Any, equal: bool) -> None:
    text = json.dumps(expected)
    assert match_body({"equalToJson": text, **options}, json.dumps(actual)) is (equal or expected == "x")
    if not isinstance(expected, str):
        assert match_body({"equalToJson": expected, **options}, json.dumps(actual)) is equal


@pytest.mark.parametrize("body", ["", "{", "{'a': 1}", "NaN", "[" * 100 + "]" * 100])
def test_body_is_not_json(body: str) -> None:
    assert not match_body({"equalToJson": {"a": 1}}, body)
    assert not match_body({"equalToJson": None}, body)


@pytest.mark.parametrize(
    ("matcher", "detail"),
    [
        ({"equalToJson": "{a"}, "takes JSON"),
        ({"equalToJson": {"a": "${json-unit.matches:x}"}}, "Java"),
        ({"equalToJson": {"a": "${json-unit.any-strong}"}}, "any-string"),
        ({"equalToJson": {"a": "${json-unit.any-string} "}}, "Known are"),
        ({"equalToJson": ["${json-unit.regex}("]}, "')' is missing"),
        ({"equalToJson": {}, "ignoreArrayOrder": "yes"}, "true or false"),
        ({"equalTo": "", "ignoreArrayOrder": True}, "equalToJson"),
        ({"equalToJson": "1" * 500}, "digits"),
    ],
    ids=str,
)
def test_refused(matcher: dict[str, Any], detail: str) -> None:
    with pytest.raises(ControlError, match=detail.replace("(", r"\(").replace(")", r"\)")):
        match_body(matcher, "{}")


LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text("ab", max_size=2)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=1), inner)
)


@given(JSON, st.booleans(), st.booleans())
def test_copy_is_equal(value: Any, order: bool, extra: bool) -> None:
    matcher = EqualToJson(value, order, extra)
    assert matcher.matches(json.dumps(value), Evaluation())
    assert matcher.measure_distance(json.dumps(value), Evaluation()) == 0


@given(JSON, JSON, st.booleans(), st.booleans())
def test_distance_is_zero_if_equal(left: Any, right: Any, order: bool, extra: bool) -> None:
    matcher, text = EqualToJson(left, order, extra), json.dumps(right)
    distance = matcher.measure_distance(text, Evaluation())
    assert 0 <= distance <= 1
    assert (distance == 0) is matcher.matches(text, Evaluation())
    assert matcher.matches(text, Evaluation()) is (matcher.explain(text, Evaluation()) == "")


@given(st.lists(LEAVES, max_size=5), st.randoms())
def test_any_order(values: list[Any], random: Any) -> None:
    shuffled = random.sample(values, len(values))
    assert EqualToJson(values, ignore_array_order=True).matches(json.dumps(shuffled), Evaluation())
    assert EqualToJson([*values, "${json-unit.ignore}"], ignore_array_order=True).matches(
        json.dumps([None, *shuffled]), Evaluation()
    )


@pytest.mark.parametrize("order", [False, True])
def test_work_is_bounded(order: bool) -> None:
    expected = [{"a": "${json-unit.any-number}"}] * 2_000
    evaluation = Evaluation(seconds=0.001)
    assert not EqualToJson(expected, order).matches(json.dumps([{"a": 1}] * 2_000), evaluation)
    assert "Comparing with the JSON" in evaluation.exceeded[0]


def test_large_copy_is_equal() -> None:
    """It is not visited value by value."""
    value = [{"id": number, "name": "x"} for number in range(20_000)]
    assert EqualToJson(value).matches(json.dumps(value), Evaluation())


def test_every_pairing_is_tried() -> None:
    expected = ["${json-unit.any-number}", "${json-unit.any-number}", 1, "${json-unit.ignore}"]
    for actual in itertools.permutations([1, 2, 3, "x"]):
        assert EqualToJson(expected, ignore_array_order=True).matches(json.dumps(actual), Evaluation())


def test_explanation() -> None:
    matcher = EqualToJson({"a": {"b": 1}, "c": [1, 2]})
    assert matcher.explain('{"a": {"b": 2}, "c": [1], "d": 0}', Evaluation()) == (
        "$.a.b is 2, not 1; $.c[1] is missing; $.d is not expected"
    )
    assert matcher.explain("x", Evaluation()) == "not JSON"
