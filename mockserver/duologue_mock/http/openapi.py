"""The OpenAPI 3.1 description of both services, made from the contract's own objects."""

from __future__ import annotations

import json
from http import HTTPStatus
from importlib import resources
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from duologue._version import __version__
from duologue.contract import headers, operations
from duologue.contract.chats import PaginationSchema
from duologue.contract.core import CHAT, PLATFORM, Access, ModelSchema, Operation
from duologue.contract.error_body import ErrorBodySchema, MetadataSchema
from duologue.contract.fields import QueryBoolean, QueryInteger, Timestamp
from duologue.contract.smart_chat import DeltaSchema
from duologue_mock.errors import phrase

_TITLE = "Duologue: platform and chat services"
_TIMESTAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


def document() -> dict[str, Any]:
    """Return the whole document."""
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(_TITLE, __version__, "3.1.0", plugins=[plugin], **_about())
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_own_formats)  # type: ignore[no-untyped-call]  # apispec's own
    for name, scheme in _SECURITY.items():
        spec.components.security_scheme(name, scheme)
    spec.components.schema(_schema_name(DeltaSchema), schema=DeltaSchema)
    for name, header in _response_headers().items():
        spec.components.header(name, header)
    for name, parameter in _optional_headers().items():
        spec.components.parameter(name, "header", parameter)
    for operation in operations():
        if operation.documented:
            spec.path(path=operation.route, operations={operation.method.lower(): _operation(operation)})
    made: dict[str, Any] = spec.to_dict()
    for schema in made["components"]["schemas"].values():
        schema["properties"] = {
            name: rules for name, rules in schema["properties"].items() if rules.pop("x-described", True)
        }
    return made


def _about() -> dict[str, Any]:
    return {
        "info": {
            "description": "Users, login, chat sessions, messages and smart chat. Errors have one body everywhere.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": "Duologue"},
        },
        "servers": [
            {"url": f"http://localhost:{PLATFORM.port}", "description": "the platform"},
            {"url": f"http://localhost:{CHAT.port}", "description": "the chat service; both serve both"},
        ],
        "tags": [{"name": resource, "description": f"Operations on {resource}."} for resource in _nouns()],
    }


_SECURITY: dict[str, dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From POST /api/auth/login."},
    "apiKey": {"type": "apiKey", "in": "header", "name": headers.API_KEY, "description": "The chat service's key."},
}


def _nouns() -> list[str]:
    return list(dict.fromkeys(operation.resource for operation in operations()))


def _operation(operation: Operation[Any]) -> dict[str, Any]:
    documented: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "tags": [operation.resource],
        "summary": operation.summary,
        "description": _description(operation),
        **_mentioned(operation),
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "security": _security(operation),
        "responses": {
            **_success(operation),
            **{str(status): _failure(operation, status) for status in sorted(_failures(operation))},
        },
    }
    if operation.body is not None:
        content: dict[str, Any] = {"schema": type(operation.body), **_example(operation, "request")}
        documented["requestBody"] = {"required": operation.body_required, "content": {"application/json": content}}
    return documented


def _description(operation: Operation[Any]) -> str:
    taken = _state_dependent_headers(operation)
    return operation.summary + (
        f" Takes the optional headers {' and '.join(f'`{one}`' for one in taken)}." if taken else ""
    )


def _mentioned(operation: Operation[Any]) -> dict[str, Any]:
    names = _state_dependent_headers(operation)
    return {"x-headers": [{"$ref": f"#/components/parameters/{name}"} for name in names]} if names else {}


def _security(operation: Operation[Any]) -> list[dict[str, list[str]]]:
    if operation.service is CHAT:
        return [{"apiKey": []}] if operation.access is not Access.PUBLIC else [{}, {"apiKey": []}]
    if operation.access is Access.PUBLIC:
        return []
    return [{"bearer": []}] if operation.access is Access.AUTHENTICATED else [{}, {"bearer": []}]


