"""The OpenAPI 3.1 document of both services, built from the contract's own objects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from duologue._version import __version__
from duologue.contract import headers, operations
from duologue.contract.chats import PaginationSchema
from duologue.contract.core import CHAT, Access, ModelSchema, Operation
from duologue.contract.error_body import ErrorBodySchema, MetadataSchema
from duologue.contract.fields import QueryBoolean, QueryInteger, Timestamp
from duologue.contract.smart_chat import DeltaSchema
from duologue_mock.errors import get_reason_phrase
from duologue_mock.openapi import examples, response_headers

_TITLE = "Duologue: platform and chat services"
_TIMESTAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


def build_document(servers: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole document.

    Args:
        servers: what each server is, by its URL.
    """
    urls = [{"url": url, "description": description} for url, description in servers.items()]
    return {**_build_paths_and_components(), "servers": urls}


@cache
def _build_paths_and_components() -> dict[str, Any]:
    plugin = MarshmallowPlugin(schema_name_resolver=_get_schema_name)
    spec = APISpec(_TITLE, __version__, "3.1.0", plugins=[plugin], **_build_about())
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_describe_field)  # type: ignore[no-untyped-call]  # apispec's own
    for name, scheme in _SECURITY.items():
        spec.components.security_scheme(name, scheme)
    spec.components.schema(_get_schema_name(DeltaSchema), schema=DeltaSchema)
    for name, header in response_headers.build_components().items():
        spec.components.header(name, header)
    for name, parameter in _build_optional_headers().items():
        spec.components.parameter(name, "header", parameter)
    for name, response in _build_error_responses().items():
        spec.components.response(name, response)
    for operation in operations():
        if operation.documented:
            spec.path(path=operation.route, operations={operation.method.lower(): _build_operation(operation)})
    document: dict[str, Any] = spec.to_dict()
    for schema in document["components"]["schemas"].values():
        schema["properties"] = {
            name: rules for name, rules in schema["properties"].items() if rules.pop("x-described", True)
        }
    return document


def _build_about() -> dict[str, Any]:
    return {
        "info": {
            "description": "Users, login, chat sessions, messages and smart chat. Errors have one body everywhere.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": "Duologue"},
        },
        "servers": [],
        "tags": [{"name": resource, "description": f"Operations on {resource}."} for resource in _get_resources()],
    }


_SECURITY: dict[str, dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From POST /api/auth/login."},
    "apiKey": {"type": "apiKey", "in": "header", "name": headers.API_KEY, "description": "The chat service's key."},
}


def _get_resources() -> list[str]:
    return list(dict.fromkeys(operation.resource for operation in operations()))


def _build_operation(operation: Operation[Any]) -> dict[str, Any]:
    documented: dict[str, Any] = {
        "operationId": _format_operation_id(operation),
        "tags": [operation.resource],
        "summary": operation.summary,
        "description": _build_description(operation),
        **_build_header_mentions(operation),
        "parameters": [
            *_build_path_parameters(operation),
            *_build_query_parameters(operation),
            *_build_header_parameters(operation),
        ],
        "security": _build_security(operation),
        "responses": {
            **_build_success_responses(operation),
            **{
                str(status): _name_error_response(operation, status)  # apispec turns the name into a reference
                for status in sorted(_get_error_statuses(operation))
            },
        },
    }
    if operation.body is not None:
        content: dict[str, Any] = {"schema": type(operation.body), **examples.get_request_example(operation)}
        documented["requestBody"] = {"required": operation.body_required, "content": {"application/json": content}}
    return documented


def _build_description(operation: Operation[Any]) -> str:
    names = " and ".join(f"`{name}`" for name in _get_state_dependent_headers(operation))
    return operation.summary + (f" Takes the optional headers {names}." if names else "")


def _build_header_mentions(operation: Operation[Any]) -> dict[str, Any]:
    names = _get_state_dependent_headers(operation)
    return {"x-headers": [{"$ref": f"#/components/parameters/{name}"} for name in names]} if names else {}


def _build_security(operation: Operation[Any]) -> list[dict[str, list[str]]]:
    if operation.service is CHAT:
        return [{"apiKey": []}] if operation.access is not Access.PUBLIC else [{}, {"apiKey": []}]
    if operation.access is Access.PUBLIC:
        return []
    return [{"bearer": []}] if operation.access is Access.AUTHENTICATED else [{}, {"bearer": []}]


def _build_path_parameters(operation: Operation[Any]) -> list[dict[str, Any]]:
    return [
        {
            "in": "path",
            "name": name,
            "required": True,
            "description": "An id, as another operation returned it.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"},
        }
        for name in operation.parameters
    ]


def _build_query_parameters(operation: Operation[Any]) -> list[dict[str, Any]]:
    return [{"in": "query", "schema": type(operation.query)}] if operation.query else []


def _build_header_parameters(operation: Operation[Any]) -> list[dict[str, Any] | str]:
    """Return the headers that a request must have, and the one that a generator can make up."""
    parameters: list[dict[str, Any] | str] = []
    if operation.service is CHAT and operation.access is not Access.PUBLIC:
        parameters += [
            _build_required_header(headers.REFERENCE_CODE, "Names the call; comes back as the request id."),
            _build_required_header(headers.USER_ID, "The user whose sessions these are."),
        ]
    if operation.safe and operation.has_etag:
        parameters.append("If-None-Match")  # apispec turns the name into a reference
    return parameters


