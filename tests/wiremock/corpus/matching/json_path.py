"""`matchesJsonPath`: expressions, and matchers of what they find."""

from __future__ import annotations

import json
from typing import Any

from tests.wiremock.cases import Case, body_case

_STORE = {
    "store": {
        "book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword", "price": 12.99},
            {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3",
            "price": 8.99},
            {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord", "isbn": "0-395-19395-8",
            "price": 22.99},
        ],
        "bicycle": {"color": "red", "price": 19.95},
        "open": True,
        "owner": None,
        "tags": ["a", "b"],
    },
    "expensive": 10,
    "key with space": "v",
    "a.b": 1,
    "empty": {},
    "none": [],
    "zero": 0,
    "no": False,
    "text": "",
}  # fmt: skip

_BODIES = (
    json.dumps(_STORE), '{"a": 1}', '{"a": "1"}', '{"a": null}', '{"a": []}', '{"a": {}}', '{"a": ""}',
    '{"a": false}', '{"a": 0}', '{"a": [1, 2, 3]}',
    '{"a": [{"b": 1}, {"b": 2}]}', '{"a": {"b": {"c": 1}}}', '[{"a": 1}, {"a": 2}]', "[1, 2, 3]", "[]", "{}", "1",
    '"a"', "null", "", "{", '{"b": {"a": 5}}',
)  # fmt: skip
"""What every expression of the table below is asked."""

_EXPRESSIONS = (
    "$", "$.a", "$.a.b", "$.a.b.c", "$['a']", '$["a"]', "$.a[0]", "$.a[1]", "$.a[-1]", "$.a[5]", "$.a[0:2]",
    "$.a[1:]", "$.a[:1]", "$.a[-2:]", "$.a[0,2]", "$.a[*]", "$.a.*", "$..a", "$..b",
    "$.*", "$..*", "$[*]", "$[0]", "$[0].a", "$[*].a", "$[?(@.a)]", "$[?(@.a == 1)]", "$[?(@.a > 1)]", "$.a[?(@.b)]",
    "$.a[?(@.b == 2)]", "$.a[?(@.b != 1)]", "$.a[?(@ > 1)]", "$.a[?(@ == 3)]",
    "$.store.book[*].author", "$..author", "$.store.*", "$.store..price", "$..book[2]", "$..book[-1]", "$..book[0,1]",
    "$..book[:2]", "$..book[?(@.isbn)]", "$..book[?(!@.isbn)]",
    "$.store.book[?(@.price < 10)]", "$.store.book[?(@.price > 100)]", "$..book[?(@.price <= $['expensive'])]",
    "$..book[?(@.price <= $.expensive)]", "$..book[?(@.author =~ /.*REES/i)]",
    "$..book[?(@.author =~ /Nigel/)]", "$..book[?(@.author =~ /Nigel.*/)]",
    "$..book[?(@.category in ['fiction', 'x'])]", "$..book[?(@.category nin ['fiction'])]",
    "$..book[?(@.category == 'fiction' && @.price < 10)]", "$..book[?(@.category == 'x' || @.price > 20)]",
    "$..book[?(@.price == 8.95)]", "$..book[?(@.price == '8.95')]",
    "$..book.length()", "$.store.book.length()", "$.a.length()", "$.store.tags.length()", "$.a.min()", "$.a.max()",
    "$.a.sum()", "$.a.avg()", "$.a.size()", "$.a.first()", "$.a.last()", "$.a.keys()", "$.keys()",
    "$.store.keys()", "$.a.concat('x')", "$.a.stddev()", "$.a.index(0)", "$.a.append(4)", "$.store.owner",
    "$.store.open", "$.empty", "$.none", "$.zero", "$.no", "$.text", "$['key with space']", "$['a.b']", "$.a.b",
    "$.store['bicycle']['color']", "$.store['bicycle', 'book']", "$..['color']", "$..color",
    "$.store.bicycle[?(@.color == 'red')]", "$.store[?(@.color)]", "$[?(@.color)]", "$..[?(@.color == 'red')]",
    "$[?(@.expensive == 10)]", "$.store.book[?(@.title contains 'Moby')]", "$.store.tags[?(@ == 'a')]",
    "$.store[?(@.tags contains 'a')]", "$.store.book[?(@.title size 7)]", "$.store.book[?(@.title empty false)]",
    "$.store.book[?(@.isbn empty true)]", "$.store[?(@.tags anyof ['a', 'c'])]", "$.store[?(@.tags noneof ['c'])]",
    "$.store[?(@.tags subsetof ['a', 'b', 'c'])]", "$.store[?(@.open == true)]", "$[?(@.open == true)]",
    "$[?(@.owner == null)]", "$..[?(@.owner == null)]", "$..book[?(@.isbn == null)]", "$.a[?(@.b >= 1 && @.b <= 1)]",
    "$.a[?(@['b'] == 1)]", "$.a[?(1 == @.b)]", "$.a[?(@.b == 1)].b", "$[-1:]", "$[1:2]",
    "$.a[(@.length-1)]", "$..book[(@.length-1)]", "a", "a.b", "@.a", "$.", "$..", "$a", "", " ", "$.a[", "$.a[?(",
    "$.a[?(@.b)", "$.a[?(@.b ==)]", "$.a[abc]", "$.a[0:2:1]", "$.a[::2]", "$.a b", "$. a", "$['a", "$.a.b.",
    "$.a[?@.b == 1]", "$.a.nothing()", "$.A", "$..A", "$.a[?(@.b == 1 || @.b == 2)]", "$.a[?(!(@.b == 1))]",
    "$.a[?(@.b =~ /1/)]", "$.store.book[?(@.price < 10)].title", "$.store.book[0].title.length()",
    "$.store.bicycle.length()", "$.a[?(@.b in [1, 2])]", "$.a[?(@.b == 1.0)]", "$.a[?(@ in [1, 2])]",
    "$.a[?(@.length() > 0)]", "$[?(@.a.length() > 1)]", "$.store.book[?(@.author.length() > 12)]",
)  # fmt: skip

