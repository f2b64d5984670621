"""JSON parsed strictly: what is refused, where the limits are, and that a message says why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.contract.strict_json import MAX_DEPTH, MAX_DIGITS, StrictJSONError, loads

DIGITS = "9" * MAX_DIGITS
TOO_DEEP = f"^Nested deeper than {MAX_DEPTH} levels"
TOO_MANY_DIGITS = f"^A number has more than {MAX_DIGITS} digits"


def nest(depth: int, kinds: str) -> str:
    """Return `depth` levels of lists and objects, whose kinds take turns: `[`, `{` or `[{`."""
    opened = [kinds[level % len(kinds)] for level in range(depth)]
    start = "".join('{"a":' if kind == "{" else "[" for kind in opened)
    return start + "1" + "".join("}" if kind == "{" else "]" for kind in reversed(opened))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": 1, "b": 2, "b": 3}', r"^The key 'b' occurs twice"),
        (b'[{"x": {"b": 1, "a": 2, "b": 3, "a": 4}}]', r"^The key '[ab]' occurs twice"),
        (b'{"%s": 1, "%s": 2}' % (b"k" * 80, b"k" * 80), f"^The key '{'k' * 80}' occurs twice"),
        (b'{"%s": 1, "%s": 2}' % (b"k" * 81, b"k" * 81), "^A long key occurs twice"),
        (b"[NaN]", "^NaN is not JSON"),
        (b"-Infinity", "^-Infinity is not JSON"),
        (f"{DIGITS}9".encode(), TOO_MANY_DIGITS),
        (f"0.{DIGITS[1:]}".encode(), TOO_MANY_DIGITS),
        (b"[-1e309]", "^A number is too large"),
        (b'["ab\xff"]', "^Not UTF-8: byte 4 "),
        (b"\xef\xbb\xbf{}", r"^Not JSON: .*line 1 column 1 "),
        (b'{"a": 1,}', r"^Not JSON: .*line 1 column [89] "),
        (b"", r"^Not JSON: .*char 0"),
        (b'"\\ud800"', "^A text holds half of a surrogate pair"),
        (b'{"\\udc00": 1}', "^A text holds half of a surrogate pair"),
        (b"[" * 100_000, TOO_DEEP),
    ],
    ids=[
        *("key", "two keys", "longest key", "long key", "NaN", "infinity", "integer", "fraction", "too large", "bytes"),
        *("BOM", "comma", "empty", "surrogate", "surrogate in key", "unclosed"),
    ],
)
def test_refusal_reason(text: bytes, reason: str) -> None:
    with pytest.raises(StrictJSONError, match=reason):
        loads(text)


@pytest.mark.parametrize("kinds", ["[", "{", "[{"], ids=["lists", "objects", "both"])
def test_deepest_nesting(kinds: str) -> None:
    for deepest in (nest(MAX_DEPTH, kinds), f"[{nest(MAX_DEPTH - 1, kinds)},[],{{}}]"):
        assert json.dumps(loads(deepest.encode()), separators=(",", ":")) == deepest
    with pytest.raises(StrictJSONError, match=TOO_DEEP):
        loads(nest(MAX_DEPTH + 1, kinds).encode())


@pytest.mark.parametrize(
    "value", [[[]] * 1000, [{"a": {}}] * 1000, "[" * 1000, {"{" * 1000: [1]}], ids=["lists", "objects", "text", "key"]
)
def test_brackets_without_depth(value: Any) -> None:
    """What counts is how deep they are nested, not how many there are; in texts they do not count at all."""
    assert loads(json.dumps(value).encode()) == value


def test_longest_number() -> None:
    assert loads(DIGITS.encode()) == int(DIGITS)
    assert loads(f"0.{DIGITS[2:]}".encode()) == 1.0


def test_surrogate_pair() -> None:
    assert loads(b'{"\\ud83d\\ude00": "\\ud83d\\ude00"}') == {"😀": "😀"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_any_value(value: Any, ensure_ascii: bool) -> None:
    """What is valid is parsed as the standard library parses it."""
    assert loads(json.dumps(value, ensure_ascii=ensure_ascii).encode()) == value
