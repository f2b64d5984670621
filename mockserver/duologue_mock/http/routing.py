"""Finding the operation of a method and a path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from duologue.contract.core import Operation

_MIN_SIMILARITY = 0.4
"""From 0 to 1; less alike is no help."""
_MAX_COMPARED = 200
"""Characters of an unknown path that are compared: the time it takes does not depend on its length."""


DOCUMENTS = ("/docs", "/openapi.json", "/asyncapi.json")
"""The paths of what describes the operations and the events, which is served beside them."""

Match = tuple[dict[str, Operation[Any]], dict[str, str]]
"""The operations of a path by method, and the path's arguments."""


class Routes:
    """The operations by their paths.

    Args:
        operations: all that the mock serves.
    """

    def __init__(self, operations: Iterable[Operation[Any]]) -> None:
        self.operations = tuple(operations)
        self._fixed: dict[str, dict[str, Operation[Any]]] = {}
        self._templates: list[tuple[tuple[str | None, ...], dict[str, Operation[Any]]]] = []
        self._names = {
            f"{one.method} {one.route}": [_split_pairs(one.method, path) for path in (one.route, one.path)]
            for one in self.operations
        } | {f"GET {path}": [_split_pairs("GET", path)] for path in DOCUMENTS}
        for operation in self.operations:
            self._get_methods(operation)[operation.method] = operation

    def find(self, path: str) -> Match | None:
        """Return the operations of a path by method, and the path's arguments; None for an unknown path."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        segments = path.split("/")
        if segments[-1] == "" and len(segments) > 2:
            return self.find(path[:-1]) if segments[-2] else None
        for template, methods in self._templates:
            if len(template) == len(segments) and all(
                part == segment if part is not None else segment
                for part, segment in zip(template, segments, strict=True)
            ):
                names = next(iter(methods.values())).parameters
                values = [segment for part, segment in zip(template, segments, strict=True) if part is None]
                return methods, dict(zip(names, values, strict=True))
        return None

    def suggest(self, method: str, path: str, *, limit: int = 3) -> list[str]:
        """Return the operations and documents most similar to what is unknown, as `GET /api/users`.

        Args:
            method: the request's method.
            path: the request's path.
            limit: the most to return.
        """
        requested = _split_pairs(method, path[:_MAX_COMPARED])
        similarity = {name: max(_compare(requested, pairs) for pairs in known) for name, known in self._names.items()}
        names = sorted(similarity, key=lambda name: -similarity[name])[:limit]
        return [name for name in names if similarity[name] > _MIN_SIMILARITY]

    def _get_methods(self, operation: Operation[Any]) -> dict[str, Operation[Any]]:
        if not operation.parameters:
            return self._fixed.setdefault(operation.route, {})
        template = tuple(None if part.startswith("{") else part for part in operation.route.split("/"))
        for other, methods in self._templates:
            if other == template:
                return methods
        methods = {}
        self._templates.append((template, methods))
        return methods


def _split_pairs(method: str, path: str) -> set[str]:
    """Return the pairs of adjacent characters in the name of an operation."""
    name = f"{method} {path}"
    return {name[index : index + 2] for index in range(len(name) - 1)}


def _compare(pairs: set[str], others: set[str]) -> float:
    """Return how alike two names are: the Sørensen-Dice coefficient of their pairs, which takes linear time."""
    return 2 * len(pairs & others) / (len(pairs) + len(others))


def format_allow(methods: Iterable[str]) -> str:
    """Return the value of `Allow` for the methods of a path: HEAD comes with GET, OPTIONS is always there."""
    names = set(methods) | {"OPTIONS"}
    if "GET" in names:
        names.add("HEAD")
    return ", ".join(sorted(names))