def _get_state_dependent_headers(operation: Operation[Any]) -> list[str]:
    """Return the headers whose right value depends on earlier responses, so that no generator can make one up.

    They are described under `components` and named by `x-headers`, not listed as parameters: a tool that filled them
    with samples would get 412 and 422 from a correct server.
    """
    names = ["Idempotency-Key"] if operation.takes_idempotency_key else []
    if operation.is_conditional:
        names += ["If-Match"] if operation.safe else ["If-Match", "If-None-Match"]
    return names


_OPTIONAL_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Idempotency-Key": (
        "The same key, path and body is handled once, then replayed; with another body it is 422.",
        {"type": "string", "minLength": 1, "maxLength": headers.MAX_VALUE_LENGTH},
    ),
    "If-Match": (
        "Go on only if the resource still has one of these ETags, or with `*` if there is one; else 412.",
        {"type": "string", "pattern": headers.ENTITY_TAGS},
    ),
    "If-None-Match": (
        "Go on only if the resource has none of these ETags, or with `*` if there is none; else a read is 304, a "
        "change 412.",
        {"type": "string", "pattern": headers.ENTITY_TAGS},
    ),
}


def _build_optional_headers() -> dict[str, dict[str, Any]]:
    return {
        name: {"in": "header", "name": name, "required": False, "description": text, "schema": schema}
        for name, (text, schema) in _OPTIONAL_HEADERS.items()
    }


def _build_required_header(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": headers.MAX_VALUE_LENGTH, "pattern": headers.VALUE}
    return {
        "in": "header",
        "name": name,
        "required": True,
        "description": description,
        "example": "anonymous-user" if name == headers.USER_ID else "urc-1704067200000-a1b2c3d4e",
        "schema": schema,
    }


def _build_success_responses(operation: Operation[Any]) -> dict[str, Any]:
    if operation.status >= 400:
        return {}
    response: dict[str, Any] = {
        "description": get_reason_phrase(operation.status),
        "headers": response_headers.reference_headers(operation, operation.status),
    }
    if operation.response is not None:
        content = {"schema": _build_response_schema(operation), **examples.get_response_example(operation)}
        response["content"] = {"application/json": content}
        response |= _build_links(operation)
    responses = {str(operation.status): response}
    if operation.streams:
        responses["200"] = _build_stream_response(operation)
    if operation.safe and operation.has_etag:
        responses["304"] = {
            "description": get_reason_phrase(304),
            "headers": response_headers.reference_headers(operation, 304),
        }
    return responses


def _build_stream_response(operation: Operation[Any]) -> dict[str, Any]:
    description = (
        "Server-sent events, for `Accept: text/event-stream`: `message.delta` with a piece, then `message.completed` "
        "with the whole message; or `error` with the common error body."
    )
    return {
        "description": description,
        "headers": response_headers.reference_headers(operation, 200),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }


def _build_response_schema(operation: Operation[Any]) -> Any:
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


def _get_error_statuses(operation: Operation[Any]) -> set[int]:
    anywhere = {400, 405, 408, 413, 421, 429, 431, 500}
    return set(operation.failures) | (anywhere - {405}) | ({403} if not operation.safe else set())


def _build_error_responses() -> dict[str, dict[str, Any]]:
    """Return `components.responses`: the operations share them."""
    return {
        _name_error_response(operation, status): _build_error_response(operation, status)
        for operation in operations()
        if operation.documented
        for status in sorted(_get_error_statuses(operation))
    }


def _name_error_response(operation: Operation[Any], status: int) -> str:
    replayable = headers.IDEMPOTENCY_REPLAYED in response_headers.list_headers(operation, status)
    return f"{'Replayable' if replayable else ''}Error{status}"


def _build_error_response(operation: Operation[Any], status: int) -> dict[str, Any]:
    return {
        "description": get_reason_phrase(status),
        "headers": response_headers.reference_headers(operation, status),
        "content": {"application/json": {"schema": ErrorBodySchema, **examples.get_error_example(status)}},
    }


def _build_links(operation: Operation[Any]) -> dict[str, Any]:
    """Return links to the operations that take the id of what this one creates."""
    if operation.response is None or operation.status != 201 or operation.id not in response_headers.ID_POINTERS:
        return {}
    return {
        "links": {
            _format_operation_id(other): {
                "operationId": _format_operation_id(other),
                "parameters": {"id": f"$response.body#{response_headers.ID_POINTERS[operation.id]}"},
            }
            for other in operations()
            if other.documented and other.parameters and other.path.startswith(f"{operation.path}/")
        }
    }


def _format_operation_id(operation: Operation[Any]) -> str:
    return operation.id.replace(".", "_").lower()


def _describe_field(self: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Return what apispec cannot know about the contract's own fields."""
    if field.metadata.get("described") is False:
        return {"x-described": False}
    if isinstance(field, Timestamp):
        return {"type": "string", "format": "date-time", "pattern": _TIMESTAMP}
    if isinstance(field, QueryInteger):
        return {"type": "integer"}
    if isinstance(field, QueryBoolean):
        return {"type": "boolean"}
    return {}


def _get_schema_name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    assert issubclass(cls, ModelSchema)
    return cls.__name__.removesuffix("Schema")