def _path_parameters(operation: Operation[Any]) -> list[dict[str, Any]]:
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


def _query_parameters(operation: Operation[Any]) -> list[dict[str, Any]]:
    return [{"in": "query", "schema": type(operation.query)}] if operation.query else []


def _header_parameters(operation: Operation[Any]) -> list[dict[str, Any] | str]:
    """The headers that a request must have, and the one that is safe to make up."""
    wanted: list[dict[str, Any] | str] = []
    if operation.service is CHAT and operation.access is not Access.PUBLIC:
        wanted += [
            _required(headers.REFERENCE_CODE, "Names the call; comes back as the request id."),
            _required(headers.USER_ID, "The user whose sessions these are."),
        ]
    if operation.safe and operation.has_etag:
        wanted.append("If-None-Match")  # apispec makes the reference
    return wanted


def _state_dependent_headers(operation: Operation[Any]) -> list[str]:
    """Headers whose right value depends on earlier answers, so that no generator can make one up.

    They are described under `components` and named by `x-headers`, not listed as parameters: a tool that filled them
    with samples would get 412 and 422 from a server that does everything right.
    """
    return ["Idempotency-Key"] * operation.takes_idempotency_key + ["If-Match"] * operation.supports_if_match


_OPTIONAL_HEADERS = {
    "Idempotency-Key": "The same key, path and body is answered once and then replayed; with another body it is 422.",
    "If-Match": "Make the change only if the resource still has this ETag; else 412.",
    "If-None-Match": "Answer 304 if the resource still has this ETag.",
}


