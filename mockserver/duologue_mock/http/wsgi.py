"""The WSGI application in front of everything: the order of all that happens to a request."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from duologue.contract import headers
from duologue.contract.core import CHAT, Access, Operation
from duologue_mock.errors import HTTPError
from duologue_mock.http.authentication import REFERENCE_CODE, get_address
from duologue_mock.http.cors import OriginPolicy, build_preflight_headers
from duologue_mock.http.messages import NO_STORE, SECURITY_HEADERS, Request, RequestHook, Response, status_line
from duologue_mock.http.namespaces import NAMESPACE_KEY, Namespace, Namespaces
from duologue_mock.http.routing import Match, Routes, format_allow

logger = logging.getLogger("duologue_mock")

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
WSGICallable = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

ERROR_KEY = "duologue.error"
"""Where in the environ Flask's error handler leaves the error, for the request hooks."""
REQUEST_KEY = "duologue.request"
"""Where in the environ the `Request` is for the applications behind."""

ControlCallable = Callable[[Request, Namespace], Response]
"""The control API: returns the response to a call for a namespace."""

CONTROL_PATH = "/__admin"
MAX_CONTROL_REQUEST_SIZE = 32 * 1024 * 1024
"""Bytes of the largest body of a control call: a whole state may be one."""

_SOCKET_PATHS = frozenset({"/socket.io/", "/socket.io"})

FindFaults = Callable[[Operation[Any], int, Headers, bytes], list[str]]
"""Returns what is wrong with a response to an operation: of its status, headers and body."""


