"""One request and its response, as the mock's own code sees them: thin views of WSGI's environ and its response."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson

from duologue.contract.core import Operation
from duologue_mock.errors import HTTPError, get_reason_phrase, validation_error
from duologue_mock.handler_registry import Principal

JSON = "application/json"

NO_STORE = ("Cache-Control", "no-store")
"""Of what has no `ETag`, as errors and tokens: it is for this one request."""
REVALIDATE = ("Cache-Control", "private, no-cache")
"""Of what has an `ETag`: browsers may store it, shared caches may not, and each use asks whether it is current."""
SECURITY_HEADERS = (("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"))
"""Of every response. The policy keeps pages from embedding it. Requests with CORS are not subject to the policy (the
Fetch standard, "cross-origin resource policy check"): pages of allowed origins read it all the same, even those of
another site, as a page of `localhost` that calls `127.0.0.1`."""
HEAD_KEY = "duologue.head"
"""Where in the environ the bytes of a request's head are: its headers in the order and spelling of the sender."""
CONNECTION_KEY = "duologue.connection"
"""Where in the environ the connection is, as its buffered stream and its socket: for what is more than a response."""


class Request:
    """A request.

    Args:
        environ: WSGI's dictionary (PEP 3333).
        request_id: the request's id; the reference code of a chat call replaces it.
    """

    __slots__ = ("args", "body", "environ", "id", "method", "operation", "path", "principal", "started_at")

    def __init__(self, environ: dict[str, Any], request_id: str) -> None:
        self.environ = environ
        self.id = request_id
        self.method: str = environ["REQUEST_METHOD"]
        path: str = environ["PATH_INFO"]
        self.path = path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")
        self.started_at = time.perf_counter()
        self.operation: Operation[Any] | None = None
        self.args: dict[str, str] = {}
        self.principal: Principal | None = None
        self.body = b""

    def header(self, key: str) -> str | None:
        """Return a header by its WSGI key (`HTTP_X_API_KEY`), or None."""
        return self.environ.get(key)

    @property
    def is_preflight(self) -> bool:
        """Whether a browser asks for permission before the real request (the Fetch standard, section 4.8)."""
        return self.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in self.environ

    @property
    def query_string(self) -> str:
        """The query string as it was sent."""
        query: str = self.environ["QUERY_STRING"]
        return query

    def read_body(self, limit: int) -> bytes:
        """Read the body into `body` and return it.

        Args:
            limit: the most bytes it may have.

        Raises:
            HTTPError: the body is longer (413), or shorter than its `Content-Length` (400).
        """
        environ = self.environ
        declared = environ.get("CONTENT_LENGTH")
        if declared:
            length = int(declared)
            if length > limit:
                raise _too_large(limit)
            self.body = environ["wsgi.input"].read(length) if length else b""
            if len(self.body) < length:
                raise HTTPError(400, "The body is shorter than its Content-Length", headers=[("Connection", "close")])
        elif environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked" and environ.get("wsgi.input_terminated"):
            self.body = environ["wsgi.input"].read(limit + 1)
            if len(self.body) > limit:
                raise _too_large(limit)
        return self.body


class Response:
    """A response.

    Args:
        status: the HTTP status.
        headers: its headers, without those that every response has.
        body: the whole body.
        stream: the body in pieces, made while it is sent; None for `body`.
        error: the error that it reports; None for a success.

    `is_stub` says that it is not the mock's own: of the common headers it gets those that it does not set itself.
    `deliver` takes over sending it, for what is not a whole response; None sends it as it is.
    """

    __slots__ = ("body", "deliver", "error", "headers", "is_stub", "status", "stream")

    def __init__(
        self,
        status: int,
        headers: list[tuple[str, str]],
        body: bytes = b"",
        stream: Iterable[bytes] | None = None,
        error: HTTPError | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
        self.error = error
        self.is_stub = False
        self.deliver: Deliver | None = None


Deliver = Callable[[dict[str, Any], Callable[..., Any], str, list[tuple[str, str]]], Iterable[bytes]]
"""Sends a response: called with the environ, `start_response`, the status line and all headers; returns the body."""

RequestHook = Callable[[Request, Response], None]
"""Called with every request and its response, before the response is sent; the request log is one.

What cannot be read as a request has an empty method and path, and an error."""


def notify_hooks(hooks: Iterable[RequestHook], error: HTTPError, address: str) -> None:
    """Notify request hooks of what cannot be read as a request.

    Args:
        hooks: the hooks.
        error: what is wrong with it.
        address: the client's.
    """
    request = Request({"REQUEST_METHOD": "", "PATH_INFO": "", "QUERY_STRING": "", "REMOTE_ADDR": address}, "")
    for hook in hooks:
        hook(request, Response(error.status, [], error=error))


def json_bytes(value: Any) -> bytes:
    """Return `value` as JSON text in UTF-8."""
    try:
        text = orjson.dumps(value)
        return b"".join((text, b""))  # a copy: however short, orjson's own takes the 4 kB that it has begun with
    except TypeError:
        # orjson has no integers beyond 64 bits; a message's context may.
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def status_line(status: int) -> str:
    """Return a status as the status line has it: `404 Not Found`."""
    line = _STATUS_LINES.get(status)
    if line is None:
        line = _STATUS_LINES[status] = f"{status} {get_reason_phrase(status)}"
    return line


def parse_query_string(query_string: str, names: Container[str]) -> dict[str, str]:
    """Return the parameters of a query string that have one of these names.

    Others are ignored, whatever they are and however often they are given: caches are bypassed by them, and libraries
    add their own.

    Raises:
        HTTPError: a parameter is given twice or is not UTF-8, or there are more than 100 parameters.
    """
    values: dict[str, str] = {}
    if not query_string.isascii():
        query_string = query_string.encode("latin-1").decode("utf-8", "surrogateescape")
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, errors="surrogateescape", max_num_fields=100)
    except ValueError:
        raise validation_error({"query": ["At most 100 parameters are read."]}) from None
    for name, value in pairs:
        if name not in names:
            continue
        if name in values:
            raise validation_error({name: ["Given twice."]})
        if not _is_utf_8(value):
            raise validation_error({name: ["Not UTF-8."]})
        values[name] = value
    return values


def _is_utf_8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_large(limit: int) -> HTTPError:
    hint = f"Send at most {limit} bytes, or start the mock with a higher limit."
    return HTTPError(413, "The body is too large", hint=hint, headers=[("Connection", "close")])


_STATUS_LINES: dict[int, str] = {}
