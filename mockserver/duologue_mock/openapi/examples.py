"""The examples in the documents: the golden examples, against which the tests compare client and mock alike.

They are part of what the document says, and are read when it is first built.
"""

from __future__ import annotations

from typing import Any

from duologue.contract import golden
from duologue.contract.core import Event, Operation

Example = dict[str, Any]
"""`{"example": …}`, or empty where there is none."""


def get_request_example(operation: Operation[Any]) -> Example:
    """Return the example of a request's body."""
    body = golden.load(operation.id)["request"].get("body")
    return {} if body is None else {"example": body}


def get_response_example(operation: Operation[Any]) -> Example:
    """Return the example of a success response's body."""
    body = golden.load(operation.id)["response"].get("body")
    return {} if body is None else {"example": body}


def get_error_example(status: int) -> Example:
    """Return the example of an error body."""
    body = golden.load(golden.ERRORS).get(str(status))
    return {} if body is None else {"example": body}


def get_event_examples(event: Event[Any]) -> dict[str, Any]:
    """Return the examples of an event: `{"examples": [{"payload": …}]}`, or empty where there is none."""
    payload = golden.load(event.id).get("payload")
    return {} if payload is None else {"examples": [{"name": event.name, "payload": payload}]}
