"""The door: every request's way through the mock, from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from duologue.contract import headers
from duologue_mock.errors import HTTPError, phrase
from duologue_mock.http.authentication import REFERENCE_CODE, Authenticator
from duologue_mock.http.cors import OriginPolicy, preflight
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.messages import Observer, Request, Response, status_line
from duologue_mock.http.rate_limit import RateLimiter
from duologue_mock.http.routing import Routes, allowed
from duologue_mock.store.clock import IdGenerator

logger = logging.getLogger("duologue_mock")

StartResponse = Callable[..., Any]
WSGICallable = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_SOCKET_PATH = "/socket.io/"


class WSGIApp:
    """The WSGI application in front of everything.

    Operations of the contract are answered right here. Flask, whose request context costs more than the rest of an
    answer together, serves the pages that are not operations; Socket.IO's requests go to its own engine. All pass the
    same gates, and every answer, whoever made it, leaves with the same headers.

    Args:
        routes: finds operations.
        gate: says who may come in.
        callers: finds out who asks.
        limiter: counts requests.
        wiring: answers operations.
        pages: Flask's application, for what is no operation.
        sockets: the Socket.IO engine's application.
        ids: names requests that bring no name.
        observers: told of each exchange.
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
        observers: Sequence[Observer],
    ) -> None:
        self._routes = routes
        self._origin_policy = origin_policy
        self._authenticator = authenticator
        self._limiter = rate_limiter
        self._dispatcher = dispatcher
        self._pages = pages
        self._sockets = sockets
        self._ids = ids
        self._observers = observers

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ, self._name(environ))
        extra: list[tuple[str, str]] = []
        try:
            self._origin_policy.check_host(request)
            for_sockets = (request.path + "/").startswith(_SOCKET_PATH)
            extra += self._origin_policy.check_origin(request, reading_is_safe=not for_sockets)
            if for_sockets:
                return self._pass_on(self._sockets, request, start_response, extra)
            found = self._routes.find(request.path)
            if found is None:
                return self._pass_on(self._pages, request, start_response, extra)
            reply = self._answer(request, *found, extra)
        except HTTPError as refusal:
            reply = self._dispatcher.error_response(refusal, request)
        except OSError:
            raise  # the peer is gone; there is nobody to answer
        except Exception as error:
            reply = self._dispatcher.error_response(report(request, error), request)
        return self._send(request, reply, start_response, extra)

    def _answer(
        self, request: Request, methods: dict[str, Any], args: dict[str, str], extra: list[tuple[str, str]]
    ) -> Response:
        request.args = args
        method = request.method
        if method == "OPTIONS":
            is_preflight = request.header("HTTP_ACCESS_CONTROL_REQUEST_METHOD") is not None
            return Response(204, [("Allow", allowed(methods)), *(preflight(request) if is_preflight else ())])
        operation = methods.get("GET" if method == "HEAD" else method)
        if operation is None:
            allow = allowed(methods)
            raise HTTPError(
                405, f"{method} is not allowed here", hint=f"This path allows {allow}.", headers=[("Allow", allow)]
            )
        request.operation = operation
        try:
            request.principal = principal = self._authenticator.identify(operation, request)
        except HTTPError:
            # Whoever guesses at credentials is counted too, by address: not to the cost of those it pretends to be.
            extra += self._limiter.count(f"unknown at {request.environ.get('REMOTE_ADDR', '')}")
            raise
        extra += self._limiter.count(principal.key)
        return self._dispatcher.answer(operation, request)

    def _send(
        self, request: Request, reply: Response, start_response: StartResponse, extra: list[tuple[str, str]]
    ) -> Iterable[bytes]:
        status = reply.status
        out = [*reply.headers, *self._common(request, extra)]
        if reply.stream is None and status not in (204, 304):
            out.append(("Content-Length", str(len(reply.body))))
        for observer in self._observers:
            observer(request, reply)
        start_response(status_line(status), out)
        if request.method == "HEAD":
            return ()
        return reply.stream if reply.stream is not None else (reply.body,)

    def _common(self, request: Request, extra: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [
            (headers.REQUEST_ID, request.id),
            ("X-Content-Type-Options", "nosniff"),
            ("Vary", "Origin"),
            *extra,
        ]

    def _pass_on(
        self, app: WSGICallable, request: Request, start_response: StartResponse, extra: list[tuple[str, str]]
    ) -> Iterable[bytes]:
        """Let another application answer; its answer leaves with the common headers too."""
        if request.method == "OPTIONS" and request.header("HTTP_ACCESS_CONTROL_REQUEST_METHOD"):
            return self._send(request, Response(204, preflight(request)), start_response, extra)
        request.environ["duologue.request"] = request
        refused: list[int] = []

        def start(status: str, given: list[tuple[str, str]], exc_info: Any = None) -> Any:
            code = int(status[:3])
            if code >= 400 and app is self._sockets:
                refused.append(code)  # the engine's own errors are texts; ours have a body
                return lambda _: None
            for observer in self._observers:
                observer(request, Response(code, given))
            return start_response(status, [*given, *self._common(request, extra)], exc_info)

        try:
            body = app(request.environ, start)
        except ValueError as error:
            if "werkzeug.socket" not in request.environ:
                raise
            # Nonsense on a websocket: there is no HTTP any more in which to answer.
            raise ConnectionAbortedError(str(error)) from error
        if refused:
            reason = b"".join(body).decode("utf-8", "replace").strip('"') or phrase(refused[0])
            raise HTTPError(refused[0], "Not a Socket.IO request that can be served", hint=reason[:200])
        return body

    def _name(self, environ: dict[str, Any]) -> str:
        code: str | None = environ.get(REFERENCE_CODE)
        if code and len(code) <= headers.MAX_VALUE_LENGTH and code.isascii() and code.isprintable() and code.strip():
            return code.strip()
        return self._ids.request_id()


def report(request: Request, error: BaseException) -> HTTPError:
    """Log an exception nobody expected, and return what the caller is told: that, and nothing of its inside."""
    logger.error("%s %r failed", request.method, request.path, exc_info=error)
    hint = f"The mock has a fault here; its log tells more, under request id {request.id}."
    return HTTPError(500, "Internal server error", hint=hint)
