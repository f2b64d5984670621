"""Finding the few stubs that a request may match among thousands, in the order in which they are tried."""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from random import Random
from typing import Any

from duologue_mock.control.stubs.mapping import StubMapping

_ANY = "ANY"
_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_NOT_METHODS = frozenset({_ANY, "GET_OR_HEAD"})
_MAX_PREFIX = 32
"""Characters of a prefix that are compared: at most so many slices of a URL are looked up."""
_PRECISION = 1e-6
"""Seconds; a moment as a number of seconds since 1970 has no finer ones."""
_LITERALS = re.compile(r"(?:[^\\^$.|?*+()\[\]{}]|\\[^A-Za-z0-9])*")
_QUANTIFIERS = frozenset("?*{+")


class StubEntry:
    """A stub in its namespace: its place among the others, and what has become of it.

    Args:
        stub: the stub.
        sequence: its place in time; of two with the same priority, the one with the higher number is tried first.
        created_at: in the seconds of the namespace's clock.
        random: what decides by its probability.
    """

    __slots__ = ("created_at", "is_conditional", "is_removed", "order", "random", "sequence", "served", "stub")

    def __init__(self, stub: StubMapping, sequence: int, created_at: float, random: Random | None) -> None:
        self.stub = stub
        self.sequence = sequence
        self.created_at = created_at
        self.random = random
        self.served = 0
        self.order = (stub.order, -sequence)
        self.is_removed = False
        self.is_conditional = any(one is not None for one in (stub.times, stub.lifetime, stub.required_state))
        """Whether it is served at some times only."""

    def is_available(self, now: float) -> bool:
        """Whether it has neither expired nor been served as often as it may."""
        times = self.stub.times
        return (times is None or self.served < times) and not self.has_expired(now)

    def has_expired(self, now: float) -> bool:
        """Whether its lifetime is over."""
        lifetime = self.stub.lifetime
        return lifetime is not None and now - self.created_at >= lifetime / 1000 - _PRECISION

    def draw(self) -> bool:
        """Decide by its probability whether it is served this time."""
        probability = self.stub.probability
        return probability is None or self.random is None or self.random.random() < probability


class StubIndex:
    """The stubs of a namespace by method, and then by what their URL must be or begin with.

    It finds every stub that matches a request, and others: the pattern decides.
    """

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}

    def add(self, entry: StubEntry) -> None:
        """Add a stub."""
        request = entry.stub.pattern.dump()
        self._tables.setdefault(_get_method(request), _Table()).add(entry, request)

    def remove(self, entry: StubEntry) -> None:
        """Remove a stub that has been added."""
        request = entry.stub.pattern.dump()
        self._tables[_get_method(request)].remove(entry, request)

    def find(self, method: str, url: str, operation_id: str | None) -> Sequence[StubEntry]:
        """Return the stubs that may match, in the order in which they are tried; a list of its own.

        Args:
            method: the request's method.
            url: its path and query string as they were sent.
            operation_id: the operation that it names, if any.
        """
        path, _, query = url.partition("?")
        literals = (path, url if query else None, operation_id)
        lists: list[list[StubEntry]] = []
        for key in (method.upper(), _ANY):
            table = self._tables.get(key)
            if table is not None:
                lists += table.find(literals, url)
        if len(lists) < 2:
            return tuple(lists[0]) if lists else ()
        return sorted(chain.from_iterable(lists), key=lambda entry: entry.order)


class _Table:
    """The stubs of one method.

    Each is in one list: of those with the same URL, path or operation, or of those whose URL begins with the same
    prefix, which may be empty.
    """

    def __init__(self) -> None:
        self._literals: dict[str | None, list[StubEntry]] = {}
        """By URL, path or operation."""
        self._prefixes: dict[int, dict[str, list[StubEntry]]] = {}
        """By the length of the prefix, then by the prefix."""

    def add(self, entry: StubEntry, request: Mapping[str, Any]) -> None:
        literal = _get_literal(request)
        if literal is not None:
            entries = self._literals.setdefault(literal, [])
        else:
            prefix = _get_prefix(request)
            entries = self._prefixes.setdefault(len(prefix), {}).setdefault(prefix, [])
        bisect.insort(entries, entry, key=lambda other: other.order)

    def remove(self, entry: StubEntry, request: Mapping[str, Any]) -> None:
        literal = _get_literal(request)
        if literal is not None:
            _remove(self._literals, literal, entry)
            return
        prefix = _get_prefix(request)
        _remove(self._prefixes[len(prefix)], prefix, entry)
        if not self._prefixes[len(prefix)]:
            del self._prefixes[len(prefix)]

    def find(self, literals: Sequence[str | None], url: str) -> list[list[StubEntry]]:
        """Return the lists with stubs that may match: every request passes here."""
        lists = []
        for literal in literals:
            if literal in self._literals:
                lists.append(self._literals[literal])
        for size, prefixes in self._prefixes.items():
            if url[:size] in prefixes:
                lists.append(prefixes[url[:size]])
        return lists


def _remove(lists: dict[Any, list[StubEntry]], key: str, entry: StubEntry) -> None:
    lists[key].remove(entry)
    if not lists[key]:
        del lists[key]


def _get_literal(request: Mapping[str, Any]) -> str | None:
    """Return the URL, path or operation that a pattern names; None if it names none."""
    url: str | None = request.get("url", request.get("urlPath"))
    return request.get("operation") if url is None else url.removesuffix("?")


def _get_method(request: Mapping[str, Any]) -> str:
    method = request.get("method")
    if not isinstance(method, str):
        return _ANY
    method = method.upper()
    return method if _METHOD.fullmatch(method) and method not in _NOT_METHODS else _ANY


def _get_prefix(request: Mapping[str, Any]) -> str:
    """Return what every URL that a pattern or a template matches begins with; empty where that is not clear."""
    if "urlPathTemplate" in request:
        return str(request["urlPathTemplate"]).partition("{")[0][:_MAX_PREFIX]
    pattern = request.get("urlPattern", request.get("urlPathPattern"))
    if not isinstance(pattern, str) or "|" in pattern:
        return ""
    match = _LITERALS.match(pattern)
    assert match is not None
    literals = match[0]
    if pattern[match.end() :][:1] in _QUANTIFIERS:  # it belongs to the last character
        literals = literals[:-2] if literals[-2:-1] == "\\" else literals[:-1]
    return re.sub(r"\\(.)", r"\1", literals, flags=re.DOTALL)[:_MAX_PREFIX]
