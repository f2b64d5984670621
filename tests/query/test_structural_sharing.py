"""Structural sharing; the first rows are TanStack Query's `utils.test.tsx`, `replaceEqualDeep`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.query.structural_sharing import replace_equal_deep


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    tags: list[str]


@dataclass
class Mutable:
    x: int


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=10,
)


def deep_copy(value: Any) -> Any:
    """An equal value made of other objects."""
    if isinstance(value, dict):
        return {key: deep_copy(item) for key, item in value.items()}
    return [deep_copy(item) for item in value] if isinstance(value, list) else value


@given(json_values)
def test_equal_value_is_old(value: Any) -> None:
    assert replace_equal_deep(value, deep_copy(value)) is value


@given(json_values, json_values)
def test_result_equals_new_value(old: Any, new: Any) -> None:
    before = repr(new)
    assert repr(replace_equal_deep(old, new)) == before == repr(new)


def test_equal_parts_are_old() -> None:
    old = {"todos": [{"id": 1, "meta": {"done": False}}, {"id": 2, "meta": {"done": True}}]}
    new = {"todos": [{"id": 1, "meta": {"done": False}}, {"id": 2, "meta": {"done": False}}]}
    result = replace_equal_deep(old, new)
    assert result == new
    assert result is not old
    assert result["todos"][0] is old["todos"][0]
    assert result["todos"][1] is not old["todos"][1]


def test_frozen_dataclasses() -> None:
    old, same, other = Point(1, ["a"]), Point(1, ["a"]), Point(2, ["a"])
    assert replace_equal_deep(old, same) is old
    assert replace_equal_deep(old, other).tags is old.tags
    assert replace_equal_deep(old, other) == other
    mutable = Mutable(1)
    assert replace_equal_deep(Mutable(1), mutable) is mutable


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), (1, 1.0), ([], ()), ({}, []), ("1", 1), (None, 0)])
def test_other_type_is_new(old: Any, new: Any) -> None:
    assert replace_equal_deep(old, new) is new


@pytest.mark.parametrize("kind", [set, object, lambda: Decimal("1.5")])
def test_unknown_type_is_new(kind: Callable[[], object]) -> None:
    """Nothing is known about its parts, or whether equal ones are the same."""
    old, new = kind(), kind()
    assert replace_equal_deep(old, new) is new
    assert replace_equal_deep([old], [new])[0] is new


def test_missing_name_is_not_none() -> None:
    assert replace_equal_deep({"a": None}, {"b": None}) == {"b": None}


def test_deep_nesting() -> None:
    old: list[Any] = []
    new: list[Any] = []
    for _ in range(5000):
        old, new = [old], [new]
    assert replace_equal_deep(old, new) is not old


@dataclass(frozen=True)
class Box:
    content: object


def nest(wrap: Callable[[object], object], levels: int) -> object:
    value: object = "".join(["a", "leaf"])  # each time another object
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v, 1), lambda v: {"a": v}, Box])
@pytest.mark.parametrize(("levels", "shared"), [(200, True), (201, False)])
def test_depth_limit(wrap: Callable[[object], object], levels: int, shared: bool) -> None:
    """Two hundred levels are compared; what is below them is new."""
    old, new = nest(wrap, levels), nest(wrap, levels)
    assert (replace_equal_deep(old, new) is old) == shared


@pytest.mark.parametrize(
    ("old", "new"),
    [([[1], [2]], [[1], [2], [3]]), ([[1], [2], [3]], [[1], [2]]), (([1], [2]), ([1], [3])), (([1],), ([1], [2]))],
)
def test_items_of_sequences(old: Any, new: Any) -> None:
    result = replace_equal_deep(old, new)
    assert (type(result), result) == (type(new), new)
    assert result[0] is old[0]


def test_dictionary_with_less() -> None:
    old = {"a": [1], "b": [2]}
    result = replace_equal_deep(old, {"a": [1]})
    assert result == {"a": [1]}
    assert result["a"] is old["a"]
    more = replace_equal_deep(old, {"a": [1], "b": [2], "c": None})
    assert more == {"a": [1], "b": [2], "c": None}
    assert more["b"] is old["b"]


def test_different_dataclass_is_new() -> None:
    old, new = Box(1), Box(2)
    assert replace_equal_deep(old, new) is new
