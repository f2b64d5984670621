"""Structural sharing: what is equal in new data stays the same object.

TanStack Query's `replaceEqualDeep`, for dictionaries, lists, tuples and frozen dataclasses. Whoever compares with `is`
sees at once what changed, and an observer of an unchanged part is not disturbed.
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
        old: what there was.
        new: what there is now; it is not changed.
        depth: how deep we are; below 200 levels nothing is compared.
    """
    kind = type(new)
    if old is new or type(old) is not kind or depth > _MAX_DEPTH:
        return new
    if kind in _PLAIN:
        return old if old == new else new
    made = _of_kind(kind, old, new, depth + 1)
    return new if made is None else cast(T, made)


def _of_kind(kind: type, old: Any, new: Any, depth: int) -> object:
    if kind is dict:
        return _shared_dict(old, new, depth)
    if kind is list or kind is tuple:
        return _shared_sequence(kind, old, new, depth)
    if _is_frozen_dataclass(kind):
        return _shared_dataclass(kind, old, new, depth)
    return None


def _shared_dict(old: dict[Any, Any], new: dict[Any, Any], depth: int) -> dict[Any, Any]:
    made = {name: replace_equal_deep(old[name], item, depth) if name in old else item for name, item in new.items()}
    same = len(old) == len(made) and all(name in old and old[name] is item for name, item in made.items())
    return old if same else made


def _shared_sequence(kind: type, old: Any, new: Any, depth: int) -> object:
    made = [replace_equal_deep(was, item, depth) for was, item in zip(old, new, strict=False)] + list(new[len(old) :])
    if len(old) == len(made) and all(was is item for was, item in zip(old, made, strict=True)):
        return old
    return made if kind is list else tuple(made)


def _shared_dataclass(kind: type, old: Any, new: Any, depth: int) -> object:
    names = [field.name for field in dataclasses.fields(kind)]
    items = {name: replace_equal_deep(getattr(old, name), getattr(new, name), depth) for name in names}
    if all(getattr(old, name) is item for name, item in items.items()):
        return old
    if all(getattr(new, name) is item for name, item in items.items()):
        return new
    made: object = object.__new__(kind)  # without __init__: nothing is to be converted or checked again
    for name, item in items.items():
        object.__setattr__(made, name, item)
    return made


def _is_frozen_dataclass(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)
