"""The golden wire examples: written by hand from the documents, an outside witness for both halves."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "fixtures" / "wire"
ERRORS = "error"


@functools.cache
def load(name: str) -> dict[str, Any]:
    """Return the example `name`, such as `users.CREATE`; callers share it and must not change it."""
    example: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return example


def names() -> set[str]:
    """Return the names of all examples there are, the common error body aside."""
    return {file.stem for file in FOLDER.glob("*.json")} - {ERRORS}


def shape(value: Any) -> Any:
    """Return what `value` is made of: its keys and JSON types, of a list those of its first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "text" if isinstance(value, str) else "number"
