"""Requests as the mock's own code sees them, made by hand."""

from __future__ import annotations

import io
from typing import Any

from duologue.contract import Operation, operations
from duologue_mock.handler_registry import Principal
from duologue_mock.http.messages import Request


def build_request(
    method: str = "GET",
    path: str = "/",
    *,
    query: str = "",
    body: bytes = b"",
    principal: Principal | None = None,
    host: str | None = "localhost",
    **headers: str,
) -> Request:
    """Return a request; `if_match="*"` is the header `If-Match: *`."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(body),
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    if host is not None:
        environ["HTTP_HOST"] = host
    for name, value in headers.items():
        environ[name.upper() if name in ("content_type", "content_length") else f"HTTP_{name.upper()}"] = value
    request = Request(environ, "test-1")
    request.principal = principal
    return request


def get_operation(id: str) -> Operation[Any]:
    """Return the operation with this id, as `users.CREATE`."""
    return next(one for one in operations() if one.id == id)
