"""The responses of operations in the OpenAPI document."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from marshmallow import fields

from duologue.contract import headers, operations
from duologue.contract.chats import PaginationSchema
from duologue.contract.core import ModelSchema, Operation
from duologue.contract.error_body import ErrorBodySchema, MetadataSchema
from duologue.contract.smart_chat import SSE_COMPLETED, SSE_DELTA, SSE_ERROR, DeltaSchema
from duologue_mock.errors import get_reason_phrase
from duologue_mock.openapi import examples, links, response_headers
from duologue_mock.openapi.schemas import get_schema_name

_ANYWHERE = frozenset({400, 408, 413, 421, 429, 431, 500})
"""What any request may get, whatever it is for."""
_ON_REQUEST = MappingProxyType({"4XX": 400, "5XX": 500})
"""How the statuses of an operation that exists to fail are described, and the golden example of each."""
_MEANINGS = MappingProxyType(
    {
        400: "The request is malformed; `details.fields` says what is invalid.",
        401: "The credentials are missing, invalid or expired.",
        403: "The caller, or the page's origin, may not do this.",
        404: "There is no such resource, or it belongs to another user.",
        408: "The request did not arrive in time.",
        409: "The change conflicts with what is stored, or a request with this idempotency key is in progress.",
        412: "The resource is not in a state that `If-Match` or `If-None-Match` allows.",
        413: "The body is larger than the server accepts.",
        415: "The body has another media type or character set, or is compressed.",
        421: "The server is not one for the host that the request names.",
        422: "The idempotency key was used with another body.",
        429: "Too many requests; `Retry-After` says when to come again.",
        431: "The headers are larger than the server accepts.",
        500: "A fault of the server.",
        502: "The assistant could not be reached, or its reply could not be used.",
        504: "The assistant did not reply in time.",
    }
)


def build_responses(operation: Operation[Any]) -> dict[str, Any]:
    """Return the responses of an operation by status; a name stands for the component of that name."""
    statuses = sorted(list_error_statuses(operation))
    errors = {str(status): _name_error_response(operation, status) for status in statuses}
    if operation.always_fails:
        return {**errors, **{status: _build_requested_error(status) for status in _ON_REQUEST}}
    return {**_build_success_responses(operation), **errors}


def list_error_statuses(operation: Operation[Any]) -> set[int]:
    """Return the error statuses of an operation that are described one by one."""
    if operation.always_fails:
        return {*_ANYWHERE, 401}  # these have headers of their own
    return set(operation.failures) | _ANYWHERE | (set() if operation.safe else {403})


def build_components() -> dict[str, dict[str, Any]]:
    """Return `components.responses`: the errors, which the operations share."""
    return {
        _name_error_response(operation, status): _build_error_response(operation, status)
        for operation in operations()
        for status in sorted(list_error_statuses(operation))
    }


def _build_success_responses(operation: Operation[Any]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": get_reason_phrase(operation.status),
        "headers": response_headers.reference_headers(operation, operation.status),
    }
    if operation.response is not None:
        content = {"schema": _build_schema(operation), **examples.get_response_example(operation)}
        response["content"] = {"application/json": content}
        response |= links.build_links(operation)
    responses = {str(operation.status): response}
    if operation.streams:
        responses["200"] = _build_stream_response(operation)
    if operation.can_be_not_modified:
        responses["304"] = {
            "description": "The resource still has one of the ETags in `If-None-Match`.",
            "headers": response_headers.reference_headers(operation, 304),
        }
    return responses


def _build_schema(operation: Operation[Any]) -> Any:
    schema = operation.response
    assert schema is not None
    if not operation.enveloped:
        return type(schema)
    own: dict[str, Any] = {"data": type(schema)}
    required = ["data", "message", "metadata"]
    if operation.paged:
        item = schema.fields["data"]
        assert isinstance(item, fields.Nested)
        own = {"data": {"type": "array", "items": type(item.schema)}, "pagination": PaginationSchema}
        required += ["pagination"] if schema.fields["pagination"].required else []
    return {
        "type": "object",
        "properties": {**own, "message": {"type": "string"}, "metadata": MetadataSchema},
        "required": required,
        "additionalProperties": False,
    }


def _build_stream_response(operation: Operation[Any]) -> dict[str, Any]:
    data = {SSE_DELTA: DeltaSchema, SSE_COMPLETED: type(operation.response), SSE_ERROR: ErrorBodySchema}
    schema = {
        "type": "string",
        "contentMediaType": "text/event-stream",
        "contentSchema": {"type": "array", "items": {"oneOf": [_build_event(*event) for event in data.items()]}},
    }
    return {
        "description": (
            f"Server-sent events, for `Accept: text/event-stream`: `{SSE_DELTA}` with a piece, then `{SSE_COMPLETED}` "
            f"with the whole message; or `{SSE_ERROR}` with the common error body."
        ),
        "headers": response_headers.reference_headers(operation, 200),
        "content": {"text/event-stream": {"schema": schema}},
    }


def _build_event(name: str, data: Any) -> dict[str, Any]:
    assert issubclass(data, ModelSchema)
    return {
        "type": "object",
        "properties": {
            "event": {"const": name},
            "data": {"$ref": f"#/components/schemas/{get_schema_name(data)}"},
        },
        "required": ["event", "data"],
    }


def _name_error_response(operation: Operation[Any], status: int) -> str:
    replayable = headers.IDEMPOTENCY_REPLAYED in response_headers.list_headers(operation, status)
    return f"{'Replayable' if replayable else ''}Error{status}"


def _build_error_response(operation: Operation[Any], status: int) -> dict[str, Any]:
    return {
        "description": _MEANINGS[status],
        "headers": response_headers.reference_headers(operation, status),
        "content": {"application/json": {"schema": ErrorBodySchema, **examples.get_error_example(status)}},
    }


def _build_requested_error(statuses: str) -> dict[str, Any]:
    example = examples.get_error_example(_ON_REQUEST[statuses])
    return {
        "description": "The error with the requested status.",
        "headers": response_headers.reference_requested_headers(),
        "content": {"application/json": {"schema": ErrorBodySchema, **example}},
    }
