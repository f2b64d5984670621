"""Any JSON is a pattern or refused; any pattern can be matched with any request, in a bounded time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_mock.control.errors import ControlError
from duologue_mock.control.matching.differences import describe_differences
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matcher_parsing import parse_value_matcher
from duologue_mock.control.matching.near_misses import measure_distance
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.received import ReceivedRequest

TEXTS = st.one_of(
    st.text(max_size=6),
    st.text("ab/?=&%+{}*.", max_size=8),
    st.sampled_from(["", "a", "/api/users", "users.LIST", "GET", "ANY", "V7", "$.a", "$..a", "$[?(@.a)]", "(a|b)*"]),
    st.sampled_from(["[a", "${json-unit.any-string}", "{}", '{"a": 1}', "YWI=", "/{a}", "/**"]),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
TEXT_MATCHERS = ("equalTo", "contains", "doesNotContain", "matches", "doesNotMatch", "matchesPathTemplate", "anything")
MATCHER_KEYS = (
    *TEXT_MATCHERS, "absent", "equalToJson", "matchesJsonPath", "matchesJsonSchema", "and", "or", "not", "hasExactly",
    "includes", "binaryEqualTo", "caseInsensitive", "ignoreArrayOrder", "ignoreExtraElements", "schemaVersion",
    "before", "equalToXml", "expression", "nonsense",
)  # fmt: skip


def extend_matchers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    operands = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.builds(lambda name, several: {name: several}, st.sampled_from(["and", "or"]), operands),
        st.builds(lambda operand: {"not": operand}, inner),
        st.builds(lambda path, rest: {"matchesJsonPath": {"expression": path, **rest}}, TEXTS, inner),
    )


MATCHERS = st.recursive(
    st.one_of(
        st.builds(lambda name, text: {name: text}, st.sampled_from(TEXT_MATCHERS), TEXTS),
        st.builds(lambda text: {"equalTo": text, "caseInsensitive": True}, TEXTS),
        st.builds(lambda value, flag: {"equalToJson": value, "ignoreArrayOrder": flag}, ANY_JSON, st.booleans()),
        st.builds(lambda text: {"matchesJsonPath": text}, TEXTS),
        st.builds(lambda value: {"matchesJsonSchema": value}, ANY_JSON),
        st.just({"absent": True}),
    ),
    extend_matchers,
    max_leaves=4,
)
"""Matchers, most of which are valid."""
WRONG_MATCHERS = st.dictionaries(st.sampled_from(MATCHER_KEYS), MATCHERS | ANY_JSON, max_size=3)
SOME = st.one_of(MATCHERS, MATCHERS, WRONG_MATCHERS)
BY_NAME = st.dictionaries(TEXTS, SOME, max_size=2)
PATTERNS = st.fixed_dictionaries(
    {},
    optional={
        "method": TEXTS,
        "url": TEXTS,
        "urlPattern": TEXTS,
        "urlPath": TEXTS,
        "urlPathPattern": TEXTS,
        "urlPathTemplate": TEXTS,
        "operation": TEXTS,
        "scheme": TEXTS,
        "host": SOME,
        "port": SCALARS,
        "clientIp": SOME,
        "pathParameters": BY_NAME,
        "queryParameters": BY_NAME,
        "headers": BY_NAME,
        "cookies": BY_NAME,
        "formParameters": BY_NAME,
        "basicAuth": ANY_JSON,
        "bodyPatterns": st.lists(SOME, max_size=2),
        "nonsense": ANY_JSON,
    },
)
REQUESTS = st.builds(
    ReceivedRequest,
    method=st.sampled_from(["GET", "POST"]),
    url=TEXTS.map(lambda text: f"/{text}"),
    body=st.one_of(
        TEXTS.map(str.encode), ANY_JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=9)
    ),
    sent_headers=st.lists(st.tuples(st.sampled_from(["a", "Cookie", "Content-Type"]), TEXTS), max_size=3).map(tuple),
)


def check_refusal(error: ControlError) -> None:
    """Fail unless an error names the place, and can be sent."""
    assert error.status == 422
    assert (error.pointer or "").startswith("/request")
    assert json.dumps(error.body())


@given(st.one_of(ANY_JSON, PATTERNS), REQUESTS)
def test_any_json(value: Any, request: ReceivedRequest) -> None:
    try:
        pattern = RequestPattern.parse(value)
    except ControlError as refused:
        check_refusal(refused)
        return
    evaluation = Evaluation()
    matches = pattern.matches(request, evaluation)
    distance = measure_distance(pattern, request)
    assert 0 <= distance <= 1
    assert (distance == 0) is matches
    assert (describe_differences(pattern, request) == []) is matches
    assert RequestPattern.parse(pattern.dump()) == pattern
    assert pattern.describe()


@given(MATCHERS, st.none() | TEXTS | ANY_JSON.map(json.dumps))
def test_not_inverts(value: Any, text: str | None) -> None:
    try:
        matcher, inverted = parse_value_matcher(value, ""), parse_value_matcher({"not": value}, "")
    except ControlError:
        return
    evaluation = Evaluation()
    matches = matcher.matches(text, evaluation)
    assert inverted.matches(text, evaluation) is (not matches) or evaluation.overruns
    assert (matcher.measure_distance(text, evaluation) == 0) is matches or evaluation.overruns


@given(REQUESTS)
def test_exact_copy(request: ReceivedRequest) -> None:
    """A pattern made of a request's own parts matches it, at distance 0."""
    pattern = RequestPattern.parse(
        {
            "method": request.method,
            "url": request.url if request.query_string else request.path,
            "headers": {name: {"hasExactly": [{"equalTo": one} for one in values]}
                        for name, values in request.headers.items()},
            "queryParameters": {name: {"includes": [{"equalTo": one} for one in values]}
                                for name, values in request.query.items()},
            "cookies": {name: {"equalTo": values[0]} for name, values in request.cookies.items()},
            "bodyPatterns": [{"equalTo": request.body_text} if request.body else {"absent": True}],
        }
    )  # fmt: skip
    assert pattern.matches(request)
    assert measure_distance(pattern, request) == 0


@settings(max_examples=25)
@given(st.sampled_from(["and", "or", "not"]), st.integers(5, 60))
def test_depth_is_bounded(name: str, depth: int) -> None:
    value: Any = {"equalTo": "a"}
    for _ in range(depth):
        value = {name: value} if name == "not" else {name: [value, {"equalTo": "b"}]}
    if depth <= 20:
        parse_value_matcher(value, "")
    else:
        with pytest.raises(ControlError, match="at most"):
            parse_value_matcher(value, "")


def test_number_of_matchers_is_bounded() -> None:
    operands = [{"equalTo": "a"}] * 30
    with pytest.raises(ControlError, match="100 matchers"):
        parse_value_matcher({"and": [{"or": operands}] * 30}, "")
    with pytest.raises(ControlError, match="100"):
        RequestPattern.parse({"bodyPatterns": [{"equalTo": "a"}] * 101})
