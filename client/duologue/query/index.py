"""Finding what a prefix matches, at a cost of what it matches."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from duologue.query.keys import DICT, LIST, QueryHash, partial_match

T = TypeVar("T")


class KeyIndex(Generic[T]):
    """A tree of frozen keys, an element a level.

    Plain elements of a filter are looked up. A dictionary matches any that has at least its items, so each level also
    knows which of its dictionaries have a given item: the rarest item's are looked at.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, key: QueryHash, value: T) -> None:
        """Put a value at a key, in the place of one that is there."""
        node = self._root
        for element in key:
            node = node.child(element)
        node.values = [value]

    def discard(self, key: QueryHash) -> None:
        """Take away what is at a key, and the branches that led to nothing else."""
        path = [self._root]
        for element in key:
            child = path[-1].children.get(element)
            if child is None:
                return
            path.append(child)
        path[-1].values = []
        for parent, element in zip(reversed(path[:-1]), reversed(key), strict=True):
            if not parent.forget_if_empty(element):
                return

    def match(self, prefix: QueryHash) -> list[T]:
        """Return the values whose keys a prefix matches, in no particular order."""
        nodes = [self._root]
        for element in prefix:
            nodes = [child for node in nodes for child in node.matching(element)]
        found: list[T] = []
        while nodes:
            node = nodes.pop()
            found += node.values
            nodes += node.children.values()
        return found


class _Node(Generic[T]):
    __slots__ = ("children", "having", "values")

    def __init__(self) -> None:
        self.values: list[T] = []
        self.children: dict[Any, _Node[T]] = {}
        self.having: dict[Any, dict[Any, _Node[T]]] = {}

    def child(self, element: Any) -> _Node[T]:
        """Return the branch of an element, growing it if need be."""
        known = self.children.get(element)
        if known is not None:
            return known
        grown = self.children[element] = _Node()
        for trait in _traits(element):
            self.having.setdefault(trait, {})[element] = grown
        return grown

    def forget_if_empty(self, element: Any) -> bool:
        """Cut off the branch of an element if nothing is on it; tell whether that was done."""
        child = self.children[element]
        if child.values or child.children:
            return False
        del self.children[element]
        for trait in _traits(element):
            sharing = self.having[trait]
            del sharing[element]
            if not sharing:
                del self.having[trait]
        return True

    def matching(self, part: Any) -> list[_Node[T]]:
        """Return the branches that an element of a filter matches."""
        if not isinstance(part, tuple) or part[0] not in (DICT, LIST):
            found = self.children.get(part)
            return [] if found is None else [found]
        nothing: dict[Any, _Node[T]] = {}
        rarest = min((self.having.get(trait, nothing) for trait in _traits(part)), key=len)
        return [child for element, child in rarest.items() if partial_match(part, element)]


def _traits(element: Any) -> list[Any]:
    """What branches are found by: the kind of a dictionary or list, and each plain item of a dictionary."""
    if not isinstance(element, tuple) or element[0] not in (DICT, LIST):
        return []
    if element[0] == LIST:
        return [LIST]
    return [DICT, *[item for item in element[1:] if not _is_container(item[1])]]


def _is_container(value: Any) -> bool:
    return isinstance(value, tuple) and value[0] in (DICT, LIST)
