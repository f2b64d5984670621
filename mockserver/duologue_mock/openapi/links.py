"""The links of responses in the OpenAPI document: which operations take what a response says."""

from __future__ import annotations

from typing import Any

from duologue.contract import operations
from duologue.contract.core import Operation
from duologue_mock.openapi.response_headers import ID_POINTERS


def build_links(operation: Operation[Any]) -> dict[str, Any]:
    """Return `links` of the success response of an operation, or nothing."""
    links = _link_created(operation) if operation.id in ID_POINTERS else _link_conditional(operation)
    return {"links": links} if links else {}


def format_operation_id(operation: Operation[Any]) -> str:
    """Return the `operationId` of an operation."""
    return operation.id.replace(".", "_").lower()


def _link_created(operation: Operation[Any]) -> dict[str, Any]:
    """Return links to the operations that take the id of what this one creates."""
    return {
        format_operation_id(other): {
            "operationId": format_operation_id(other),
            "description": "The id is that of what was created.",
            "parameters": {"id": f"$response.body#{ID_POINTERS[operation.id]}"},
        }
        for other in operations()
        if other.parameters and other.path.startswith(f"{operation.path}/")
    }


def _link_conditional(operation: Operation[Any]) -> dict[str, Any]:
    """Return links from a read to what can be done with its ETag: read again if it changed, change it if it did not."""
    if not (operation.can_be_not_modified and operation.parameters):
        return {}
    return {
        f"{format_operation_id(other)}_if_{'changed' if other.safe else 'unchanged'}": {
            "operationId": format_operation_id(other),
            "description": "Only if it has changed since." if other.safe else "Only if it has not changed since.",
            "parameters": {
                "id": "$request.path.id",
                "If-None-Match" if other.safe else "If-Match": "$response.header.ETag",
            },
        }
        for other in operations()
        if other.route == operation.route and other.is_conditional
    }
