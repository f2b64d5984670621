"""Request patterns as WireMock shows them: what was given, with what it leaves open filled in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from duologue_mock.control.pretty_json import write_pretty

DEFAULT_SCHEMA_VERSION = "V202012"

_BY_NAME = frozenset({"headers", "queryParameters", "cookies", "formParameters", "pathParameters"})
_OF_MATCHERS = frozenset({"and", "or", "includes", "hasExactly"})
_FIXED: Mapping[str, Any] = MappingProxyType({"absent": True, "anything": "anything"})
"""Matchers whose operand is no matter."""


def dump_pattern(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a valid request pattern without nulls, its matchers as WireMock shows them."""
    return {key: _dump_field(key, value) for key, value in given.items() if value is not None}


def _dump_field(key: str, value: Any) -> Any:
    if key in _BY_NAME:
        return {name: dump_matcher(matcher) for name, matcher in value.items() if matcher is not None}
    return [dump_matcher(matcher) for matcher in value] if key == "bodyPatterns" else value


def dump_matcher(matcher: Mapping[str, Any]) -> dict[str, Any]:
    """Return a valid matcher as WireMock shows it."""
    dumped = {key: _dump_operand(key, value) for key, value in matcher.items()}
    if "matchesJsonSchema" in dumped:
        dumped.setdefault("schemaVersion", DEFAULT_SCHEMA_VERSION)
    return dumped


def _dump_operand(key: str, value: Any) -> Any:
    if key in _FIXED:
        return _FIXED[key]
    if key in _OF_MATCHERS:
        return [dump_matcher(one) for one in value]
    if key == "not" or (key == "matchesJsonPath" and isinstance(value, dict)):
        return dump_matcher(value)
    if key == "matchesJsonSchema" and not isinstance(value, str):
        return write_pretty(value)
    return value
