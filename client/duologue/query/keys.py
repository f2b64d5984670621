"""Query keys: tuples of JSON values, compared by value and matched by prefix, and an index of them.

The rules are TanStack Query's `hashKey` and `partialMatchKey`: the order of a dictionary's items does not matter, and
a filter matches a key element by element, a dictionary in it any that has at least its items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")

Key: TypeAlias = tuple[Any, ...]
"""A query key: strings, numbers, booleans, None, and lists and dictionaries of them."""

QueryHash: TypeAlias = tuple[Any, ...]
"""A hashable key. Dictionaries, lists and booleans in it are marked, so that values of two types are never equal."""

_DICT = "\0{"
_LIST = "\0["
_BOOL = "\0?"
_TRUE, _FALSE = (_BOOL, True), (_BOOL, False)


def hash_key(key: Key | list[Any]) -> QueryHash:
    """Return the hashable form of a key; equal keys have equal ones.

    Args:
        key: a tuple; a list is accepted too.

    Raises:
        TypeError: it is neither, or it has an element that is not a JSON value.
        ValueError: it has a number that is not finite.
    """
    if not isinstance(key, (tuple, list)):
        raise TypeError(f"A query key is a tuple, as ('users', 1), not {key!r}")
    return tuple([element if type(element) is str else _hash_value(element) for element in key])


def _hash_value(value: object) -> Any:
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return _check_finite(value)
    if isinstance(value, Mapping):
        return (_DICT, *sorted([(_check_name(name), _hash_value(item)) for name, item in value.items()]))
    if isinstance(value, (list, tuple)):
        return (_LIST, *[_hash_value(item) for item in value])
    raise TypeError(f"A query key consists of JSON values, not {value!r}")


def partial_match(part: Any, whole: Any) -> bool:
    """Return whether an element of a filter matches an element of a key; both are hashed."""
    if part == whole:
        return True
    if not (isinstance(part, tuple) and isinstance(whole, tuple)) or part[0] != whole[0]:
        return False
    if part[0] == _DICT:
        items = dict(whole[1:])
        return all(name in items and partial_match(item, items[name]) for name, item in part[1:])
    return part[0] == _LIST and len(part) <= len(whole) and all(map(partial_match, part[1:], whole[1:]))


def _check_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"The names of a dictionary in a query key are strings, not {name!r}")
    return name


def _check_finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"The numbers in a query key are finite, not {number}")
    return number


class KeyIndex(Generic[T]):
    """A tree of hashed keys, one element per level, so that a prefix is matched at a cost of what it matches.

    Scalar elements of a filter are looked up. A dictionary matches any that has at least its items, so each level also
    indexes its dictionaries by item, and only those with the rarest item are compared.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, key: QueryHash, value: T) -> None:
        """Set the value of a key."""
        node = self._root
        for element in key:
            node = node.get_or_create_child(element)
        node.values = [value]

    def discard(self, key: QueryHash) -> None:
        """Remove the value of a key, and the nodes that led to nothing else."""
        path = [self._root]
        for element in key:
            child = path[-1].children.get(element)
            if child is None:
                return
            path.append(child)
        path[-1].values = []
        for parent, element in zip(reversed(path[:-1]), reversed(key), strict=True):
            if not parent.remove_child_if_empty(element):
                return

    def match(self, prefix: QueryHash) -> list[T]:
        """Return the values whose keys match a prefix, in no particular order."""
        nodes = [self._root]
        for element in prefix:
            nodes = [child for node in nodes for child in node.match(element)]
        values: list[T] = []
        while nodes:
            node = nodes.pop()
            values += node.values
            nodes += node.children.values()
        return values


class _Node(Generic[T]):
    __slots__ = ("by_trait", "children", "values")

    def __init__(self) -> None:
        self.values: list[T] = []
        self.children: dict[Any, _Node[T]] = {}
        self.by_trait: dict[Any, dict[Any, _Node[T]]] = {}

    def get_or_create_child(self, element: Any) -> _Node[T]:
        """Return the child of an element."""
        child = self.children.get(element)
        if child is None:
            child = self.children[element] = _Node()
            for trait in _get_traits(element):
                self.by_trait.setdefault(trait, {})[element] = child
        return child

    def remove_child_if_empty(self, element: Any) -> bool:
        """Remove the child of an element if it has neither values nor children; return whether it was removed."""
        child = self.children[element]
        if child.values or child.children:
            return False
        del self.children[element]
        for trait in _get_traits(element):
            children = self.by_trait[trait]
            del children[element]
            if not children:
                del self.by_trait[trait]
        return True

    def match(self, part: Any) -> list[_Node[T]]:
        """Return the children that an element of a filter matches."""
        if not _is_container(part):
            child = self.children.get(part)
            return [] if child is None else [child]
        empty: dict[Any, _Node[T]] = {}
        rarest = min((self.by_trait.get(trait, empty) for trait in _get_traits(part)), key=len)
        return [child for element, child in rarest.items() if partial_match(part, element)]


def _get_traits(element: Any) -> list[Any]:
    """Return what a container is indexed by: its type, and each scalar item of a dictionary."""
    if not _is_container(element):
        return []
    if element[0] == _LIST:
        return [_LIST]
    return [_DICT, *[item for item in element[1:] if not _is_container(item[1])]]


def _is_container(value: Any) -> bool:
    return isinstance(value, tuple) and value[0] in (_DICT, _LIST)
