"""Keys and prefixes: what is equal, what matches what, and what it costs."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.query.keys import KeyIndex, hash_key, partial_match

scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b", "users"])
elements = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=5,
)
keys = st.lists(elements, max_size=3).map(tuple)


def partially_equal(whole: Any, part: Any) -> bool:
    """TanStack Query's `partialDeepEqual`, but lists and dictionaries differ."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and partially_equal(whole[name], item) for name, item in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(partially_equal, whole, part))
    return json.dumps(part) == json.dumps(whole)


@given(keys, keys)
def test_hash_equals_sorted_json(one: Any, other: Any) -> None:
    def text(key: Any) -> str:
        return json.dumps(key, sort_keys=True)

    assert (hash_key(one) == hash_key(other)) == (text(one) == text(other))


@given(st.lists(keys, max_size=12), keys)
def test_index_matches_like_scan(all_keys: list[Any], prefix: Any) -> None:
    index: KeyIndex[str] = KeyIndex()
    for key in all_keys:
        index.add(hash_key(key), json.dumps(key, sort_keys=True))
    expected = {json.dumps(key, sort_keys=True) for key in all_keys if partially_equal(list(key), list(prefix))}
    assert sorted(index.match(hash_key(prefix))) == sorted(expected)


@given(st.lists(keys, max_size=12))
def test_index_discard_all(all_keys: list[Any]) -> None:
    index: KeyIndex[int] = KeyIndex()
    for key in all_keys:
        index.add(hash_key(key), 1)
    for key in all_keys:
        index.discard(hash_key(key))
    assert index.match(()) == []
    assert not index._root.children
    assert not index._root.by_trait


def test_index_match_dictionary() -> None:
    index: KeyIndex[int] = KeyIndex()
    for number in range(1000):
        index.add(hash_key(("users", {"page": number, "limit": 10})), number)
    assert index.match(hash_key(("users", {"limit": 10, "page": 7}))) == [7]
    assert len(index.match(hash_key(("users", {"limit": 10})))) == 1000
    assert len(index.match(hash_key(("users", {})))) == 1000
    assert index.match(hash_key(("users", {"search": 1}))) == []


def test_index_match_all_items() -> None:
    index: KeyIndex[int] = KeyIndex()
    for number, (page, limit) in enumerate([(7, 10), (7, 20), (8, 10), (8, 20)]):
        index.add(hash_key(("users", {"page": page, "limit": limit})), number)
    assert index.match(hash_key(("users", {"page": 7, "limit": 20}))) == [1]
    assert index.match(hash_key(("users", {"page": 9, "limit": 20}))) == []


@pytest.mark.parametrize("key", [(object(),), ({1: 2},), ({"a": {1, 2}},), (b"x",)])
def test_key_not_json(key: Any) -> None:
    with pytest.raises(TypeError):
        hash_key(key)


@pytest.mark.parametrize(
    ("part", "whole", "matches"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, True),
        ({"a": 1, "b": 2}, {"a": 0, "b": 2, "c": 3}, False),
        ({"a": None}, {"b": None}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
        ([1, {}], [1, {"b": 2}, 3], True),
        ([1, 2], [1], False),
        ([2], [1, 2], False),
        (True, False, False),
        (True, True, True),
        (True, 1, False),
        ({}, [], False),
    ],
)
def test_partial_match(part: Any, whole: Any, matches: bool) -> None:
    assert partial_match(*hash_key((part, whole))) == matches


def test_key_type_error() -> None:
    """The message shows what is wrong."""
    with pytest.raises(TypeError, match=r"tuple.*not 'users'"):
        hash_key("users")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="JSON values, not b'x'"):
        hash_key(("a", [b"x"]))
    with pytest.raises(TypeError, match="are strings, not 7"):
        hash_key(({7: 1},))
    with pytest.raises(ValueError, match="not inf"):
        hash_key((math.inf,))


def test_list_as_key() -> None:
    assert hash_key(["users", 1.5]) == hash_key(("users", 1.5)) != hash_key(("users", 2.5))


def test_index_set_again() -> None:
    index: KeyIndex[int] = KeyIndex()
    index.add(("a",), 1)
    index.add(("a",), 2)
    index.discard(("b",))
    index.discard(("a", "b"))
    assert index.match(("a",)) == [2]


def test_index_discard_parent() -> None:
    """What is below a key stays, and the other way round."""
    index: KeyIndex[int] = KeyIndex()
    for number, key in enumerate([("a",), ("a", "b"), ("a", "c")]):
        index.add(key, number)
    index.discard(("a",))
    assert sorted(index.match(())) == [1, 2]
    index.add(("a",), 3)
    index.discard(("a", "b"))
    assert sorted(index.match(())) == [2, 3]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_key_not_finite(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        hash_key((number,))


def test_key_looks_like_mark() -> None:
    assert not partial_match(hash_key(("\0{",))[0], hash_key(({},))[0])
    assert hash_key((["\0?", True],)) != hash_key((True,))
