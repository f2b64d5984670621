"""What tests read from the golden examples."""

from __future__ import annotations

import re
from typing import Any

from duologue.contract import Operation
from duologue.contract.golden import ERRORS, list_names, load

__all__ = ["ERRORS", "get_shape", "list_names", "load", "read_body", "read_parameters"]


def read_parameters(operation: Operation[Any]) -> dict[str, str]:
    """Return the parameters that the path of an operation's example has."""
    match = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation.route), load(operation.id)["request"]["path"])
    assert match, f"the path of the golden example {operation.id} is not {operation.route}"
    return match.groupdict()


def read_body(operation: Operation[Any]) -> Any:
    """Return the body of an operation's example; without the `id` that `PUT` allows but OpenAPI does not list."""
    body = load(operation.id)["request"].get("body")
    return {name: value for name, value in body.items() if name != "id"} if body else None


def get_shape(value: Any) -> Any:
    """Return the keys and JSON types of a value; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: get_shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [get_shape(inner) for inner in value[:1]]
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "text" if isinstance(value, str) else "number"
