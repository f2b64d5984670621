"""Reading a request that a control call describes, in the shape in which the journal shows requests."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from duologue.contract import operations
from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import join_pointer, read_object, show
from duologue_mock.control.received import ReceivedRequest
from duologue_mock.http.routing import Routes

_TEXTS = ("url", "absoluteUrl", "method", "clientIp", "scheme", "host", "body", "bodyAsBase64")
_DERIVED = (
    "browserProxyRequest",
    "loggedDate",
    "loggedDateString",
    "protocol",
    "queryParams",
    "formParams",
    "bodySize",
)
"""What a logged request shows besides: it follows from the rest, or no pattern looks at it."""


def parse_logged_request(json: Any) -> ReceivedRequest:
    """Return the request that JSON describes; one from the journal can be given as it is.

    Raises:
        ControlError: a key is not known, or a value is not what it must be.
    """
    fields = read_object(json, "", (*_TEXTS, "port", "headers", "cookies", *_DERIVED))
    texts = {key: _read_text(fields, key) for key in _TEXTS}
    absolute = urlsplit(texts["absoluteUrl"])
    url = texts["url"] or absolute._replace(scheme="", netloc="").geturl()
    method = texts["method"] or "GET"
    match = Routes(operations()).find(url.partition("?")[0])
    return ReceivedRequest(
        method=method,
        url=url,
        body=_read_body(texts),
        sent_headers=tuple(_read_headers(fields)),
        scheme=texts["scheme"] or absolute.scheme or "http",
        host=texts["host"] or absolute.hostname or "localhost",
        port=_read_port(fields),
        client_ip=texts["clientIp"] or "127.0.0.1",
        operation=None if match is None else match[0].get("GET" if method == "HEAD" else method),
        operation_args={} if match is None else match[1],
    )


def _read_text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        raise invalid(f"/{key}", f"{key} must be a text, not {show(value)}.")
    return value


def _read_port(fields: dict[str, Any]) -> int:
    value = fields.get("port", 80)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("/port", f"port must be a number, not {show(value)}.")
    return value


def _read_body(texts: dict[str, str]) -> bytes:
    if texts["body"]:
        return texts["body"].encode("utf-8", "replace")
    try:
        return base64.b64decode(texts["bodyAsBase64"], validate=True)
    except (binascii.Error, ValueError):
        raise invalid("/bodyAsBase64", f"Must be Base64, not {show(texts['bodyAsBase64'])}.") from None


def _read_headers(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the headers; cookies are one, where they are given and it is not."""
    headers = list(_read_pairs(fields, "headers"))
    yield from headers
    if all(name.lower() != "cookie" for name, _ in headers):
        for name, value in _read_pairs(fields, "cookies"):
            yield "Cookie", f"{name}={value}"


def _read_pairs(fields: dict[str, Any], key: str) -> Iterator[tuple[str, str]]:
    values = fields.get(key, {})
    if not isinstance(values, dict):
        raise invalid(f"/{key}", f"{key} must be an object of texts or lists of texts, not {show(values)}.")
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str):
                raise invalid(join_pointer(f"/{key}", name), f"Must be a text or a list of texts, not {show(value)}.")
            yield name, one
