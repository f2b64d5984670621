"""JSON as WireMock writes it: in stubs' bodies, and for people, as matchers see metadata and as schemas are shown."""

from __future__ import annotations

import json
import re
from typing import Any

from duologue_mock.http.messages import json_bytes

_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]")


def write_compact(value: Any) -> bytes:
    """Return JSON without blanks; characters beyond 16 bits are escaped, as Jackson does.

    Args:
        value: the JSON.
    """
    return _BEYOND_16_BITS.sub(lambda match: _escape(match[0]), json_bytes(value).decode()).encode()


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return f"\\u{units[:2].hex().upper()}\\u{units[2:].hex().upper()}"


def write_pretty(value: Any, depth: int = 0) -> str:
    """Return JSON in the layout of Jackson: two blanks for each level of objects, lists on one line.

    Args:
        value: the JSON.
        depth: how many objects it is in.
    """
    if isinstance(value, dict):
        indent = "  " * (depth + 1)
        fields = (f"{indent}{json.dumps(key)} : {write_pretty(inner, depth + 1)}" for key, inner in value.items())
        return "{\n" + ",\n".join(fields) + "\n" + "  " * depth + "}" if value else "{ }"
    if isinstance(value, list):
        return "[ " + ", ".join(write_pretty(inner, depth) for inner in value) + " ]" if value else "[ ]"
    return json.dumps(value, ensure_ascii=False)
