"""Requests as our server reads them, and a recorder to pass them by."""

from __future__ import annotations

import io
from typing import Any

from duologue.contract import operations
from duologue_mock import Settings
from duologue_mock.control.journal.entry import SERVED_KEY, Entry, Served
from duologue_mock.control.watching.recorder import Recorder
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import HEAD_KEY, Request, Response
from duologue_mock.http.routing import Routes
from duologue_mock.store import State
from tests.mockserver.clocks import ManualClock

ROUTES = Routes(operations())


def create_recorder(clock: ManualClock | None = None, **settings: Any) -> Recorder:
    """Return what watches a namespace without data."""
    return Recorder(Settings(**settings), State(clock=clock or ManualClock()), sleep=lambda seconds: None)


def build_request(
    method: str = "GET",
    url: str = "/api/users",
    *headers: tuple[str, str],
    body: bytes = b"",
    id: str = "req-1",
    host: str = "localhost:3001",
) -> Request:
    """Return a request, its body read and its operation found."""
    sent = [("Host", host), *headers, *([("Content-Length", str(len(body)))] if body else [])]
    path, _, query = url.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": url,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        HEAD_KEY: "\r\n".join(
            [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in sent), "", ""]
        ).encode("latin-1"),
    }
    for name, value in sent:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    request = Request(environ, id)
    request.body = body
    match = ROUTES.find(path)
    if match is not None:
        request.operation, request.args = match[0].get(method), match[1]
    return request


def build_response(
    status: int = 200, body: bytes = b"{}", *headers: tuple[str, str], error: HTTPError | None = None
) -> Response:
    return Response(status, [("Content-Type", "application/json"), *headers], body, error=error)


def record(
    recorder: Recorder,
    request: Request | None = None,
    response: Response | None = None,
    *,
    served: Served | None = None,
) -> Entry:
    """Record a request, and return its entry."""
    request, response = request or build_request(), response or build_response()
    if served is not None:
        request.environ[SERVED_KEY] = served
    recorder.record(request, response, response.headers)
    return list(recorder.journal)[-1]