class WSGIApp:
    """The WSGI application in front of everything.

    It handles the contract's operations itself: Flask's request context costs more than all the rest of a response.
    Flask serves the pages that are not operations, Socket.IO's requests go to its own engine, and the calls below
    `/__admin` to the control API. All of them pass the same checks, and every response leaves with the same headers.

    Args:
        routes: finds operations.
        origin_policy: decides which hosts and origins are allowed.
        namespaces: what requests are for.
        pages: Flask's application, for what is not an operation.
        sockets: the Socket.IO engine's application.
        control: the control API; None where it is switched off.
        request_hooks: called with every request and its response.
        max_request_size: the most bytes of a request's body.
        find_faults: returns what of a response to an operation breaks the contract; None where that is not checked.
    """

    def __init__(
        self,
        *,
        routes: Routes,
        origin_policy: OriginPolicy,
        namespaces: Namespaces,
        pages: WSGICallable,
        sockets: WSGICallable,
        control: ControlCallable | None,
        request_hooks: Sequence[RequestHook],
        max_request_size: int,
        find_faults: FindFaults | None = None,
    ) -> None:
        self._routes = routes
        self._origin_policy = origin_policy
        self._namespaces = namespaces
        self._pages = pages
        self._sockets = sockets
        self._control = control
        self._request_hooks = request_hooks
        self._max_request_size = max_request_size
        self._find_faults = find_faults
        self._common_headers = {
            operation: (*SECURITY_HEADERS, ("Vary", ", ".join(_list_varying_headers(operation))))
            for operation in routes.operations
        }

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request (PEP 3333)."""
        exchange = _Exchange(Request(environ, ""), start_response, self._namespaces.default)
        request = exchange.request
        if request.path.startswith(CONTROL_PATH):  # known before it may be refused: no page can fill the journal
            exchange.is_control = self._is_control_path(request.path)
        try:
            self._origin_policy.check_host(request)
            exchange.namespace = namespace = self._namespaces.choose(environ)
            request.id = _choose_request_id(environ, namespace)
            is_socket = request.path in _SOCKET_PATHS and not _has_encoded_slash(request)
            exchange.headers += self._origin_policy.check_origin(request, reading_is_safe=not is_socket)
            if exchange.is_control:
                return self._forward_control(exchange)
            if is_socket:  # it reads the body itself, and has its own limit
                return self._forward_socket(exchange)
            request.read_body(self._max_request_size)
            response = self._respond(exchange)
        except HTTPError as error:
            response = self._build_error_response(exchange, error)
        except OSError:
            raise  # the client closed the connection: no response can reach it
        except Exception as error:
            response = self._build_error_response(exchange, log_unexpected_error(request, error))
        return self._send_response(exchange, response)

    def _respond(self, exchange: _Exchange) -> Response:
        """Return the response, which may be another than the mock's own: what steers the namespace decides."""
        request = exchange.request
        # Decoded, an encoded slash would pass for one that separates segments. A stub may have such a path.
        match = None if _has_encoded_slash(request) else self._routes.find(request.path)
        if match is not None:
            request.args = match[1]
            request.operation = match[0].get("GET" if request.method == "HEAD" else request.method)
        interceptor = exchange.namespace.interceptor
        if interceptor is None or not interceptor.steers(request) or request.is_preflight:
            return self._perform(exchange, match)
        return interceptor.respond(request, partial(self._perform, exchange, match))

    def _perform(self, exchange: _Exchange, match: Match | None) -> Response:
        """Return the mock's own response, or a 500 in place of one that breaks the contract, if that is looked for."""
        response, operation = self._respond_itself(exchange, match), exchange.request.operation
        if self._find_faults is None or operation is None:
            return response
        faults = self._find_faults(
            operation, response.status, self._add_common_headers(exchange, response), response.body
        )
        if not faults:
            return response
        getattr(response.stream, "close", lambda: None)()
        message = f"The mock's response to {operation.id} breaks the contract"
        logger.error("%s: %s", message, " ".join(faults))
        return self._build_error_response(exchange, HTTPError(500, message, hint=" ".join(faults)))

    def _respond_itself(self, exchange: _Exchange, match: Match | None) -> Response:
        """Return the mock's own response, also if it is an error."""
        request = exchange.request
        try:
            if _has_encoded_slash(request):
                raise HTTPError(404, "There is nothing at this path", hint="No path here has an encoded slash (`%2F`).")
            if match is None:
                return self._render_page(exchange)
            return self._handle_operation(exchange, match[0])
        except HTTPError as error:
            return self._build_error_response(exchange, error)
        except OSError:
            raise
        except Exception as error:
            return self._build_error_response(exchange, log_unexpected_error(request, error))

    def _handle_operation(self, exchange: _Exchange, methods: dict[str, Operation[Any]]) -> Response:
        request, namespace, operation = exchange.request, exchange.namespace, exchange.request.operation
        if request.method == "OPTIONS":
            granted = build_preflight_headers(request) if request.is_preflight else []
            return Response(204, [("Allow", format_allow(methods)), *granted])
        if operation is None:
            raise _method_not_allowed(request, format_allow(methods))
        try:
            request.principal = principal = namespace.authenticator.identify(operation, request)
        except HTTPError:
            # Guessing credentials is counted too, by address: not against the callers whose names are guessed.
            exchange.headers += namespace.rate_limiter.count(f"unknown at {get_address(request)}")
            raise
        exchange.headers += namespace.rate_limiter.count(principal.key)
        return namespace.dispatcher.dispatch(operation, request)

    def _render_page(self, exchange: _Exchange) -> Response:
        """Return the response of Flask's application, whole."""
        request = exchange.request
        if request.is_preflight:
            return Response(204, build_preflight_headers(request))
        environ = {**request.environ, REQUEST_KEY: request, NAMESPACE_KEY: exchange.namespace}
        environ["wsgi.input"] = io.BytesIO(request.body)
        if request.method == "HEAD":
            environ["REQUEST_METHOD"] = "GET"  # its headers are those of a GET, the body's length included
        response = Response(200, [])

        def start(status: str, response_headers: Headers, exc_info: Any = None) -> Any:
            response.status, response.headers = int(status[:3]), response_headers
            return lambda data: None

        response.body = b"".join(self._pages(environ, start))
        response.headers = [header for header in response.headers if header[0] != "Content-Length"]
        response.error = environ.get(ERROR_KEY)
        return response

    def _forward_socket(self, exchange: _Exchange) -> Iterable[bytes]:
        """Let the Socket.IO engine handle the request, unless what steers the namespace decides otherwise."""
        request, interceptor = exchange.request, exchange.namespace.interceptor
        if request.is_preflight:
            return self._send_response(exchange, Response(204, build_preflight_headers(request)))
        own = Response(200, [])
        own.deliver = lambda *_: self._call_sockets(exchange)
        response = own
        if interceptor is not None and interceptor.steers(request):
            response = interceptor.respond(request, lambda: own)
        if response.deliver is own.deliver:  # the engine builds the response
            return self._call_sockets(exchange)
        return self._send_response(exchange, response)

    def _call_sockets(self, exchange: _Exchange) -> Iterable[bytes]:
        """Call the Socket.IO engine; its response leaves with the common headers too."""
        request = exchange.request
        request.environ[REQUEST_KEY], request.environ[NAMESPACE_KEY] = request, exchange.namespace

        def start(status: str, response_headers: Headers, exc_info: Any = None) -> Any:
            response = Response(int(status[:3]), response_headers)
            for hook in self._request_hooks:
                hook(request, response)
            return exchange.start_response(status, self._add_common_headers(exchange, response), exc_info)

        return self._sockets(request.environ, start)

    def _is_control_path(self, path: str) -> bool:
        return self._control is not None and path[len(CONTROL_PATH) :][:1] in ("", "/")

    def _forward_control(self, exchange: _Exchange) -> Iterable[bytes]:
        """Let the control API handle the request: it is not counted, not recorded, and no stub responds to it."""
        request = exchange.request
        if request.is_preflight:
            return self._send_response(exchange, Response(204, build_preflight_headers(request)))
        request.read_body(MAX_CONTROL_REQUEST_SIZE)
        assert self._control is not None
        return self._send_response(exchange, self._control(request, exchange.namespace))

    def _build_error_response(self, exchange: _Exchange, error: HTTPError) -> Response:
        request, namespace = exchange.request, exchange.namespace
        request.id = request.id or _choose_request_id(request.environ, namespace)
        return namespace.dispatcher.error_response(error, request)

    def _send_response(self, exchange: _Exchange, response: Response) -> Iterable[bytes]:
        request, status = exchange.request, response.status
        response_headers = self._add_common_headers(exchange, response)
        if response.stream is None and response.deliver is None and status not in (204, 304):
            response_headers.append(("Content-Length", str(len(response.body))))
        interceptor = exchange.namespace.interceptor
        if interceptor is not None and not exchange.is_control:
            interceptor.record(request, response, response_headers)
        for hook in self._request_hooks:
            hook(request, response)
        if response.deliver is not None:
            return response.deliver(request.environ, exchange.start_response, status_line(status), response_headers)
        exchange.start_response(status_line(status), response_headers)
        if request.method == "HEAD":
            return ()
        return response.stream if response.stream is not None else (response.body,)

    def _add_common_headers(self, exchange: _Exchange, response: Response) -> Headers:
        request = exchange.request
        request_id = (headers.REQUEST_ID, request.id)
        if response.is_stub:
            present = {name.lower() for name, _ in response.headers}
            others = (*SECURITY_HEADERS, ("Vary", "Origin"))
            if request.operation is not None:
                others = self._common_headers[request.operation]
            common = [request_id, *others, *exchange.headers]
            return [*response.headers, *(header for header in common if header[0].lower() not in present)]
        if request.operation is not None:
            return [*response.headers, request_id, *self._common_headers[request.operation], *exchange.headers]
        vary = ", ".join(["Origin", *(value for name, value in response.headers if name == "Vary")])
        response_headers = [header for header in response.headers if header[0] != "Vary"]
        if all(name != NO_STORE[0] for name, _ in response_headers):
            response_headers.append(NO_STORE)
        return [*response_headers, request_id, *SECURITY_HEADERS, ("Vary", vary), *exchange.headers]


class _Exchange:
    """A request on its way through the application, and what its response gets on the way."""

    __slots__ = ("headers", "is_control", "namespace", "request", "start_response")

    def __init__(self, request: Request, start_response: StartResponse, namespace: Namespace) -> None:
        self.request = request
        self.start_response = start_response
        self.namespace = namespace
        self.headers: Headers = []
        """Of CORS and of the rate limit."""
        self.is_control = False


def _choose_request_id(environ: dict[str, Any], namespace: Namespace) -> str:
    code: str | None = environ.get(REFERENCE_CODE)
    if code and len(code) <= headers.MAX_VALUE_LENGTH and code.isascii() and code.isprintable() and code.strip():
        return code.strip()
    return namespace.state.ids.request_id()


def _has_encoded_slash(request: Request) -> bool:
    uri: str = request.environ.get("REQUEST_URI", "")
    return "%" in uri and "%2f" in uri.partition("?")[0].lower()


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
