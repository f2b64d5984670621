"""The headers of responses in the OpenAPI document: what they are for, and which response has which.

Those of CORS are left out: they are between the server and a browser.
"""

from __future__ import annotations

from typing import Any

from duologue.contract import headers
from duologue.contract.core import Operation

ID_POINTERS = {"users.CREATE": "/id", "chats.CREATE": "/data/_id"}
"""Where a response has the id of what was created and can be read by it (RFC 6901)."""

_EVERYWHERE = ("Cache-Control", "Cross-Origin-Resource-Policy", "Vary", "X-Content-Type-Options", headers.REQUEST_ID)
_RATE_LIMITS = (headers.RATE_LIMIT, headers.RATE_REMAINING, headers.RATE_RESET)
_ON_REQUEST = ("Allow", "Proxy-Authenticate", "Upgrade")
"""Headers that some statuses must have; only who asks for one gets such a status."""
_OPTIONAL = frozenset(
    {*_RATE_LIMITS, *_ON_REQUEST, headers.RETRY_AFTER, headers.IDEMPOTENCY_REPLAYED, "Accept-Encoding"}
)
_REQUIRED_RETRY_AFTER = "Retry-After-429"
"""The component of 429, which always says when to come again; a 409 does only where the key is in progress."""
_NEVER_REPLAYED = frozenset({400, 401, 403, 408, 412, 413, 415, 421, 422, 429, 431})
"""Responses of requests that are refused before the key counts, and those that are not stored."""


def build_components() -> dict[str, dict[str, Any]]:
    """Return `components.headers`."""
    components = {name: _describe(name) for name in _DESCRIPTIONS}
    return {**components, _REQUIRED_RETRY_AFTER: {**components[headers.RETRY_AFTER], "required": True}}


def reference_headers(operation: Operation[Any], status: int) -> dict[str, Any]:
    """Return the `headers` of a response: those that it has always, and those that it may have.

    Args:
        operation: the operation.
        status: the response's status.
    """
    components = {name: name for name in sorted(list_headers(operation, status))}
    if status == 429:
        components[headers.RETRY_AFTER] = _REQUIRED_RETRY_AFTER
    return {name: {"$ref": f"#/components/headers/{component}"} for name, component in components.items()}


def reference_requested_headers() -> dict[str, Any]:
    """Return the `headers` of a response whose status the caller asked for: many may be there."""
    names = sorted({*_EVERYWHERE, *_RATE_LIMITS, headers.RETRY_AFTER, *_ON_REQUEST})
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def list_headers(operation: Operation[Any], status: int) -> list[str]:
    """Return the names of the headers that a response has or may have."""
    names = [*_EVERYWHERE, *_RATE_LIMITS]
    if status == 401:
        names.append("WWW-Authenticate")
    if operation.has_etag and status in (operation.status, 304):
        names.append("ETag")
    if operation.id in ID_POINTERS and status == operation.status:
        names.append("Location")
    if status == 415:
        names.append("Accept-Encoding")
    if status == 429 or (status == 409 and operation.takes_idempotency_key):
        names.append(headers.RETRY_AFTER)
    if operation.takes_idempotency_key and status < 500 and status not in _NEVER_REPLAYED:
        names.append(headers.IDEMPOTENCY_REPLAYED)
    return names


def _describe(name: str) -> dict[str, Any]:
    description, schema = _DESCRIPTIONS[name]
    return {"description": description, "required": name not in _OPTIONAL, "schema": schema}


_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_DESCRIPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "Accept-Encoding": ("The body must have no content coding but this.", {"const": "identity"}),
    "Allow": ("The methods that a path has, with 405.", _TEXT),
    "Cache-Control": (
        "With an `ETag`: store it privately and ask each time whether it is current. Without: do not store it.",
        {"enum": ["private, no-cache", "no-store"]},
    ),
    "Cross-Origin-Resource-Policy": ("No page may embed it; CORS decides who may read it.", {"const": "same-origin"}),
    "ETag": ("Names this state of the resource.", {"type": "string", "pattern": '^(W/)?"[!#-~]*"$'}),
    "Location": ("Where the new resource is.", {"type": "string", "format": "uri-reference"}),
    "Proxy-Authenticate": ("How to authenticate to a proxy, with 407.", _TEXT),
    "Upgrade": ("The protocol to change to, with 426.", _TEXT),
    "Vary": ("The request headers that the response depends on.", _TEXT),
    "WWW-Authenticate": ("How to authenticate: a challenge of the scheme `Bearer` or `ApiKey`.", _TEXT),
    "X-Content-Type-Options": ("The media type is the one declared.", {"const": "nosniff"}),
    headers.IDEMPOTENCY_REPLAYED: ("`true` on a response that is replayed.", {"const": "true"}),
    headers.RATE_LIMIT: ("Requests allowed a minute.", _COUNT),
    headers.RATE_REMAINING: ("Requests left in this window.", _COUNT),
    headers.RATE_RESET: ("Seconds until the window ends.", _COUNT),
    headers.REQUEST_ID: ("Names the request; the caller's own reference code if it sent one.", _TEXT),
    headers.RETRY_AFTER: ("Seconds to wait before the next try.", _COUNT),
}
