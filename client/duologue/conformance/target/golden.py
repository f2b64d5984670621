"""The golden examples: written by hand from the specifications, as a witness that is neither client nor server.

They are the files in `fixtures/wire/`, and are installed as `duologue.golden`.
"""

from __future__ import annotations

import functools
import json
import re
from importlib import resources
from typing import Any

from duologue.contract import Operation

ERRORS = "error"
"""The name of the example that has an error body for each status."""


@functools.cache
def load(name: str) -> dict[str, Any]:
    """Return the example `name`, such as `users.CREATE`; callers share it and must not change it.

    Raises:
        FileNotFoundError: there is no such example.
    """
    example: dict[str, Any] = json.loads((resources.files("duologue.golden") / f"{name}.json").read_text("utf-8"))
    return example


def list_names() -> set[str]:
    """Return the names of all examples, except that of the errors."""
    files = (file.name for file in resources.files("duologue.golden").iterdir())
    return {name.removesuffix(".json") for name in files if name.endswith(".json")} - {ERRORS}


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
