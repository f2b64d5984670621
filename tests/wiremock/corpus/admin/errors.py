"""Mappings that are malformed, or unknown in part."""

from __future__ import annotations

import json
from typing import Any

from tests.wiremock.cases import Admin, Case, case

_READ = Admin("GET", "/mappings?limit=0")

_MAPPINGS: dict[str, Any] = {
    "nothing": b"",
    "space": b" ",
    "open": b"{",
    "text": b"abc",
    "list": [],
    "null": b"null",
    "number": 1,
    "string": "x",
    "two-documents": b"{} {}",
    "trailing-comma": b'{"request": {},}',
    "single-quotes": b"{'request': {}}",
    "comment": b'{/* c */ "request": {}}',
    "line-comment": b'{\n// c\n"request": {}}',
    "unquoted": b"{request: {}}",
    "duplicate-key": b'{"priority": 1, "priority": 2}',
    "byte-order-mark": b"\xef\xbb\xbf{}",
    "not-utf-8": b'{"name": "\xff"}',
    "latin": b'{"name": "\xe9"}',
    "nan": b'{"priority": NaN}',
    "unknown-key": {"x": 1},
    "two-unknown-keys": {"x": 1, "y": 2},
    "unknown-request-key": {"request": {"x": 1}},
    "unknown-response-key": {"response": {"x": 1}},
    "request-list": {"request": []},
    "request-text": {"request": "x"},
    "request-null": {"request": None},
    "response-null": {"response": None},
    "response-list": {"response": []},
    "response-text": {"response": "x"},
    "id-invalid": {"id": "x"},
    "id-number": {"id": 1},
    "id-empty": {"id": ""},
    "id-null": {"id": None},
    "priority-text": {"priority": "x"},
    "priority-true": {"priority": True},
    "priority-list": {"priority": [1]},
    "persistent-text": {"persistent": "x"},
    "persistent-number": {"persistent": 1},
    "name-number": {"name": 1},
    "name-list": {"name": []},
    "metadata-text": {"metadata": "x"},
    "metadata-list": {"metadata": []},
    "metadata-null": {"metadata": None},
    "scenario-number": {"scenarioName": 1},
    "method-number": {"request": {"method": 1}},
    "method-empty": {"request": {"method": ""}},
    "method-list": {"request": {"method": ["GET"]}},
    "method-null": {"request": {"method": None}},
    "url-number": {"request": {"url": 1}},
    "url-list": {"request": {"url": []}},
    "url-null": {"request": {"url": None}},
    "url-pattern-malformed": {"request": {"urlPattern": "["}},
    "url-path-pattern-malformed": {"request": {"urlPathPattern": "("}},
    "path-parameters-without-template": {"request": {"urlPath": "/a", "pathParameters": {"a": {"equalTo": "1"}}}},
    "path-parameter-unknown": {"request": {"urlPathTemplate": "/a/{b}", "pathParameters": {"c": {"equalTo": "1"}}}},
    "template-malformed": {"request": {"urlPathTemplate": "/a/{b"}},
    "headers-list": {"request": {"headers": []}},
    "headers-text": {"request": {"headers": "x"}},
    "headers-null": {"request": {"headers": None}},
    "header-text": {"request": {"headers": {"A": "x"}}},
    "header-list": {"request": {"headers": {"A": [{"equalTo": "1"}]}}},
    "header-null": {"request": {"headers": {"A": None}}},
    "header-empty": {"request": {"headers": {"A": {}}}},
    "header-unknown": {"request": {"headers": {"A": {"equal": "1"}}}},
    "header-two-matchers": {"request": {"headers": {"A": {"equalTo": "1", "contains": "1"}}}},
    "header-unknown-beside": {"request": {"headers": {"A": {"equalTo": "1", "x": 1}}}},
    "header-case-option": {"request": {"headers": {"A": {"contains": "1", "caseInsensitive": True}}}},
    "header-equal-null": {"request": {"headers": {"A": {"equalTo": None}}}},
    "header-equal-list": {"request": {"headers": {"A": {"equalTo": []}}}},
    "header-equal-object": {"request": {"headers": {"A": {"equalTo": {}}}}},
    "header-contains-null": {"request": {"headers": {"A": {"contains": None}}}},
    "header-contains-number": {"request": {"headers": {"A": {"contains": 1}}}},
    "header-matches-malformed": {"request": {"headers": {"A": {"matches": "["}}}},
    "header-does-not-match-malformed": {"request": {"headers": {"A": {"doesNotMatch": "*"}}}},
    "query-unknown": {"request": {"queryParameters": {"A": {"x": 1}}}},
    "cookie-unknown": {"request": {"cookies": {"A": {"x": 1}}}},
    "form-unknown": {"request": {"formParameters": {"A": {"x": 1}}}},
    "path-parameter-matcher": {"request": {"urlPathTemplate": "/{a}", "pathParameters": {"a": {"x": 1}}}},
    "body-object": {"request": {"bodyPatterns": {"equalTo": "1"}}},
    "body-text": {"request": {"bodyPatterns": "x"}},
    "body-unknown": {"request": {"bodyPatterns": [{"x": 1}]}},
    "body-second-unknown": {"request": {"bodyPatterns": [{"equalTo": "1"}, {"x": 1}]}},
    "body-null": {"request": {"bodyPatterns": [None]}},
    "body-empty-object": {"request": {"bodyPatterns": [{}]}},
    "and-text": {"request": {"headers": {"A": {"and": "x"}}}},
    "and-object": {"request": {"headers": {"A": {"and": {"equalTo": "1"}}}}},
    "and-unknown": {"request": {"headers": {"A": {"and": [{"x": 1}]}}}},
    "or-null": {"request": {"headers": {"A": {"or": None}}}},
    "not-text": {"request": {"headers": {"A": {"not": "x"}}}},
    "not-unknown": {"request": {"headers": {"A": {"not": {"x": 1}}}}},
    "not-empty": {"request": {"headers": {"A": {"not": {}}}}},
    "includes-text": {"request": {"headers": {"A": {"includes": "x"}}}},
    "exactly-object": {"request": {"headers": {"A": {"hasExactly": {}}}}},
    "json-malformed": {"request": {"bodyPatterns": [{"equalToJson": "{"}]}},
    "json-null": {"request": {"bodyPatterns": [{"equalToJson": None}]}},
    "json-option-text": {"request": {"bodyPatterns": [{"equalToJson": "1", "ignoreArrayOrder": "x"}]}},
    "json-option-true-text": {"request": {"bodyPatterns": [{"equalToJson": "1", "ignoreArrayOrder": "true"}]}},
    "json-option-unknown": {"request": {"bodyPatterns": [{"equalToJson": "1", "x": True}]}},
    "path-malformed": {"request": {"bodyPatterns": [{"matchesJsonPath": "$.["}]}},
    "path-number": {"request": {"bodyPatterns": [{"matchesJsonPath": 1}]}},
    "path-null": {"request": {"bodyPatterns": [{"matchesJsonPath": None}]}},
    "path-no-expression": {"request": {"bodyPatterns": [{"matchesJsonPath": {"equalTo": "1"}}]}},
    "path-unknown-matcher": {"request": {"bodyPatterns": [{"matchesJsonPath": {"expression": "$.a", "x": "1"}}]}},
    "path-two-matchers": {"request": {"bodyPatterns": [{"matchesJsonPath": {"expression": "$.a", "equalTo": "1",
    "contains": "2"}}]}},
    "schema-malformed": {"request": {"bodyPatterns": [{"matchesJsonSchema": "{"}]}},
    "schema-number": {"request": {"bodyPatterns": [{"matchesJsonSchema": 1}]}},
    "schema-null": {"request": {"bodyPatterns": [{"matchesJsonSchema": None}]}},
    "schema-version": {"request": {"bodyPatterns": [{"matchesJsonSchema": "{}", "schemaVersion": "V9"}]}},
    "schema-version-lower-case": {"request": {"bodyPatterns": [{"matchesJsonSchema": "{}", "schemaVersion": "v7"}]}},
    "binary-malformed": {"request": {"bodyPatterns": [{"binaryEqualTo": "!"}]}},
    "binary-number": {"request": {"bodyPatterns": [{"binaryEqualTo": 1}]}},
    "binary-in-header": {"request": {"headers": {"A": {"binaryEqualTo": "YQ=="}}}},
    "basic-text": {"request": {"basicAuthCredentials": "x"}},
    "basic-partial": {"request": {"basicAuthCredentials": {"username": "x"}}},
    "basic-extra": {"request": {"basicAuthCredentials": {"username": "x", "password": "y", "z": 1}}},
    "absent-and-equal": {"request": {"headers": {"A": {"absent": True, "equalTo": "1"}}}},
    "status-text": {"response": {"status": "x"}},
    "status-digits": {"response": {"status": "201"}},
    "status-fraction": {"response": {"status": 200.5}},
    "status-null": {"response": {"status": None}},
    "status-list": {"response": {"status": [200]}},
    "status-large": {"response": {"status": 99999999999}},
    "body-is-object": {"response": {"body": {}}},
    "body-is-list": {"response": {"body": []}},
    "body-is-true": {"response": {"body": True}},
    "response-headers-list": {"response": {"headers": []}},
    "response-headers-text": {"response": {"headers": "x"}},
    "response-header-object": {"response": {"headers": {"A": {}}}},
    "response-header-null": {"response": {"headers": {"A": None}}},
    "base64-number": {"response": {"base64Body": 1}},
    "base64-malformed": {"response": {"base64Body": "!"}},
    "status-message-number": {"response": {"statusMessage": 1}},
}  # fmt: skip

