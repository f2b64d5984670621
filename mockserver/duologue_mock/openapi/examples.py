"""The examples in the documents: the golden examples, against which the tests compare client and mock alike.

They ship with the package because they are part of what the document says. They are read when the document is first
built, and by nothing else at run time.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from duologue.contract.core import Event, Operation

Example = dict[str, Any]
"""`{"example": …}`, or empty where there is none."""


def get_request_example(operation: Operation[Any]) -> Example:
    """Return the example of a request's body."""
    body = _read(operation.id)["request"].get("body")
    return {} if body is None else {"example": body}


def get_response_example(operation: Operation[Any]) -> Example:
    """Return the example of a success response's body."""
    body = _read(operation.id)["response"].get("body")
    return {} if body is None else {"example": body}


def get_error_example(status: int) -> Example:
    """Return the example of an error body."""
    body = _read("error").get(str(status))
    return {} if body is None else {"example": body}


def get_event_examples(event: Event[Any]) -> dict[str, Any]:
    """Return the examples of an event: `{"examples": [{"payload": …}]}`, or empty where there is none."""
    payload = _read(event.id).get("payload")
    return {} if payload is None else {"examples": [{"name": event.name, "payload": payload}]}


def _read(name: str) -> dict[str, Any]:
    file = resources.files("duologue.golden") / f"{name}.json"
    golden: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return golden
