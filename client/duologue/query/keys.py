"""Query keys: tuples of JSON values, compared by value, matched by prefix.

The rules are TanStack Query's `hashQueryKey` and `partialMatchKey`: the order of a dictionary's items means nothing,
and a filter matches a key element by element, a dictionary any that has at least its items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

Key: TypeAlias = tuple[Any, ...]
"""A query's name: strings, numbers, booleans, None, and lists and dictionaries of them."""

QueryHash: TypeAlias = tuple[Any, ...]
"""A key that can be hashed. Dictionaries, lists and booleans in it carry a mark, so that no two kinds are equal."""

DICT = "\0{"
LIST = "\0["
_BOOL = "\0?"
_TRUE, _FALSE = (_BOOL, True), (_BOOL, False)


def hash_key(key: Key | list[Any]) -> QueryHash:
    """Return the form of a key that can be hashed; keys that mean the same have the same.

    Args:
        key: a tuple; a list is taken for one.

    Raises:
        TypeError: it is neither, or there is something in it that JSON has no word for.
        ValueError: a number that is not finite.
    """
    if not isinstance(key, (tuple, list)):
        raise TypeError(f"A query key is a tuple, as ('users', 1), not {key!r}")
    return tuple([element if type(element) is str else freeze(element) for element in key])


def freeze(value: object) -> Any:
    """Return the hashable form of one JSON value; see `hash_key` for what it raises."""
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, Mapping):
        return (DICT, *sorted([(_name(name), freeze(item)) for name, item in value.items()]))
    if isinstance(value, (list, tuple)):
        return (LIST, *[freeze(item) for item in value])
    raise TypeError(f"A query key is made of JSON values; {value!r} is none")


def partial_match(part: Any, whole: Any) -> bool:
    """Tell whether an element of a filter matches an element of a key; both are frozen."""
    if part == whole:
        return True
    if not (isinstance(part, tuple) and isinstance(whole, tuple)) or part[0] != whole[0]:
        return False
    if part[0] == DICT:
        there = dict(whole[1:])
        return all(name in there and partial_match(item, there[name]) for name, item in part[1:])
    return part[0] == LIST and len(part) <= len(whole) and all(map(partial_match, part[1:], whole[1:]))


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"The names in a query key's dictionary are strings, as in JSON; {name!r} is none")
    return name


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"A query key has finite numbers, as JSON; {number} is none")
    return number
