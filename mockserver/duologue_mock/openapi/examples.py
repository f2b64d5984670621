"""The examples in the OpenAPI document: the golden examples, against which the tests compare client and mock alike.

They are part of what the document says, and are read when it is first built.
"""

from __future__ import annotations

from typing import Any

from duologue.contract import golden
from duologue.contract.core import Operation

Example = dict[str, Any]
"""`{"example": …}`, or empty where there is none."""


def get_request_example(operation: Operation[Any]) -> Example:
    """Return the example of a request's body, without the fields that the document does not describe."""
    assert operation.body is not None
    body = golden.load(operation.id)["request"].get("body")
    hidden = {
        field.data_key or name
        for name, field in operation.body.fields.items()
        if field.metadata.get("described") is False
    }
    return {} if body is None else {"example": {name: value for name, value in body.items() if name not in hidden}}


def get_response_example(operation: Operation[Any]) -> Example:
    """Return the example of a success response's body."""
    body = golden.load(operation.id)["response"].get("body")
    return {} if body is None else {"example": body}


def get_error_example(status: int) -> Example:
    """Return the example of an error body."""
    body = golden.load(golden.ERRORS).get(str(status))
    return {} if body is None else {"example": body}