_MATCHERS: dict[str, dict[str, Any]] = {
    "equal": {"expression": "$.a", "equalTo": "1"},
    "equal-text": {"expression": "$.a", "equalTo": "x"},
    "equal-ignoring-case": {"expression": "$.a", "equalTo": "X", "caseInsensitive": True},
    "equal-null": {"expression": "$.a", "equalTo": "null"},
    "equal-empty": {"expression": "$.a", "equalTo": ""},
    "equal-list": {"expression": "$.a", "equalTo": "[1,2,3]"},
    "equal-object": {"expression": "$.a", "equalTo": '{"b":1}'},
    "contains": {"expression": "$.a", "contains": "1"},
    "does-not-contain": {"expression": "$.a", "doesNotContain": "1"},
    "matches": {"expression": "$.a", "matches": "[0-9]+"},
    "does-not-match": {"expression": "$.a", "doesNotMatch": "[0-9]+"},
    "absent": {"expression": "$.a", "absent": True},
    "absent-text": {"expression": "$.a", "absent": "(absent)"},
    "not-absent": {"expression": "$.a", "not": {"absent": True}},
    "anything": {"expression": "$.a", "anything": "x"},
    "not": {"expression": "$.a", "not": {"equalTo": "1"}},
    "and": {"expression": "$.a", "and": [{"contains": "1"}, {"contains": "2"}]},
    "or": {"expression": "$.a", "or": [{"equalTo": "1"}, {"equalTo": "x"}]},
    "or-absent": {"expression": "$.a", "or": [{"equalTo": "1"}, {"absent": True}]},
    "json": {"expression": "$.a", "equalToJson": '{"b": 1}'},
    "json-list": {"expression": "$.a", "equalToJson": "[3, 2, 1]", "ignoreArrayOrder": True},
    "json-extra": {"expression": "$.a", "equalToJson": '{"b": 1}', "ignoreExtraElements": True},
    "json-number": {"expression": "$.a", "equalToJson": "1"},
    "json-null": {"expression": "$.a", "equalToJson": "null"},
    "schema": {"expression": "$.a", "matchesJsonSchema": {"type": "integer"}},
    "path-in-path": {"expression": "$.a", "matchesJsonPath": "$.b"},
    "path-in-path-equal": {"expression": "$.a", "matchesJsonPath": {"expression": "$.b", "equalTo": "1"}},
    "includes": {"expression": "$.a", "includes": [{"equalTo": "1"}]},
    "exactly": {"expression": "$.a", "hasExactly": [{"equalTo": "1"}]},
    "items": {"expression": "$.a[*]", "equalTo": "1"},
    "items-contains": {"expression": "$.a[*]", "contains": "1"},
    "items-absent": {"expression": "$.a[*]", "absent": True},
    "items-json": {"expression": "$.a[*]", "equalToJson": "[1, 2, 3]"},
    "items-not": {"expression": "$.a[*]", "not": {"equalTo": "1"}},
    "deep": {"expression": "$..b", "equalTo": "1"},
    "deep-contains": {"expression": "$..b", "contains": "1"},
    "filter": {"expression": "$.a[?(@.b == 1)]", "contains": "b"},
    "filter-absent": {"expression": "$.a[?(@.b == 9)]", "absent": True},
    "size": {"expression": "$.a.length()", "equalTo": "3"},
    "size-matches": {"expression": "$.a.size()", "matches": "[2-4]"},
    "bad-expression": {"expression": "$.a[", "equalTo": "1"},
    "expression-only": {"expression": "$.a"},
    "binary": {"expression": "$.a", "binaryEqualTo": "MQ=="},
}

