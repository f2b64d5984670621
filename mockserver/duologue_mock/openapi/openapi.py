"""The OpenAPI 3.1 document of both services, built from the contract's own objects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from duologue._version import __version__
from duologue.contract import headers, operations
from duologue.contract.core import CHAT, Access, Operation
from duologue.contract.smart_chat import DeltaSchema
from duologue_mock.openapi import examples, parameters, response_headers, responses
from duologue_mock.openapi.links import format_operation_id
from duologue_mock.openapi.schemas import create_spec, describe_schemas, get_schema_name

_TITLE = "Duologue: platform and chat services"
_DESCRIPTION = "Users, login, chat sessions, messages and smart chat. Errors have one body everywhere."
_SECURITY = MappingProxyType(
    {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `token` of `POST /api/auth/login`.",
        },
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": headers.API_KEY,
            "description": "The chat service's key.",
        },
    }
)
_CALLERS = MappingProxyType(
    {
        Access.OPTIONAL: "Anyone may call it; a token, if one is sent, must be valid.",
        Access.AUTHENTICATED: "Only callers with a valid token may call it.",
        Access.SELF_OR_ADMIN: "Administrators may call it, and users for themselves; without a token anyone, unless "
        "the server requires one.",
        Access.ADMIN: "Administrators may call it; without a token anyone, unless the server requires one.",
        Access.PUBLIC: "Anyone may call it; a token is ignored.",
    }
)


def build_document(servers: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole document.

    Args:
        servers: what each server is, by its URL.
    """
    urls = [{"url": url, "description": description} for url, description in servers.items()]
    return {**_build_paths_and_components(), "servers": urls}


@cache
def _build_paths_and_components() -> dict[str, Any]:
    spec = create_spec(_TITLE, __version__, **_build_about())
    for name, scheme in _SECURITY.items():
        spec.components.security_scheme(name, dict(scheme))
    spec.components.schema(get_schema_name(DeltaSchema), schema=DeltaSchema)
    for name, header in response_headers.build_components().items():
        spec.components.header(name, header)
    for name, parameter in parameters.build_components().items():
        spec.components.parameter(name, "header", parameter)
    for name, response in responses.build_components().items():
        spec.components.response(name, response)
    for operation in operations():
        spec.path(path=operation.route, operations={operation.method.lower(): _build_operation(operation)})
    document: dict[str, Any] = spec.to_dict()
    document["components"]["schemas"] = describe_schemas(spec)
    return document


def _build_about() -> dict[str, Any]:
    return {
        "info": {
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": "Duologue"},
        },
        "servers": [],
        "tags": [
            {"name": resource, "description": f"Operations on {resource.replace('_', ' ')}."}
            for resource in _get_resources()
        ],
    }


def _get_resources() -> list[str]:
    return list(dict.fromkeys(operation.resource for operation in operations()))


def _build_operation(operation: Operation[Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": format_operation_id(operation),
        "tags": [operation.resource],
        "summary": operation.summary,
        "description": f"{operation.summary} {_describe_callers(operation)}",
        "parameters": parameters.build_parameters(operation),
        "security": _build_security(operation),
        "responses": responses.build_responses(operation),
    }
    if operation.body is not None:
        content: dict[str, Any] = {"schema": type(operation.body), **examples.get_request_example(operation)}
        described["requestBody"] = {"required": operation.body_required, "content": {"application/json": content}}
    return described


def _describe_callers(operation: Operation[Any]) -> str:
    if operation.service is not CHAT:
        return _CALLERS[operation.access]
    if operation.access is Access.PUBLIC:
        return "Anyone may call it; an API key, if one is sent, must be valid."
    return "It is about the sessions of the user in `x-user-id`."


def _build_security(operation: Operation[Any]) -> list[dict[str, list[str]]]:
    if operation.service is CHAT:
        return [{"apiKey": []}] if operation.access is not Access.PUBLIC else [{}, {"apiKey": []}]
    if operation.access is Access.PUBLIC:
        return []
    return [{"bearer": []}] if operation.access is Access.AUTHENTICATED else [{}, {"bearer": []}]
