"""The WSGI application in front of everything: the order of all that happens to a request."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from duologue.contract import headers
from duologue.contract.core import CHAT, Access, Operation
from duologue_mock.errors import HTTPError
from duologue_mock.http.authentication import REFERENCE_CODE, Authenticator, get_address
from duologue_mock.http.cors import OriginPolicy, build_preflight_headers
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.messages import NO_STORE, SECURITY_HEADERS, Request, RequestHook, Response, status_line
from duologue_mock.http.rate_limit import RateLimiter
from duologue_mock.http.routing import Routes, format_allow
from duologue_mock.store.clock import IdGenerator

logger = logging.getLogger("duologue_mock")

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
WSGICallable = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

ERROR_KEY = "duologue.error"
"""Where in the environ Flask's error handler leaves the error, for the request hooks."""
REQUEST_KEY = "duologue.request"
"""Where in the environ the `Request` is for the applications behind."""

_SOCKET_PATHS = frozenset({"/socket.io/", "/socket.io"})


class WSGIApp:
    """The WSGI application in front of everything.

    It handles the contract's operations itself: Flask's request context costs more than all the rest of a response.
    Flask serves the pages that are not operations, and Socket.IO's requests go to its own engine. All of them pass the
    same checks, and every response leaves with the same headers.

    Args:
        routes: finds operations.
        origin_policy: decides which hosts and origins are allowed.
        authenticator: identifies the caller.
        rate_limiter: counts requests.
        dispatcher: calls the handlers of operations.
        pages: Flask's application, for what is not an operation.
        sockets: the Socket.IO engine's application.
        ids: makes ids of requests that bring none.
        request_hooks: called with every request and its response.
        max_request_size: the most bytes of a request's body.
    """

    def __init__(
        self,
        *,
        routes: Routes,
        origin_policy: OriginPolicy,
        authenticator: Authenticator,
        rate_limiter: RateLimiter,
        dispatcher: Dispatcher,
        pages: WSGICallable,
        sockets: WSGICallable,
        ids: IdGenerator,
        request_hooks: Sequence[RequestHook],
        max_request_size: int,
    ) -> None:
        self._routes = routes
        self._origin_policy = origin_policy
        self._authenticator = authenticator
        self._rate_limiter = rate_limiter
        self._dispatcher = dispatcher
        self._pages = pages
        self._sockets = sockets
        self._ids = ids
        self._request_hooks = request_hooks
        self._max_request_size = max_request_size
        self._common_headers = {
            operation: (*SECURITY_HEADERS, ("Vary", ", ".join(_list_varying_headers(operation))))
            for operation in routes.operations
        }

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request (PEP 3333)."""
        request = Request(environ, self._choose_request_id(environ))
        extra: Headers = []
        try:
            self._origin_policy.check_host(request)
            is_socket = request.path in _SOCKET_PATHS
            extra += self._origin_policy.check_origin(request, reading_is_safe=not is_socket)
            if "%" in environ.get("REQUEST_URI", ""):
                _check_encoded_slashes(environ["REQUEST_URI"])
            if is_socket:  # it reads the body itself, and has its own limit
                return self._forward(self._sockets, request, start_response, extra)
            request.read_body(self._max_request_size)
            match = self._routes.find(request.path)
            if match is None:
                return self._forward(self._pages, request, start_response, extra)
            response = self._handle_operation(request, *match, extra)
        except HTTPError as error:
            response = self._dispatcher.error_response(error, request)
        except OSError:
            raise  # the client closed the connection: no response can reach it
        except Exception as error:
            response = self._dispatcher.error_response(log_unexpected_error(request, error), request)
        return self._send_response(request, response, start_response, extra)

    def _handle_operation(
        self, request: Request, methods: dict[str, Operation[Any]], args: dict[str, str], extra: Headers
    ) -> Response:
        request.args = args
        method = request.method
        if method == "OPTIONS":
            granted = build_preflight_headers(request) if request.is_preflight else []
            return Response(204, [("Allow", format_allow(methods)), *granted])
        operation = methods.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise _method_not_allowed(request, format_allow(methods))
        request.operation = operation
        try:
            request.principal = principal = self._authenticator.identify(operation, request)
        except HTTPError:
            # Guessing credentials is counted too, by address: not against the callers whose names are guessed.
            extra += self._rate_limiter.count(f"unknown at {get_address(request)}")
            raise
        extra += self._rate_limiter.count(principal.key)
        return self._dispatcher.dispatch(operation, request)

    def _send_response(
        self, request: Request, response: Response, start_response: StartResponse, extra: Headers
    ) -> Iterable[bytes]:
        status = response.status
        response_headers = self._add_common_headers(response.headers, request, extra)
        if response.stream is None and status not in (204, 304):
            response_headers.append(("Content-Length", str(len(response.body))))
        for hook in self._request_hooks:
            hook(request, response)
        start_response(status_line(status), response_headers)
        if request.method == "HEAD":
            return ()
        return response.stream if response.stream is not None else (response.body,)

    def _add_common_headers(self, response_headers: Headers, request: Request, extra: Headers) -> Headers:
        request_id = (headers.REQUEST_ID, request.id)
        if request.operation is not None:
            return [*response_headers, request_id, *self._common_headers[request.operation], *extra]
        vary = ", ".join(["Origin", *(value for name, value in response_headers if name == "Vary")])
        response_headers = [header for header in response_headers if header[0] != "Vary"]
        if all(name != NO_STORE[0] for name, _ in response_headers):
            response_headers.append(NO_STORE)
        return [*response_headers, request_id, *SECURITY_HEADERS, ("Vary", vary), *extra]

    def _forward(
        self, app: WSGICallable, request: Request, start_response: StartResponse, extra: Headers
    ) -> Iterable[bytes]:
        """Let another application handle the request; its response leaves with the common headers too."""
        if request.is_preflight:
            return self._send_response(request, Response(204, build_preflight_headers(request)), start_response, extra)
        request.environ[REQUEST_KEY] = request
        if app is not self._sockets:
            request.environ["wsgi.input"] = io.BytesIO(request.body)

        def start(status: str, response_headers: Headers, exc_info: Any = None) -> Any:
            response = Response(int(status[:3]), response_headers, error=request.environ.get(ERROR_KEY))
            for hook in self._request_hooks:
                hook(request, response)
            return start_response(status, self._add_common_headers(response_headers, request, extra), exc_info)

        return app(request.environ, start)

    def _choose_request_id(self, environ: dict[str, Any]) -> str:
        code: str | None = environ.get(REFERENCE_CODE)
        if code and len(code) <= headers.MAX_VALUE_LENGTH and code.isascii() and code.isprintable() and code.strip():
            return code.strip()
        return self._ids.request_id()


def _check_encoded_slashes(uri: str) -> None:
    """Raise `HTTPError` for a path with an encoded slash: decoded, it would pass for one that separates segments."""
    if "%2f" in uri.partition("?")[0].lower():
        raise HTTPError(404, "There is nothing at this path", hint="No path here has an encoded slash (`%2F`).")


def _method_not_allowed(request: Request, allow: str) -> HTTPError:
    message, hint = f"{request.method} is not allowed here", f"This path allows {allow}."
    return HTTPError(405, message, hint=hint, headers=[("Allow", allow)])


def _list_varying_headers(operation: Operation[Any]) -> list[str]:
    """Return the names of the request headers that a response depends on (RFC 9110, section 12.5.5)."""
    names = ["Origin"]
    if operation.service is CHAT:
        names.append(headers.API_KEY)
        names += [headers.USER_ID] if operation.access is not Access.PUBLIC else []
    elif operation.access is not Access.PUBLIC:
        names.append("Authorization")
    return [*names, "Accept"] if operation.streams else names


def log_unexpected_error(request: Request, error: BaseException) -> HTTPError:
    """Log an exception that no code expected, and return its 500: it says where to look, and nothing of the inside."""
    logger.error("%s %r failed", request.method, request.path, exc_info=error)
    hint = f"This is a fault of the mock. Its log has the details, under request id {request.id}."
    return HTTPError(500, "Internal server error", hint=hint)
