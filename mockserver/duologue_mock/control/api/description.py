"""`/openapi.json`: the control API's own OpenAPI document, made from the endpoints that it declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from duologue._version import __version__
from duologue_mock.control.api.app import load_endpoints
from duologue_mock.control.api.endpoints import ControlCall, Endpoint, Endpoints
from duologue_mock.errors import get_reason_phrase
from duologue_mock.http.namespaces import HEADER
from duologue_mock.http.wsgi import CONTROL_PATH

endpoints = Endpoints("server")

EMPTY = MappingProxyType({"type": "object", "maxProperties": 0})
"""The response of an endpoint that returns nothing: `{}`."""

_DOCUMENT = MappingProxyType({"type": "object", "required": ["openapi", "info", "paths"]})
_ERROR = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "errors": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "code": {"type": "integer"},
                        "title": {"type": "string"},
                        "detail": {"type": "string"},
                        "source": {
                            "type": "object",
                            "properties": {"pointer": {"type": "string"}},
                            "required": ["pointer"],
                        },
                    },
                    "required": ["code", "title"],
                },
            },
        },
        "required": ["errors"],
    }
)
_DESCRIPTION = """Steers and inspects a mock of Duologue, in the words of WireMock's Admin API where it has one.
Each call is for one namespace: that of the header, else that of the host (`NAME.localhost`), else `default`."""


@endpoints.add("GET", "/openapi.json", response=_DOCUMENT)
def get_openapi(call: ControlCall) -> Any:
    """Return this document."""
    return build_document(load_endpoints())


def build_document(declared: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI document (3.1) of endpoints."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in declared:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _describe(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Duologue's control API", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": CONTROL_PATH}],
        "security": [{}, {"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "parameters": {"namespace": _describe_parameter(HEADER, "header", "The namespace.")},
            "schemas": {"Error": _copy(_ERROR)},
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token …`, needed where other machines can reach the mock.",
                }
            },
        },
    }


def _describe(endpoint: Endpoint) -> dict[str, Any]:
    names = endpoint.pattern.groupindex
    described = {
        "operationId": re.sub("[^a-z]+", "_", f"{endpoint.method}{endpoint.path}".lower()).strip("_"),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [
            {"$ref": "#/components/parameters/namespace"},
            *(_describe_parameter(name, "path", "") for name in names),
            *(_describe_parameter(name, "query", text) for name, text in endpoint.query.items()),
        ],
        "responses": _describe_responses(endpoint),
    }
    if endpoint.request is not None:
        described["requestBody"] = {"content": _describe_content(endpoint.request)}
    return described


def _describe_responses(endpoint: Endpoint) -> dict[str, Any]:
    success = _describe_content(EMPTY if endpoint.response is None else endpoint.response)
    responses: dict[str, Any] = {"200": {"description": get_reason_phrase(200), "content": success}}
    for status, meaning in endpoint.statuses.items():
        content = success if status < 400 else _ERROR_CONTENT
        responses[str(status)] = {"description": meaning, "content": _copy(content)}
    responses["default"] = {"description": "The call is refused.", "content": _copy(_ERROR_CONTENT)}
    return responses


def _describe_content(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": _copy(schema)}}


def _describe_parameter(name: str, place: str, description: str) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": place, "schema": {"type": "string"}}
    if place == "path":
        parameter["required"] = True
    return {**parameter, "description": description} if description else parameter


def _copy(value: Any) -> Any:
    """Return JSON that is constant as JSON that can be written."""
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list | tuple) else value


_ERROR_CONTENT = MappingProxyType(
    {"application/json": MappingProxyType({"schema": MappingProxyType({"$ref": "#/components/schemas/Error"})})}
)
