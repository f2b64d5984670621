"""`equalToJson`: numbers, arrays, extra elements, placeholders, malformed JSON."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

from tests.wiremock.cases import Case, body_case

_DOCUMENTS = (
    "null", "true", "false", "0", "1", "1.0", "1e0", "-0", "-0.0", "1.5", "100", "1e2", "12345678901234567890",
    "0.1", '"1"', '""', '"a"', "[]", "{}",
    "[1]", "[1, 2]", "[2, 1]", "[1, 1, 2]", "[1, 2, 2]", "[[1, 2], [3]]", "[[3], [2, 1]]", '{"a": 1}', '{"a": 1.0}',
    '{"a": "1"}', '{"a": null}', '{"a": 1, "b": 2}', '{"b": 2, "a": 1}',
    '{"a": [1, 2]}', '{"a": [2, 1]}', '{"a": [1, 2, 3]}', '{"a": {"b": 1}}', '{"a": {"b": 1, "c": 2}}',
    '{"a": [{"b": 1}, {"b": 2}]}', '{"a": [{"b": 2}, {"b": 1}]}',
    '{"a": [{"b": 1, "c": 3}, {"b": 2}]}', '{"a": {}}', '{"a": []}', "", " ", "{", "[1, 2",
    '{"a": 1, "a": 2}', '{"a": 1,}', "nul", "abc", '\ufeff{"a": 1}',
    '{"A": 1}', '{"a ": 1}', '{"\\u0061": 1}', "NaN", "01", ".5", "+1",
)  # fmt: skip
"""What every expectation of the table below is compared with."""

_LENIENT = ("1.0000000000000000001", "{} {}", "{'a': 1}", "// comment\n1")
"""What is not JSON, or needs more digits than a number has, and matches something in WireMock."""

_EXPECTED: dict[str, Any] = {
    "null": None, "true": True, "zero": 0, "one": 1, "one-point-zero": 1.0, "one-and-a-half": 1.5, "hundred": 100,
    "long": 12345678901234567890,
    "text": "a", "digit": "1", "empty-text": "", "empty-list": [], "empty-object": {}, "list": [1, 2], "repeated": [1,
    1, 2], "nested-lists": [[1, 2], [3]],
    "object": {"a": 1}, "object-null": {"a": None}, "two-keys": {"a": 1, "b": 2}, "list-inside": {"a": [1, 2]},
    "object-inside": {"a": {"b": 1}},
    "objects-in-list": {"a": [{"b": 1}, {"b": 2}]},
}  # fmt: skip

_OPTIONS: dict[str, dict[str, bool]] = {
    "plain": {},
    "any-order": {"ignoreArrayOrder": True},
    "extra-elements": {"ignoreExtraElements": True},
    "any-order-extra": {"ignoreArrayOrder": True, "ignoreExtraElements": True},
}

_AS_TEXT = (
    '{"a": 1}', " { \"a\" : 1.0 } ", "[1, 2]", "null", "", " ", "{", "abc", '"abc"', "{'a': 1}", '{"a": 1, "a": 2}',
    "1e2", "// c\n1", "NaN", '{"a": 1} x', "01",
)  # fmt: skip

_PLACEHOLDER_DOCUMENTS = (
    '{"a": 1}', '{"a": "x"}', '{"a": "12"}', '{"a": null}', '{"a": true}', '{"a": [1]}', '{"a": {}}', "{}",
    '{"a": "x", "b": 1}', '{"a": 1.5}', '{"a": ""}', '{"b": 1}',
    '{"a": "2024-01-31"}', '{"a": "12345"}', '{"a": "a b"}', '{"a": ["x"]}', '{"a": -1}', '{"a": false}',
    '{"a": "${json-unit.any-string}"}',
)  # fmt: skip

_PLACEHOLDERS = (
    "${json-unit.any-string}", "${json-unit.any-number}", "${json-unit.any-boolean}", "${json-unit.ignore}",
    "${json-unit.ignore-element}", "${json-unit.regex}[0-9]+",
    "${json-unit.regex}x", "${json-unit.matches:custom}x", "${json-unit.nonsense}", "x${json-unit.any-string}",
    "#{json-unit.any-string}", "${json-unit.any-string} ",
    "${json-unit.regex}[", "${json-unit.regex}(?i)A B", "${json-unit.regex}", "${json-unit.any-number}1",
)  # fmt: skip

_STRUCTURES: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (["${json-unit.any-string}", 1], ('["x", 1]', '[1, "x"]', '["x", 2]', '["x", 1, 1]', '["x"]')),
    (["${json-unit.ignore}", 2], ("[1, 2]", "[2, 1]", "[2]", "[null, 2]")),
    (["${json-unit.ignore-element}", 2], ("[1, 2]", "[2]", "[2, 2]")),
    ({"a": ["${json-unit.any-number}"]}, ('{"a": [1]}', '{"a": ["1"]}', '{"a": []}', '{"a": [1, 2]}')),
    ({"a": "${json-unit.ignore}", "b": 1}, ('{"b": 1}', '{"a": 5, "b": 1}', '{"a": 5, "b": 2}')),
    ({"a": "${json-unit.ignore-element}", "b": 1}, ('{"b": 1}', '{"a": 5, "b": 1}', '{"a": 5, "b": 2}')),
    ("${json-unit.any-string}", ('"x"', "1", "null", "")),
    ("${json-unit.ignore}", ('"x"', "1", "null", "", "{}")),
    ({"${json-unit.any-string}": 1}, ('{"x": 1}', '{"${json-unit.any-string}": 1}')),
    ([{"a": "${json-unit.any-number}"}, {"a": "${json-unit.any-string}"}], ('[{"a": 1}, {"a": "x"}]',
    '[{"a": "x"}, {"a": 1}]')),
)  # fmt: skip

_ARRAYS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    ([1, 2], ("[1, 2]", "[1, 2, 3]", "[3, 1, 2]", "[2, 1]", "[1, 3, 2]", "[1]", "[]", "[1, 1, 2]", "[[1, 2]]", "{}",
    "null")),
    ([], ("[]", "[1]", "{}", "null", "")),
    ([1, 1], ("[1]", "[1, 1]", "[1, 1, 1]", "[1, 2, 1]")),
    ([{"a": 1}, {"b": 2}], ('[{"a": 1}, {"b": 2}]', '[{"b": 2}, {"a": 1}]', '[{"a": 1, "x": 9}, {"b": 2, "y": 8}]',
    '[{"b": 2, "x": 1}, {"a": 1}, 5]', '[{"a": 1, "b": 2}]')),
    ([[1, 2], [3, 4]], ("[[1, 2], [3, 4]]", "[[4, 3], [2, 1]]", "[[1, 2, 9], [3, 4, 9]]", "[[3, 4], [1, 2]]")),
    ({"a": [{"b": [1, 2]}]}, ('{"a": [{"b": [2, 1]}]}', '{"a": [{"b": [1, 2], "c": 1}]}',
    '{"a": [{"b": [2, 1, 3], "c": 1}, 1], "d": 1}')),
    ([1, "1", None], ('[null, "1", 1]', '["1", 1, null]', '[1, 1, null]', '[1, "1"]')),
)  # fmt: skip


def _list_option_cases() -> list[Case]:
    return [
        body_case(f"equal-to-json/{name}-{option}", {"equalToJson": json.dumps(expected), **options}, *_DOCUMENTS)
        for (name, expected), (option, options) in product(_EXPECTED.items(), _OPTIONS.items())
        if option == "plain" or isinstance(expected, (list, dict))
    ]


def _list_array_cases() -> list[Case]:
    return [
        body_case(f"equal-to-json-arrays/{number}-{option}", {"equalToJson": expected, **options}, *bodies)
        for (number, (expected, bodies)), (option, options) in product(enumerate(_ARRAYS), _OPTIONS.items())
    ]


def _list_placeholder_cases() -> list[Case]:
    return [
        body_case(
            f"placeholder/{number}-{option}", {"equalToJson": {"a": placeholder}, **options}, *_PLACEHOLDER_DOCUMENTS
        )
        for (number, placeholder), (option, options) in product(enumerate(_PLACEHOLDERS), _OPTIONS.items())
        if option in ("plain", "extra-elements")
    ]


def _list_structure_cases() -> list[Case]:
    return [
        body_case(f"placeholder-structure/{number}-{option}", {"equalToJson": expected, **options}, *bodies)
        for (number, (expected, bodies)), (option, options) in product(enumerate(_STRUCTURES), _OPTIONS.items())
    ]


CASES = (
    *_list_option_cases(),
    *_list_array_cases(),
    *(
        body_case(f"equal-to-json-text/{number}", {"equalToJson": text}, *_DOCUMENTS)
        for number, text in enumerate(_AS_TEXT)
    ),
    *(
        body_case(f"equal-to-json-value/{name}", {"equalToJson": expected}, *_DOCUMENTS)
        for name, expected in _EXPECTED.items()
        if name not in ("null",)
    ),
    *_list_placeholder_cases(),
    *_list_structure_cases(),
    *(
        body_case(f"equal-to-json-lenient/{name}", {"equalToJson": json.dumps(_EXPECTED[name])}, *_LENIENT)
        for name in ("one", "object", "empty-object")
    ),
)