_VALUES = (
    '{"a": 1}', '{"a": 1.0}', '{"a": 1.50}', '{"a": 1e3}', '{"a": "1"}', '{"a": "x"}', '{"a": "X"}', '{"a": ""}',
    '{"a": null}', '{"a": true}', '{"a": []}', '{"a": {}}', '{"a": [1, 2, 3]}', '{"a": ["1"]}', '{"a": [12]}',
    '{"a": {"b": 1}}', '{"a": {"b": 1, "c": 2}}', '{"a": [{"b": 1}, {"b": 2}]}', "{}", "[]", "1", "",
    '{"a": "\u00e9"}', '{"a": "a\\"b"}', '{"a": [null]}', '{"a": [[1]]}', '{"a": 12345678901234567890}',
)  # fmt: skip


def _list_logical_cases() -> list[Case]:
    path = {"matchesJsonPath": "$.a"}
    one = {"matchesJsonPath": {"expression": "$.a", "equalTo": "1"}}
    two = {"matchesJsonPath": {"expression": "$.b", "absent": True}}
    patterns: dict[str, dict[str, Any] | list[dict[str, Any]]] = {
        "not": {"not": path},
        "and": {"and": [path, two]},
        "or": {"or": [one, {"equalToJson": "{}"}]},
        "list": [one, two],
        "not-equal": {"not": one},
    }
    return [body_case(f"json-path-logic/{name}", pattern, *_VALUES) for name, pattern in patterns.items()]


CASES = (
    *(
        body_case(f"json-path/{number:03d}", {"matchesJsonPath": expression}, *_BODIES)
        for number, expression in enumerate(_EXPRESSIONS)
    ),
    *(
        body_case(f"json-path-value/{name}", {"matchesJsonPath": pattern}, *_VALUES)
        for name, pattern in _MATCHERS.items()
    ),
    *_list_logical_cases(),
    *(
        body_case(f"json-path-lenient/{name}", {"matchesJsonPath": pattern}, "abc")
        for name, pattern in (
            ("root", "$"),
            ("length", "$..book.length()"),
            ("absent", {"expression": "$.a", "absent": True}),
        )
    ),
)
