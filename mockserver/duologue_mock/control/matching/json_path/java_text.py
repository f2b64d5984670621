"""JSON values as Java and Jackson write them, where WireMock compares them as texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson


def format_java(value: Any) -> str:
    """Return a value as `toString` of WireMock's JSON library has it: `{name=Ada, tags=["a","b"]}`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={format_java(inner)}" for key, inner in value.items()) + "}"
    return _format_double(value) if isinstance(value, float) else orjson.dumps(value).decode()


def _format_double(number: float) -> str:
    """Return a number as Java writes it: from 10,000,000 on, and below 0.001, with an exponent."""
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    first, *rest = map(str, digits)
    return f"{'-' if sign else ''}{first}.{''.join(rest) or '0'}E{int(exponent) + len(rest)}"


def format_pretty(value: Any, indent: str = "") -> str:
    """Return JSON as Jackson's default pretty printer writes it: objects in lines, arrays in one."""
    if isinstance(value, dict) and value:
        deeper = f"{indent}  "
        lines = (f"{deeper}{format_pretty(key)} : {format_pretty(inner, deeper)}" for key, inner in value.items())
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[ " + ", ".join(format_pretty(inner, indent) for inner in value) + " ]"
    if isinstance(value, dict | list):
        return "{ }" if isinstance(value, dict) else "[ ]"
    return _format_double(value) if isinstance(value, float) else orjson.dumps(value).decode()
