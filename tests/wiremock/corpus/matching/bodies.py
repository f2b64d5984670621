"""Bodies as text and bytes: matchers, several patterns, encodings."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Case, Send, body_case, header, matching

_BODIES: tuple[bytes | str, ...] = (
    "", "abc", "ABC", "xabcx", "abc\n", "a\nb", "a\r\nb", " abc ", "\u00e9", b"\xe9", b"\xff\xfe", b"a\x00b",
    "\U0001f600", "null", "1", "{}", "a+b", "a%20b",
)  # fmt: skip

_PATTERNS: dict[str, dict[str, Any] | list[dict[str, Any]]] = {
    "equal": {"equalTo": "abc"},
    "equal-ignoring-case": {"equalTo": "abc", "caseInsensitive": True},
    "equal-empty": {"equalTo": ""},
    "equal-accent": {"equalTo": "\u00e9"},
    "equal-emoji": {"equalTo": "\U0001f600"},
    "equal-replacement": {"equalTo": "\ufffd"},
    "equal-plus": {"equalTo": "a+b"},
    "equal-newline": {"equalTo": "a\nb"},
    "equal-spaces": {"equalTo": " abc "},
    "contains": {"contains": "b"},
    "contains-nul": {"contains": "\u0000"},
    "does-not-contain": {"doesNotContain": "b"},
    "matches": {"matches": "a.b"},
    "matches-any": {"matches": ".*"},
    "matches-one-character": {"matches": "."},
    "matches-two-characters": {"matches": ".."},
    "does-not-match": {"doesNotMatch": "[a-z]+"},
    "absent": {"absent": True},
    "anything": {"anything": "x"},
    "binary": {"binaryEqualTo": "YWJj"},
    "binary-empty": {"binaryEqualTo": ""},
    "binary-high": {"binaryEqualTo": "6Q=="},
    "binary-nul": {"binaryEqualTo": "YQBi"},
    "not": {"not": {"contains": "b"}},
    "not-equal": {"not": {"equalTo": ""}},
    "and": {"and": [{"contains": "a"}, {"contains": "b"}]},
    "or": {"or": [{"equalTo": "abc"}, {"equalTo": "1"}]},
    "or-absent": {"or": [{"equalTo": "abc"}, {"absent": True}]},
    "two": [{"contains": "a"}, {"contains": "b"}],
    "two-kinds": [{"contains": "a"}, {"binaryEqualTo": "YWJj"}],
    "none": [],
    "equal-to-json": {"equalToJson": "1"},
    "json-path": {"matchesJsonPath": "$"},
    "schema": {"matchesJsonSchema": "{}"},
    "schema-type": {"matchesJsonSchema": {"type": "integer"}},
    "schema-null": {"matchesJsonSchema": {"type": "null"}},
}

_CHARSETS = (
    (), header("Content-Type", "text/plain"), header("Content-Type", "text/plain; charset=iso-8859-1"),
    header("Content-Type", "text/plain; charset=utf-8"), header("Content-Type", "text/plain; charset=utf-16"),
    header("Content-Type", "application/json; charset=latin1"), header("Content-Type", "text/plain; charset=nonsense"),
)  # fmt: skip

_CHARSET_BODIES: tuple[bytes, ...] = (b"\xe9", b"\xc3\xa9", b"\x00\xe9", b"\xfe\xff\x00\xe9")


def _list_encoding_cases() -> list[Case]:
    return [
        matching(
            f"charset/{name}",
            {"bodyPatterns": [pattern]},
            *(Send(method="POST", headers=headers, body=body) for headers in _CHARSETS for body in _CHARSET_BODIES),
        )
        for name, pattern in (
            ("equal", {"equalTo": "\u00e9"}),
            ("matches", {"matches": "."}),
            ("binary", {"binaryEqualTo": "6Q=="}),
        )
    ]


def _list_method_cases() -> list[Case]:
    return [
        matching(
            f"body-method/{name}",
            {"bodyPatterns": [pattern]},
            *(Send(method=method, body=body) for method in ("GET", "DELETE", "PUT", "OPTIONS") for body in ("", "abc")),
        )
        for name, pattern in (
            ("equal", {"equalTo": "abc"}),
            ("absent", {"absent": True}),
            ("not", {"doesNotMatch": "abc"}),
        )
    ]


CASES = (
    *(body_case(f"body/{name}", pattern, *_BODIES) for name, pattern in _PATTERNS.items()),
    *_list_encoding_cases(),
    *_list_method_cases(),
)
