"""From a method and a path to an operation."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from duologue.contract.core import Operation

Match = tuple[Operation[Any], dict[str, str]]


class Routes:
    """The operations by their paths.

    Args:
        operations: all that are served.
    """

    def __init__(self, operations: Iterable[Operation[Any]]) -> None:
        self.operations = tuple(operations)
        self._fixed: dict[str, dict[str, Operation[Any]]] = {}
        self._open: list[tuple[tuple[str | None, ...], dict[str, Operation[Any]]]] = []
        for operation in self.operations:
            self._methods_for(operation)[operation.method] = operation

    def find(self, path: str) -> tuple[dict[str, Operation[Any]], dict[str, str]] | None:
        """Return the operations of a path by method, and the path's arguments; None for an unknown path."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        segments = path.split("/")
        if segments[-1] == "" and len(segments) > 2:
            return self.find(path[:-1]) if segments[-2] else None
        for template, methods in self._open:
            if len(template) == len(segments) and all(
                known == got if known is not None else got for known, got in zip(template, segments, strict=True)
            ):
                names = next(iter(methods.values())).parameters
                values = [got for known, got in zip(template, segments, strict=True) if known is None]
                return methods, dict(zip(names, values, strict=True))
        return None

    def nearest(self, method: str, path: str, *, most: int = 3) -> list[str]:
        """Return the operations most like an unknown one, as `GET /api/users`."""
        asked = f"{method} {path[:200]}"
        likeness = {
            f"{one.method} {one.route}": max(_likeness(asked, one.method, at) for at in (one.route, one.path))
            for one in self.operations
        }
        return [name for name in sorted(likeness, key=lambda name: -likeness[name])[:most] if likeness[name] > 0.4]

    def _methods_for(self, operation: Operation[Any]) -> dict[str, Operation[Any]]:
        if not operation.parameters:
            return self._fixed.setdefault(operation.route, {})
        template = tuple(None if part.startswith("{") else part for part in operation.route.split("/"))
        for known, methods in self._open:
            if known == template:
                return methods
        methods = {}
        self._open.append((template, methods))
        return methods


def _likeness(asked: str, method: str, path: str) -> float:
    return difflib.SequenceMatcher(None, asked, f"{method} {path}").ratio()


def allowed(methods: Iterable[str]) -> str:
    """Return the value of `Allow` for the methods of a path: HEAD comes with GET, OPTIONS is always there."""
    names = set(methods) | {"OPTIONS"}
    if "GET" in names:
        names.add("HEAD")
    return ", ".join(sorted(names))
