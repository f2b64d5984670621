"""Finding the operation of a method and a path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from duologue.contract.core import Operation

_MIN_SIMILARITY = 0.4
"""From 0 to 1; less alike is no help."""


class Routes:
    """The operations by their paths.

    Args:
        operations: all that the mock serves.
    """

    def __init__(self, operations: Iterable[Operation[Any]]) -> None:
        self.operations = tuple(operations)
        self._fixed: dict[str, dict[str, Operation[Any]]] = {}
        self._templates: list[tuple[tuple[str | None, ...], dict[str, Operation[Any]]]] = []
        for operation in self.operations:
            self._get_methods(operation)[operation.method] = operation

    def find(self, path: str) -> tuple[dict[str, Operation[Any]], dict[str, str]] | None:
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
        """Return the operations most similar to an unknown one, as `GET /api/users`.

        Args:
            method: the request's method.
            path: the request's path.
            limit: the most to return.
        """
        requested = f"{method} {path[:200]}"
        similarity = {
            f"{one.method} {one.route}": max(_compare(requested, one.method, known) for known in (one.route, one.path))
            for one in self.operations
        }
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


def _compare(requested: str, method: str, path: str) -> float:
    return difflib.SequenceMatcher(None, requested, f"{method} {path}").ratio()


def format_allow(methods: Iterable[str]) -> str:
    """Return the value of `Allow` for the methods of a path: HEAD comes with GET, OPTIONS is always there."""
    names = set(methods) | {"OPTIONS"}
    if "GET" in names:
        names.add("HEAD")
    return ", ".join(sorted(names))
