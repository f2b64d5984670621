"""Matchers of one text, and of several values."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.mockserver.control.matching.received import match, match_body, match_header, receive

NOWHERE = {"equalTo": "x"}

MATCHERS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"equalTo": "abc"}, ["abc"], ["", "ABC", "abcd"]),
    ({"equalTo": "Abc", "caseInsensitive": True}, ["abc", "ABC"], ["abcd"]),
    ({"equalTo": "stra\u00dfe", "caseInsensitive": True}, ["STRA\u00dfE"], ["STRASSE"]),
    ({"contains": "b"}, ["abc", "b"], ["", "ac", "B"]),
    ({"doesNotContain": "b"}, ["", "ac"], ["abc"]),
    ({"matches": "a.c"}, ["abc", "a\nc"], ["abcd", "xabc"]),
    ({"doesNotMatch": "a.c"}, ["abcd"], ["abc"]),
    ({"absent": True}, [], ["", "x"]),
    ({"anything": "anything"}, ["", "x"], []),
    ({"matchesPathTemplate": "/a/{b}"}, ["/a/x"], ["/a/x/y", "/a/"]),
    ({"not": {"contains": "b"}}, ["ac"], ["abc"]),
    ({"and": [{"contains": "a"}, {"contains": "b"}]}, ["ab"], ["a", "b", ""]),
    ({"or": [{"equalTo": "a"}, {"equalTo": "b"}]}, ["a", "b"], ["ab"]),
    ({"or": [{"not": {"matches": ".+"}}, {"and": [{"contains": "a"}, {"contains": "b"}]}]}, ["", "ab"], ["a"]),
]


@pytest.mark.parametrize(("matcher", "yes", "no"), MATCHERS, ids=lambda value: next(iter(value), ""))
def test_one_value(matcher: dict[str, Any], yes: list[str], no: list[str]) -> None:
    for value in yes:
        assert match_header(matcher, value), value
    for value in no:
        assert not match_header(matcher, value), value


@pytest.mark.parametrize(("matcher", "yes", "no"), MATCHERS, ids=lambda value: next(iter(value), ""))
def test_not_inverts(matcher: dict[str, Any], yes: list[str], no: list[str]) -> None:
    for value in (*yes, *no):
        assert match_header({"not": matcher}, value) is not match_header(matcher, value)


ABSENT = [
    ({"equalTo": ""}, False),
    ({"contains": ""}, False),
    ({"matches": ".*"}, False),
    ({"doesNotContain": "a"}, True),
    ({"doesNotMatch": "a"}, True),
    ({"absent": "(absent)"}, True),
    ({"absent": False}, True),
    ({"anything": "x"}, True),
    ({"not": {"equalTo": "a"}}, True),
    ({"not": {"absent": True}}, False),
    ({"and": [{"doesNotMatch": "a"}, {"absent": True}]}, True),
    ({"hasExactly": []}, False),
    ({"includes": []}, False),
]


@pytest.mark.parametrize(("matcher", "expected"), ABSENT, ids=str)
def test_absent_value(matcher: dict[str, Any], expected: bool) -> None:
    """Negative matchers match what is absent."""
    assert match({"headers": {"X-Absent": matcher}}, receive()) is expected
    assert match({"queryParameters": {"absent": matcher}}, receive(url="/?a=1")) is expected


@pytest.mark.parametrize("matcher", [{"doesNotContain": "a"}, {"not": {"equalTo": "a"}}, {"anything": "x"}], ids=str)
def test_absent_cookie(matcher: dict[str, Any]) -> None:
    """Only `absent` matches an absent cookie, as in WireMock."""
    assert not match({"cookies": {"a": matcher}}, receive(cookie="b=1"))
    assert match({"cookies": {"a": {"absent": True}}}, receive(cookie="b=1"))


@pytest.mark.parametrize(
    ("matcher", "values", "expected"),
    [
        ({"equalTo": "b"}, ["a", "b"], True),
        ({"equalTo": "b", "caseInsensitive": True}, ["B", "c"], True),
        ({"doesNotContain": "b"}, ["a", "b"], True),
        ({"hasExactly": [{"equalTo": "b"}, {"contains": "a"}]}, ["a", "b"], True),
        ({"hasExactly": [{"equalTo": "b"}]}, ["a", "b"], False),
        ({"includes": [{"equalTo": "b"}]}, ["a", "b"], True),
        ({"includes": [{"equalTo": "b"}, {"equalTo": "c"}]}, ["a", "b"], False),
    ],
    ids=str,
)
def test_several_values(matcher: dict[str, Any], values: list[str], expected: bool) -> None:
    assert match_header(matcher, *values) is expected
    query = "&".join(f"q={value}" for value in values)
    assert match({"queryParameters": {"q": matcher}}, receive(url=f"/?{query}")) is expected


def test_empty_body_is_absent() -> None:
    assert match_body({"absent": True}, "")
    assert not match_body({"equalTo": ""}, "")
    assert match_body({"doesNotContain": "a"}, "")


def test_binary_body() -> None:
    data = bytes(range(256))
    assert match_body({"binaryEqualTo": base64.b64encode(data).decode()}, data)
    assert not match_body({"binaryEqualTo": base64.b64encode(data).decode()}, data[1:])