_PATTERNS: dict[str, Any] = {
    "unknown-key": {"x": 1},
    "malformed": b"{",
    "list": [],
    "unknown-matcher": {"headers": {"A": {"x": 1}}},
    "no-body": b"",
    "null": b"null",
}

_PATTERN_CALLS = ("/requests/count", "/requests/find", "/requests/remove", "/near-misses/request-pattern")

_METADATA_CALLS = ("/mappings/find-by-metadata", "/mappings/remove-by-metadata", "/requests/remove-by-metadata")


def _describe(path: str) -> str:
    return path.strip("/").replace("/", "-")


CASES: tuple[Case, ...] = (
    *(case(f"error/{name}", Admin("POST", "/mappings", mapping), _READ) for name, mapping in _MAPPINGS.items()),
    *(
        case(f"error-call/{_describe(path)}-{name}", Admin("POST", path, pattern))
        for path in _PATTERN_CALLS
        for name, pattern in _PATTERNS.items()
    ),
    *(
        case(f"error-call/{_describe(path)}-{name}", Admin("POST", path, pattern))
        for path in _METADATA_CALLS
        for name, pattern in _PATTERNS.items()
    ),
    *(
        case(f"error-import/{name}", Admin("POST", "/mappings/import", {"mappings": [mapping]}), _READ)
        for name, mapping in _MAPPINGS.items()
        if not isinstance(mapping, bytes) and name.startswith(("unknown", "request", "header", "id"))
    ),
    *(
        case(f"error-settings/{number}", Admin("POST", "/settings", settings), Admin("GET", "/settings"))
        for number, settings in enumerate(
            (
                {"x": 1},
                {"fixedDelay": "x"},
                {"fixedDelay": -1},
                {"fixedDelay": None},
                {"delayDistribution": {"type": "x"}},
                {"delayDistribution": {"type": "uniform", "lower": 1, "upper": 2}},
                {"delayDistribution": {"type": "lognormal", "median": 1, "sigma": 0.1}},
                {"delayDistribution": {"type": "fixed", "milliseconds": 3}},
                {"fixedDelay": 1, "proxyPassThrough": False},
                b"{",
                b"",
                [],
            )
        )
    ),
    case("error/many-mappings", Admin("POST", "/mappings", json.dumps({"mappings": [{"x": 1}]}).encode()), _READ),
)
