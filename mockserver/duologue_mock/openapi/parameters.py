"""The parameters of operations in the OpenAPI document: in the path, in the query string, in headers."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue.contract import headers
from duologue.contract.core import CHAT, Access, Operation

_BOUNDS = MappingProxyType({"type": "string", "minLength": 1, "maxLength": headers.MAX_VALUE_LENGTH})
_ID = MappingProxyType({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"})
_TAGS = MappingProxyType({"type": "string", "pattern": headers.ENTITY_TAGS})

_HEADERS = MappingProxyType(
    {
        headers.REFERENCE_CODE: {
            "required": True,
            "description": "Names the call; it comes back as `X-Request-Id` and `metadata.requestId`.",
            "schema": {**_BOUNDS, "pattern": headers.VALUE},
            "example": "urc-1704067200000-a1b2c3d4e",
        },
        headers.USER_ID: {
            "required": True,
            "description": "The user whose sessions these are; the sessions of others are 404.",
            "schema": {**_BOUNDS, "pattern": headers.VALUE},
            "example": "anonymous-user",
        },
        headers.IDEMPOTENCY_KEY: {
            "required": False,
            "description": (
                "A name for this change, as a UUID, so that it can be repeated after a lost response: with the same "
                "key and body it is made once, and its first response replayed with `Idempotency-Replayed`. The same "
                "key with another body is 422; one whose request is in progress is 409. Kept for 24 hours."
            ),
            "schema": {**_BOUNDS, "pattern": headers.TEXT},
        },
        "If-Match": {
            "required": False,
            "description": (
                "Go on only if the resource has one of these ETags, as an earlier response had it, or with `*` if "
                "there is one; else 412."
            ),
            "schema": dict(_TAGS),
        },
        "If-None-Match": {
            "required": False,
            "description": (
                "Go on only if the resource has none of these ETags, or with `*` if there is none; else a read is 304, "
                "a change 412."
            ),
            "schema": dict(_TAGS),
        },
    }
)
"""The request headers by name. Those whose right value earlier responses say have no example: it would be refused."""


def build_components() -> dict[str, dict[str, Any]]:
    """Return `components.parameters`: the headers, which many operations share."""
    return {name: {"in": "header", "name": name, **header} for name, header in _HEADERS.items()}


def build_parameters(operation: Operation[Any]) -> list[dict[str, Any] | str]:
    """Return the parameters of an operation; a name stands for the component of that name."""
    query = [{"in": "query", "schema": type(operation.query)}] if operation.query else []
    path = [
        {
            "in": "path",
            "name": name,
            "required": True,
            "description": "An id, as another operation returned it.",
            "schema": dict(_ID),
        }
        for name in operation.parameters
    ]
    return [*path, *query, *list_headers(operation)]


def list_headers(operation: Operation[Any]) -> list[str]:
    """Return the names of the headers that requests for an operation have or may have."""
    names = []
    if operation.service is CHAT and operation.access is not Access.PUBLIC:
        names += [headers.REFERENCE_CODE, headers.USER_ID]
    if operation.takes_idempotency_key:
        names.append(headers.IDEMPOTENCY_KEY)
    if operation.is_conditional:
        names += ["If-Match", "If-None-Match"]
    return names
