"""JSON values as text, and where two of them differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import unified_diff
from itertools import islice
from typing import Any

MAX_LINES = 200
"""Lines of a comparison."""
_KINDS = {"-": "expected", "+": "actual", "@": "skipped", " ": "same"}


def dump_json(value: Any) -> str:
    """Return a JSON value as text, with a line for each member."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def format_body(body: str) -> str:
    """Return a body with a line for each member if it is JSON, else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def has_members(value: Any) -> bool:
    """Return whether a JSON value is an object or an array, which is compared line by line."""
    return isinstance(value, dict | list)


def compare_json(expected: Any, actual: Any) -> Iterator[tuple[str, str]]:
    """Yield the lines of two JSON values: `expected` only, `actual` only, the `same` in both, or `skipped`."""
    lines = unified_diff(dump_json(expected).split("\n"), dump_json(actual).split("\n"), n=3, lineterm="")
    for line in islice(lines, 3, MAX_LINES + 3):  # the first lines name files, and the place of the first difference
        kind = _KINDS[line[0]]
        yield kind, "" if kind == "skipped" else line[1:]
