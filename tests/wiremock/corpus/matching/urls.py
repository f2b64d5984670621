"""URLs: each kind of pattern, with encodings, query strings and templates."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Case, Send, matching

_URLS = (
    "/things", "/things/", "/things?", "/things?a=1", "/things?a=1&b=2", "/things?b=2&a=1", "/thing", "/thingss",
    "/Things",
    "//things", "/things//", "/./things", "/x/../things", "/things;v=1", "/things%2F", "/th%69ngs", "/things%20x",
    "/things+x",
    "/things/1", "/things/1/parts/2", "/things?a=%31", "/things?a=1&", "/things?&a=1", "/things?A=1", "/",
)  # fmt: skip
"""What every pattern of the table below is asked."""

_PATTERNS: dict[str, dict[str, Any]] = {
    "url-plain": {"url": "/things"},
    "url-trailing-slash": {"url": "/things/"},
    "url-question-mark": {"url": "/things?"},
    "url-query": {"url": "/things?a=1"},
    "url-two-parameters": {"url": "/things?a=1&b=2"},
    "url-encoded": {"url": "/th%69ngs"},
    "url-encoded-space": {"url": "/things%20x"},
    "url-space": {"url": "/things x"},
    "url-plus": {"url": "/things+x"},
    "url-root": {"url": "/"},
    "url-empty": {"url": ""},
    "url-without-slash": {"url": "things"},
    "url-absolute": {"url": "http://localhost/things"},
    "url-pattern-plain": {"urlPattern": "/things"},
    "url-pattern-any": {"urlPattern": ".*"},
    "url-pattern-prefix": {"urlPattern": "/things.*"},
    "url-pattern-query": {"urlPattern": "/things\\?a=[0-9]+"},
    "url-pattern-optional-query": {"urlPattern": "/things(\\?.*)?"},
    "url-pattern-encoded": {"urlPattern": "/th%69ngs"},
    "url-pattern-parts": {"urlPattern": "/things/[^/]+"},
    "url-pattern-alternatives": {"urlPattern": "/(things|thing)"},
    "url-pattern-ignore-case": {"urlPattern": "(?i)/THINGS"},
    "url-pattern-anchors": {"urlPattern": "^/things$"},
    "url-pattern-inner": {"urlPattern": "thing"},
    "path-plain": {"urlPath": "/things"},
    "path-trailing-slash": {"urlPath": "/things/"},
    "path-question-mark": {"urlPath": "/things?"},
    "path-query": {"urlPath": "/things?a=1"},
    "path-encoded": {"urlPath": "/th%69ngs"},
    "path-encoded-slash": {"urlPath": "/things%2F"},
    "path-matrix": {"urlPath": "/things;v=1"},
    "path-root": {"urlPath": "/"},
    "path-empty": {"urlPath": ""},
    "path-pattern-plain": {"urlPathPattern": "/things"},
    "path-pattern-digits": {"urlPathPattern": "/things/\\d+"},
    "path-pattern-any": {"urlPathPattern": "/.*"},
    "path-pattern-query": {"urlPathPattern": "/things\\?a=1"},
    "path-pattern-two": {"urlPathPattern": "/things/([0-9]+)/parts/\\1?[0-9]"},
    "path-pattern-empty": {"urlPathPattern": ""},
    "template-plain": {"urlPathTemplate": "/things"},
    "template-one": {"urlPathTemplate": "/things/{id}"},
    "template-two": {"urlPathTemplate": "/things/{id}/parts/{part}"},
    "template-same-name": {"urlPathTemplate": "/things/{id}/parts/{id}"},
    "template-first": {"urlPathTemplate": "/{kind}"},
    "template-two-parts": {"urlPathTemplate": "/{kind}/{id}"},
    "template-regex-characters": {"urlPathTemplate": "/thing./{id}"},
    "no-url": {},
    "no-url-method": {"method": "GET"},
}

_PARAMETERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "equal": ({"id": {"equalTo": "1"}}, ("1", "2", "%31", "01")),
    "encoded": ({"id": {"equalTo": "a b"}}, ("a%20b", "a+b")),
    "encoded-as-sent": ({"id": {"equalTo": "a%20b"}}, ("a%20b", "a+b")),
    "case-of-escapes": ({"id": {"equalTo": "%c3%a9"}}, ("%c3%a9", "%C3%A9")),
    "ignoring-case": ({"id": {"equalTo": "AbC", "caseInsensitive": True}}, ("abc", "ABC", "abd")),
    "contains": ({"id": {"contains": "b"}}, ("abc", "b", "c")),
    "does-not-contain": ({"id": {"doesNotContain": "b"}}, ("abc", "ac")),
    "matches": ({"id": {"matches": "[a-f0-9]{3}"}}, ("abc", "abcd", "xyz", "ABC")),
    "does-not-match": ({"id": {"doesNotMatch": "[0-9]+"}}, ("12", "1a", "a")),
    "or": ({"id": {"or": [{"equalTo": "1"}, {"equalTo": "2"}]}}, ("1", "2", "3")),
    "and": ({"id": {"and": [{"contains": "a"}, {"contains": "b"}]}}, ("ab", "a", "cba")),
    "not": ({"id": {"not": {"equalTo": "1"}}}, ("1", "2")),
    "absent": ({"id": {"absent": True}}, ("1",)),
    "anything": ({"id": {"anything": "anything"}}, ("1", "x")),
    "json": ({"id": {"equalToJson": "1"}}, ("1", "1.0", "2")),
}

_TWO_PARAMETERS: dict[str, dict[str, Any]] = {
    "both": {"a": {"equalTo": "1"}, "b": {"equalTo": "2"}},
    "one": {"b": {"equalTo": "2"}},
    "none": {},
}

_ESCAPES = (
    "/caf%c3%a9",
    "/caf%C3%A9",
    "/caf%e9",
    "/a%20b",
    "/a+b",
    "/a%2Bb",
    "/a%2fb",
    "/a%2Fb",
    "/a/b",
    "/a%3Fb",
    "/a%25b",
)

_WRITTEN = ("/caf\u00e9", "/caf%c3%a9", "/caf%C3%A9", "/a b", "/a%20b", "/a+b", "/a%2fb", "/a%2Fb", "/a%3Fb", "/a%25b")


def _list_template_cases() -> list[Case]:
    one = [
        matching(
            f"template/{name}",
            {"urlPathTemplate": "/things/{id}", "pathParameters": patterns},
            *(Send(f"/things/{value}") for value in values),
            Send("/things"),
            Send("/others/1"),
        )
        for name, (patterns, values) in _PARAMETERS.items()
    ]
    two = [
        matching(
            f"template/two-{name}",
            {"urlPathTemplate": "/x/{a}/y/{b}", "pathParameters": patterns},
            *(
                Send(url)
                for url in ("/x/1/y/2", "/x/1/y/3", "/x/2/y/2", "/x/1/y/2?z=1", "/x/1/y", "/x//y/2", "/x/1/y/2/")
            ),
        )
        for name, patterns in _TWO_PARAMETERS.items()
    ]
    return one + two


def _list_escape_cases() -> list[Case]:
    kinds = ("url", "urlPath", "urlPattern", "urlPathPattern", "urlPathTemplate")
    return [
        matching(f"escapes/{kind}-{number}", {kind: written}, *(Send(url) for url in _ESCAPES))
        for kind in kinds
        for number, written in enumerate(_WRITTEN)
        if kind in ("url", "urlPath") or number < 5
    ]


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get")

_METHOD_PATTERNS: dict[str, dict[str, Any]] = {
    "any": {"method": "ANY"},
    "missing": {},
    "get": {"method": "GET"},
    "post": {"method": "POST"},
    "head": {"method": "HEAD"},
    "options": {"method": "OPTIONS"},
    "lower-case": {"method": "get"},
    "custom": {"method": "PROPFIND"},
    "get-or-head": {"method": "GET_OR_HEAD"},
}

CASES = (
    *(matching(f"url/{name}", pattern, *(Send(url) for url in _URLS)) for name, pattern in _PATTERNS.items()),
    *_list_template_cases(),
    *_list_escape_cases(),
    *(
        matching(f"method/{name}", {"urlPath": "/things", **pattern}, *(Send(method=method) for method in _METHODS))
        for name, pattern in _METHOD_PATTERNS.items()
    ),
)
