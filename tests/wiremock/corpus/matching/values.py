"""Patterns of one text, seen on a query parameter: every matcher with every option."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Case, Send, matching, value_case

_VALUES = (
    "abc",
    "ABC",
    "Abc",
    "abcd",
    "xabcx",
    "a",
    "b",
    "",
    "1",
    "1.0",
    "01",
    "%20abc",
    "a%20b",
    "a+b",
    "a%0Ab",
    "%c3%a9",
    "null",
    None,
)

_PATTERNS: dict[str, dict[str, Any]] = {
    "equal": {"equalTo": "abc"},
    "equal-ignoring-case": {"equalTo": "aBc", "caseInsensitive": True},
    "equal-minding-case": {"equalTo": "abc", "caseInsensitive": False},
    "equal-empty": {"equalTo": ""},
    "equal-number": {"equalTo": 1},
    "equal-true": {"equalTo": True},
    "equal-space": {"equalTo": "a b"},
    "equal-plus": {"equalTo": "a+b"},
    "equal-newline": {"equalTo": "a\nb"},
    "equal-accent": {"equalTo": "\u00e9"},
    "equal-text-null": {"equalTo": "null"},
    "contains": {"contains": "b"},
    "contains-empty": {"contains": ""},
    "contains-case": {"contains": "B"},
    "contains-special": {"contains": "."},
    "does-not-contain": {"doesNotContain": "b"},
    "does-not-contain-empty": {"doesNotContain": ""},
    "matches": {"matches": "[a-c]+"},
    "matches-whole": {"matches": "b"},
    "matches-empty": {"matches": ""},
    "matches-any": {"matches": ".*"},
    "matches-dot-newline": {"matches": "a.b"},
    "matches-ignore-case": {"matches": "(?i)abc"},
    "does-not-match": {"doesNotMatch": "[a-c]+"},
    "does-not-match-any": {"doesNotMatch": ".*"},
    "does-not-match-part": {"doesNotMatch": "b"},
    "absent": {"absent": True},
    "absent-false": {"absent": False},
    "absent-text": {"absent": "(absent)"},
    "anything": {"anything": "anything"},
    "anything-text": {"anything": "(always)"},
    "anything-true": {"anything": True},
    "and": {"and": [{"contains": "a"}, {"contains": "c"}]},
    "and-empty": {"and": []},
    "and-one": {"and": [{"equalTo": "abc"}]},
    "or": {"or": [{"equalTo": "abc"}, {"equalTo": "1"}]},
    "or-empty": {"or": []},
    "or-absent": {"or": [{"equalTo": "abc"}, {"absent": True}]},
    "not-equal": {"not": {"equalTo": "abc"}},
    "not-contains": {"not": {"contains": "b"}},
    "not-absent": {"not": {"absent": True}},
    "not-matches": {"not": {"matches": "[a-z]*"}},
    "not-not": {"not": {"not": {"equalTo": "abc"}}},
    "not-or": {"not": {"or": [{"equalTo": "abc"}, {"equalTo": "a"}]}},
    "not-and": {"not": {"and": [{"contains": "a"}, {"contains": "b"}]}},
    "or-of-and": {"or": [{"and": [{"contains": "a"}, {"contains": "b"}]}, {"equalTo": "1"}]},
    "and-of-or": {"and": [{"or": [{"contains": "A"}, {"contains": "a"}]}, {"doesNotContain": "x"}]},
    "and-of-not": {"and": [{"not": {"equalTo": "a"}}, {"not": {"equalTo": "b"}}]},
    "or-of-not": {"or": [{"not": {"equalTo": "a"}}, {"not": {"equalTo": "b"}}]},
    "equal-to-json": {"equalToJson": "1"},
    "json-path": {"matchesJsonPath": "$.a"},
    "json-schema": {"matchesJsonSchema": {"type": "integer"}},
    "binary": {"binaryEqualTo": "YWJj"},
}  # fmt: skip

_REPEATED: dict[str, dict[str, Any]] = {
    "equal": {"equalTo": "1"},
    "contains": {"contains": "1"},
    "does-not-contain": {"doesNotContain": "1"},
    "does-not-match": {"doesNotMatch": "1"},
    "not": {"not": {"equalTo": "1"}},
    "absent": {"absent": True},
    "and-across": {"and": [{"equalTo": "1"}, {"equalTo": "2"}]},
    "or": {"or": [{"equalTo": "1"}, {"equalTo": "3"}]},
    "exactly-two": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "2"}]},
    "exactly-one": {"hasExactly": [{"equalTo": "1"}]},
    "exactly-none": {"hasExactly": []},
    "exactly-patterns": {"hasExactly": [{"matches": "[0-9]"}, {"equalTo": "2"}]},
    "exactly-same": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "1"}]},
    "exactly-not": {"hasExactly": [{"not": {"equalTo": "1"}}, {"equalTo": "1"}]},
    "exactly-contains": {"hasExactly": [{"contains": "1"}, {"contains": "2"}]},
    "includes-one": {"includes": [{"equalTo": "2"}]},
    "includes-two": {"includes": [{"equalTo": "1"}, {"equalTo": "2"}]},
    "includes-none": {"includes": []},
    "includes-not": {"includes": [{"not": {"equalTo": "1"}}]},
    "includes-absent": {"includes": [{"absent": True}]},
    "includes-matches": {"includes": [{"matches": "[12]"}]},
}

_QUERIES = (
    "",
    "?q=1",
    "?q=2",
    "?q=1&q=2",
    "?q=2&q=1",
    "?q=1&q=1",
    "?q=1&q=2&q=3",
    "?q=",
    "?q",
    "?q&q=1",
    "?q=12",
    "?r=1",
    "?q=1,2",
    "?q[]=1",
)

_NAMES: dict[str, dict[str, Any]] = {
    "space": {"a b": {"equalTo": "1"}},
    "brackets": {"a[]": {"equalTo": "1"}},
    "accent": {"\u00e9": {"equalTo": "1"}},
    "upper-case": {"A": {"equalTo": "1"}},
    "encoded": {"a%20b": {"equalTo": "1"}},
    "empty": {"": {"equalTo": "1"}},
    "plus": {"a+b": {"equalTo": "1"}},
}

_NAMED_QUERIES = (
    "a%20b=1", "a+b=1", "a[]=1", "a%5B%5D=1", "%c3%a9=1", "%C3%A9=1", "a=1", "A=1", "=1", "a%2Bb=1", "a%2520b=1",
    "a=b=1", "a;A=1",
)  # fmt: skip

_ODD_QUERIES = (
    "q=a=b", "q=%", "q=%zz", "q=%e9", "q=a%26b", "q=a&amp;b", "q=a;r=1", "&q=a", "q=a&", "q==a", "Q=a", "q=a%00",
    "q=a?b", "q=a/b", "q=a%2fb", "%71=a",
)  # fmt: skip

_ODD_PATTERNS: dict[str, dict[str, Any]] = {
    "a": {"equalTo": "a"},
    "equals": {"equalTo": "a=b"},
    "ampersand": {"equalTo": "a&b"},
    "percent": {"contains": "%"},
    "slash": {"equalTo": "a/b"},
    "question-mark": {"equalTo": "a?b"},
    "any": {"matches": ".+"},
    "leading-equals": {"equalTo": "=a"},
}


def _query(pattern: dict[str, Any], name: str = "q") -> dict[str, Any]:
    return {"urlPath": "/things", "queryParameters": {name: pattern}}


def _list_name_cases() -> list[Case]:
    sent = [Send(f"/things?{query}") for query in _NAMED_QUERIES]
    return [
        matching(f"query-name/{name}", {"urlPath": "/things", "queryParameters": patterns}, *sent)
        for name, patterns in _NAMES.items()
    ]


CASES = (
    *(value_case(f"value/{name}", pattern, *_VALUES) for name, pattern in _PATTERNS.items()),
    *(
        matching(f"repeated-query/{name}", _query(pattern), *(Send(f"/things{query}") for query in _QUERIES))
        for name, pattern in _REPEATED.items()
    ),
    *_list_name_cases(),
    *(
        matching(f"odd-query/{name}", _query(pattern), *(Send(f"/things?{query}") for query in _ODD_QUERIES))
        for name, pattern in _ODD_PATTERNS.items()
    ),
    matching(
        "query/two-parameters",
        {"urlPath": "/things", "queryParameters": {"a": {"equalTo": "1"}, "b": {"contains": "2"}}},
        *(Send(f"/things{query}") for query in ("?a=1&b=2", "?b=22&a=1", "?a=1", "?b=2", "?a=1&b=3", "?a=1&b=2&c=3")),
    ),
    matching(
        "query/with-url-pattern",
        {"urlPattern": "/things.*", "queryParameters": {"a": {"equalTo": "1"}}},
        *(Send(f"/things{query}") for query in ("?a=1", "?a=2", "", "?b=1&a=1")),
    ),
    matching(
        "query/with-url",
        {"url": "/things?a=1", "queryParameters": {"a": {"equalTo": "1"}}},
        *(Send(f"/things{query}") for query in ("?a=1", "?a=2", "", "?a=1&b=1")),
    ),
)
