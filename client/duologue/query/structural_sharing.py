"""Structural sharing: equal parts of new data stay the same objects (TanStack Query's `replaceEqualDeep`).

For dictionaries, lists, tuples and frozen dataclasses. A comparison with `is` shows what changed, and an observer of an
unchanged part is not notified.
"""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast

T = TypeVar("T")

_MAX_DEPTH = 200
_PLAIN = (str, int, float, bool, bytes, type(None), datetime, date, timedelta)


def replace_equal_deep(old: object, new: T, depth: int = 0) -> T:
    """Return `new`, or its equal, in which everything that equals its counterpart in `old` is that very object.

    Args:
        old: the previous data.
        new: the new data; it is not modified.
        depth: the depth of recursion; beyond 200 levels nothing is compared.
    """
    kind = type(new)
    if old is new or type(old) is not kind or depth > _MAX_DEPTH:
        return new
    if kind in _PLAIN:
        return old if old == new else new
    if kind is dict:
        return cast(T, _replace_dict(old, new, depth + 1))
    if kind is list or kind is tuple:
        return cast(T, _replace_sequence(kind, old, new, depth + 1))
    if _is_frozen_dataclass(kind):
        return cast(T, _replace_dataclass(kind, old, new, depth + 1))
    return new


def _replace_dict(old: Any, new: Any, depth: int) -> dict[Any, Any]:
    copy = {name: replace_equal_deep(old[name], item, depth) if name in old else item for name, item in new.items()}
    same = len(old) == len(copy) and all(name in old and old[name] is item for name, item in copy.items())
    return old if same else copy


def _replace_sequence(kind: type, old: Any, new: Any, depth: int) -> object:
    copy = [replace_equal_deep(a, b, depth) for a, b in zip(old, new, strict=False)] + list(new[len(old) :])
    if len(old) == len(copy) and all(a is b for a, b in zip(old, copy, strict=True)):
        return old
    return copy if kind is list else tuple(copy)


def _replace_dataclass(kind: type, old: Any, new: Any, depth: int) -> object:
    names = [field.name for field in dataclasses.fields(kind)]
    items = {name: replace_equal_deep(getattr(old, name), getattr(new, name), depth) for name in names}
    if all(getattr(old, name) is item for name, item in items.items()):
        return old
    if all(getattr(new, name) is item for name, item in items.items()):
        return new
    copy: object = object.__new__(kind)  # without __init__: nothing is to be converted or validated again
    for name, item in items.items():
        object.__setattr__(copy, name, item)
    return copy


def _is_frozen_dataclass(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)
