"""The examples in the OpenAPI document: the golden examples, against which the tests compare client and mock alike.

They ship with the package because they are part of what the document says. They are read when the document is first
built, and by nothing else at run time; the tests read them from the repository's `fixtures/wire/`.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from duologue.contract.core import Operation

Example = dict[str, Any]
"""`{"example": …}`, or empty where there is none."""


def get_request_example(operation: Operation[Any]) -> Example:
    """Return the example of a request's body, without the fields that the document does not describe."""
    assert operation.body is not None
    body = _read(operation.id)["request"].get("body")
    hidden = {
        field.data_key or name
        for name, field in operation.body.fields.items()
        if field.metadata.get("described") is False
    }
    return {} if body is None else {"example": {name: value for name, value in body.items() if name not in hidden}}


def get_response_example(operation: Operation[Any]) -> Example:
    """Return the example of a success response's body."""
    body = _read(operation.id)["response"].get("body")
    return {} if body is None else {"example": body}


def get_error_example(status: int) -> Example:
    """Return the example of an error body."""
    body = _read("error").get(str(status))
    return {} if body is None else {"example": body}


def _read(name: str) -> dict[str, Any]:
    file = resources.files("duologue_mock.fixtures") / "wire" / f"{name}.json"
    golden: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return golden