def _optional_headers() -> dict[str, dict[str, Any]]:
    return {
        name: {"in": "header", "name": name, "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in _OPTIONAL_HEADERS.items()
    }


def _required(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": headers.MAX_VALUE_LENGTH, "pattern": headers.VALUE}
    return {
        "in": "header",
        "name": name,
        "required": True,
        "description": description,
        "example": "anonymous-user" if name == headers.USER_ID else "urc-1704067200000-a1b2c3d4e",
        "schema": schema,
    }


def _success(operation: Operation[Any]) -> dict[str, Any]:
    if operation.status >= 400:
        return {}
    answer: dict[str, Any] = {"description": phrase(operation.status), "headers": _headers_of(operation, ok=True)}
    if operation.response is not None:
        content = {"schema": _answer_schema(operation), **_example(operation, "response")}
        answer["content"] = {"application/json": content}
        answer |= _links(operation)
    answers = {str(operation.status): answer}
    if operation.streams:
        answers["200"] = _stream()
    if operation.safe and operation.has_etag:
        answers["304"] = {"description": phrase(304), "headers": _headers_of(operation, ok=True)}
    return answers


def _stream() -> dict[str, Any]:
    description = (
        "Server-sent events, for `Accept: text/event-stream`: `message.delta` with a piece, then `message.completed` "
        "with the whole message; or `error` with the common error body."
    )
    return {"description": description, "content": {"text/event-stream": {"schema": {"type": "string"}}}}


def _answer_schema(operation: Operation[Any]) -> Any:
    answer = operation.response
    assert answer is not None
    if not operation.enveloped:
        return type(answer)
    own: dict[str, Any] = {"data": type(answer)}
    required = ["data", "message", "metadata"]
    if operation.paged:
        item = answer.fields["data"]
        assert isinstance(item, fields.Nested)
        own = {"data": {"type": "array", "items": type(item.schema)}, "pagination": PaginationSchema}
        required += ["pagination"] if answer.fields["pagination"].required else []
    return {
        "type": "object",
        "properties": {**own, "message": {"type": "string"}, "metadata": MetadataSchema},
        "required": required,
        "additionalProperties": False,
    }


def _failures(operation: Operation[Any]) -> set[int]:
    anywhere = {400, 405, 408, 413, 421, 429, 431, 500}
    return set(operation.failures) | (anywhere - {405}) | ({403} if not operation.safe else set())


def _failure(operation: Operation[Any], status: int) -> dict[str, Any]:
    named = _headers_of(operation, ok=False)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        named["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    return {
        "description": phrase(status),
        "headers": named,
        "content": {"application/json": {"schema": ErrorBodySchema, **_error_example(status)}},
    }


def _headers_of(operation: Operation[Any], *, ok: bool) -> dict[str, Any]:
    names = [headers.REQUEST_ID]
    if ok:
        names += [headers.RATE_LIMIT, headers.RATE_REMAINING, headers.RATE_RESET]
        names += ["ETag"] if operation.has_etag else []
        names += [headers.IDEMPOTENCY_REPLAYED] if operation.takes_idempotency_key else []
        names += ["Location"] if operation.status == 201 and operation.id in _MAKES else []
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _response_headers() -> dict[str, dict[str, Any]]:
    text, number = {"type": "string"}, {"type": "integer", "minimum": 0}
    said = {
        headers.REQUEST_ID: ("Names the request; the caller's own reference code if it sent one.", text),
        headers.RATE_LIMIT: ("Requests allowed a minute.", number),
        headers.RATE_REMAINING: ("Requests left in this window.", number),
        headers.RATE_RESET: ("Seconds until the window ends.", number),
        headers.RETRY_AFTER: ("Seconds to wait before the next try.", number),
        headers.IDEMPOTENCY_REPLAYED: ("`true` on an answer that was given before.", text),
        "ETag": ("Names this state of the resource.", text),
        "Location": ("Where the new resource is.", text),
    }
    return {name: {"description": description, "schema": schema} for name, (description, schema) in said.items()}


def _example(operation: Operation[Any], side: str) -> dict[str, Any]:
    """The golden example of the wire, which is the same that the tests compare both halves with."""
    body = _golden(operation.id)[side].get("body")
    if body is not None and side == "request":
        body = {name: value for name, value in body.items() if name not in _undescribed(operation)}
    return {} if body is None else {"example": body}


def _undescribed(operation: Operation[Any]) -> set[str]:
    """Fields of the body that the schema leaves out, and its example therefore too."""
    assert operation.body is not None
    fields_ = operation.body.fields.items()
    return {field.data_key or name for name, field in fields_ if field.metadata.get("described") is False}


def _error_example(status: int) -> dict[str, Any]:
    body = _golden("error").get(str(status))
    return {} if body is None else {"example": body}


def _golden(name: str) -> dict[str, Any]:
    file = resources.files("duologue_mock.fixtures") / "wire" / f"{name}.json"
    golden: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return golden


def _links(operation: Operation[Any]) -> dict[str, Any]:
    """What can be asked next with the id of what was made: every operation of the same service that takes one."""
    if operation.response is None or operation.status != 201 or operation.id not in _MAKES:
        return {}
    return {
        "links": {
            _operation_id(other): {
                "operationId": _operation_id(other),
                "parameters": {"id": f"$response.body#{_MAKES[operation.id]}"},
            }
            for other in operations()
            if other.documented and other.parameters and other.path.startswith(f"{operation.path}/")
        }
    }


_MAKES = {"users.CREATE": "/id", "chats.CREATE": "/data/_id"}
"""Where an answer has the id of what was made."""


def _operation_id(operation: Operation[Any]) -> str:
    return operation.id.replace(".", "_").lower()


def _own_formats(self: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """What apispec cannot know of the contract's own fields."""
    if field.metadata.get("described") is False:
        return {"x-described": False}
    if isinstance(field, Timestamp):
        return {"type": "string", "format": "date-time", "pattern": _TIMESTAMP}
    if isinstance(field, QueryInteger):
        return {"type": "integer"}
    if isinstance(field, QueryBoolean):
        return {"type": "boolean"}
    return {}


def _schema_name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    assert issubclass(cls, ModelSchema)
    return cls.__name__.removesuffix("Schema")
