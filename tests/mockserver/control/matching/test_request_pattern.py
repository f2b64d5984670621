"""Which requests a pattern matches, and what it is in JSON."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import operations
from duologue_mock.control.errors import ControlError
from duologue_mock.control.matching.request_pattern import RequestPattern
from tests.mockserver.control.matching.received import match, receive

USER = receive(
    "POST",
    "/api/users/7%2F?a=1&a=2&b=x+y%C3%A4&c",
    body="name=Ada&name=Eve&city=Z%C3%BCrich",
    content_type="application/x-www-form-urlencoded; charset=utf-8",
    X_Trace=["1", "2"],
    cookie=["s=1; t=2", "s=3"],
    authorization="basic dTpw",
)

PATTERNS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"method": "ANY"}, True),
    ({"method": "POST"}, True),
    ({"method": "GET"}, False),
    ({"method": "post"}, False),
    ({"method": None, "url": None, "headers": {"X": None}}, True),
    ({"url": "/api/users/7%2F?a=1&a=2&b=x+y%C3%A4&c"}, True),
    ({"url": "/api/users/7%2f?a=1&a=2&b=x+y%C3%A4&c"}, False),
    ({"url": "/api/users/7%2F"}, False),
    ({"urlPath": "/api/users/7%2F"}, True),
    ({"urlPath": "/api/users/7/"}, False),
    ({"urlPattern": "/api/users/.*"}, True),
    ({"urlPattern": "/api/users/[^?]*"}, False),
    ({"urlPathPattern": "/api/users/[^?]*"}, True),
    ({"urlPathTemplate": "/api/users/{id}"}, True),
    ({"urlPathTemplate": "/api/{id}"}, False),
    ({"urlPathTemplate": "/**/{id}"}, True),
    ({"urlPathTemplate": "/api/users/{id}", "pathParameters": {"id": {"equalTo": "7%2F"}}}, True),
    ({"urlPathTemplate": "/api/users/{id}", "pathParameters": {"id": {"equalTo": "7/"}}}, False),
    ({"queryParameters": {"a": {"equalTo": "2"}, "b": {"equalTo": "x y\u00e4"}, "c": {"equalTo": ""}}}, True),
    ({"queryParameters": {"a": {"equalTo": "3"}}}, False),
    ({"headers": {"x-trace": {"equalTo": "2"}}}, True),
    ({"headers": {"X-Trace": {"equalTo": "3"}}}, False),
    ({"cookies": {"s": {"equalTo": "3"}, "t": {"equalTo": "2"}}}, True),
    ({"cookies": {"t": {"equalTo": "3"}}}, False),
    ({"formParameters": {"name": {"equalTo": "Eve"}, "city": {"equalTo": "Z\u00fcrich"}}}, True),
    ({"formParameters": {"name": {"hasExactly": [{"equalTo": "Eve"}]}}}, False),
    ({"basicAuth": {"username": "u", "password": "p"}}, True),
    ({"basicAuthCredentials": {"username": "u", "password": "q"}}, False),
    ({"bodyPatterns": [{"contains": "Ada"}, {"contains": "Eve"}]}, True),
    ({"bodyPatterns": [{"contains": "Ada"}, {"contains": "Bob"}]}, False),
    ({"scheme": "http", "host": {"equalTo": "localhost"}, "port": 3001, "clientIp": {"equalTo": "127.0.0.1"}}, True),
    ({"scheme": "https"}, False),
    ({"host": {"equalTo": "example"}}, False),
    ({"port": 80}, False),
    ({"clientIp": {"equalTo": "10.0.0.1"}}, False),
]


@pytest.mark.parametrize(("pattern", "expected"), PATTERNS, ids=ascii)
def test_match(pattern: dict[str, Any], expected: bool) -> None:
    assert match(pattern, USER) is expected


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in PATTERNS], ids=ascii)
def test_dump_parses_to_the_same(pattern: dict[str, Any]) -> None:
    parsed = RequestPattern.parse(pattern)
    assert RequestPattern.parse(parsed.dump()) == parsed


def test_dump_is_as_wiremock_has_it() -> None:
    pattern = {"urlPath": "/a", "basicAuth": {"username": "u", "password": "p"}, "port": None}
    expected = {"method": "ANY", "urlPath": "/a", "basicAuthCredentials": {"username": "u", "password": "p"}}
    assert RequestPattern.parse(pattern).dump() == expected


def test_offset_of_a_time() -> None:
    """Its plus is no space, whether it is encoded or not."""
    pattern = {"queryParameters": {"since": {"equalTo": "2024-06-01T12:00:00+02:00"}}}
    for sent in ("2024-06-01T12:00:00+02:00", "2024-06-01T12:00:00%2B02:00"):
        assert match(pattern, receive(url=f"/?since={sent}"))
    assert not match(pattern, receive(url="/?since=2024-06-01+12:00:00%2B02:00"))


def test_question_mark_at_the_end() -> None:
    """WireMock drops it."""
    assert match({"url": "/a"}, receive(url="/a?"))
    assert not match({"url": "/a?"}, receive(url="/a?"))


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_operation(operation: Any) -> None:
    path = operation.route.replace("{", "").replace("}", "")
    request = receive(operation.method, path)
    assert match({"operation": operation.id}, request)
    assert not match({"operation": operation.id}, receive("TRACE", path))
    others = [other for other in operations() if other is not operation]
    assert not any(match({"operation": other.id}, request) for other in others)


def test_operation_with_parameters() -> None:
    pattern = {"operation": "users.GET", "pathParameters": {"id": {"equalTo": "7"}}}
    assert match(pattern, receive(url="/api/users/7"))
    assert not match(pattern, receive(url="/api/users/8"))


REFUSED: list[tuple[Any, str, str]] = [
    ([], "/request", "JSON object"),
    ({"urlPaht": "/"}, "/request/urlPaht", "'urlPath'"),
    ({"url": "/", "urlPath": "/"}, "/request/urlPath", "not both url and urlPath"),
    ({"url": 1}, "/request/url", "a text"),
    ({"urlPattern": "("}, "/request/urlPattern", "')' is missing"),
    ({"urlPathTemplate": "{a}" * 99}, "/request/urlPathTemplate", "50 parameters"),
    ({"operation": "user.LIST"}, "/request/operation", "users.LIST"),
    ({"operation": "users.LIST", "method": "POST"}, "/request/method", "GET"),
    ({"port": "3001"}, "/request/port", "a number"),
    ({"port": True}, "/request/port", "a number"),
    ({"urlPath": "/", "pathParameters": {"a": {"equalTo": "1"}}}, "/request/pathParameters", "urlPathTemplate"),
    (
        {"urlPathTemplate": "/{userId}", "pathParameters": {"userid": {"equalTo": "1"}}},
        "/request/pathParameters/userid",
        "'userId'",
    ),
    ({"headers": []}, "/request/headers", "an object"),
    ({"headers": {"a/b": {"equalto": "x"}}}, "/request/headers/a~1b/equalto", "'equalTo'"),
    ({"headers": {"a": "x"}}, "/request/headers/a", "not a matcher"),
    ({"headers": {"a": {}}}, "/request/headers/a", "not a matcher"),
    ({"headers": {"a": {"caseInsensitive": True}}}, "/request/headers/a", "not a matcher"),
    ({"headers": {"a": {"equalTo": None}}}, "/request/headers/a", "takes a text"),
    ({"headers": {"a": {"equalTo": "x", "contains": "x"}}}, "/request/headers/a", "`and`"),
    ({"headers": {"a": {"contains": "x", "caseInsensitive": True}}}, "/request/headers/a/caseInsensitive", "equalTo"),
    ({"headers": {"a": {"equalTo": "x", "caseInsensitive": 1}}}, "/request/headers/a/caseInsensitive", "true or false"),
    ({"headers": {"a": {"anything": True}}}, "/request/headers/a", "takes a text"),
    ({"headers": {"a": {"and": [{"equalTo": "x"}]}}}, "/request/headers/a", "2 to 100"),
    ({"headers": {"a": {"matches": "["}}}, "/request/headers/a", "']' is missing"),
    ({"headers": {"a": {"not": {"includes": []}}}}, "/request/headers/a/not/includes", "Unknown key"),
    ({"headers": {"a": {"includes": {}}}}, "/request/headers/a", "a list"),
    ({"headers": {"a": {"binaryEqualTo": "aa"}}}, "/request/headers/a/binaryEqualTo", "Unknown key"),
    ({"cookies": {"a": {"hasExactly": []}}}, "/request/cookies/a/hasExactly", "Unknown key"),
    ({"bodyPatterns": {}}, "/request/bodyPatterns", "a list"),
    ({"bodyPatterns": [{"binaryEqualTo": "!"}]}, "/request/bodyPatterns/0", "Base64"),
    ({"bodyPatterns": [{"equalToXml": "<a/>"}]}, "/request/bodyPatterns/0/equalToXml", "XML"),
    ({"headers": {"a": {"before": "now"}}}, "/request/headers/a/before", "dates"),
    ({"customMatcher": {}}, "/request/customMatcher", "extensions"),
    ({"multipartPatterns": []}, "/request/multipartPatterns", "Multipart"),
    ({"basicAuth": {"username": "u"}}, "/request/basicAuth", "a password"),
    ({"basicAuth": {}, "basicAuthCredentials": {}}, "/request/basicAuth", "one of them"),
]


@pytest.mark.parametrize(("pattern", "pointer", "detail"), REFUSED, ids=ascii)
def test_refused(pattern: Any, pointer: str, detail: str) -> None:
    with pytest.raises(ControlError) as caught:
        RequestPattern.parse(pattern)
    assert (caught.value.status, caught.value.pointer) == (422, pointer)
    assert detail in str(caught.value.detail)
