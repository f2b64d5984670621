"""The one constructor: everything a mock is made of, put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask import Response as FlaskResponse
from flask import request as flask_request
from werkzeug.exceptions import HTTPException, NotFound

from duologue.contract import operations
from duologue_mock.assistant import ReplyEngine, RunInThread, load_rules
from duologue_mock.errors import HTTPError
from duologue_mock.http import info
from duologue_mock.http.authentication import Authenticator
from duologue_mock.http.cors import OriginPolicy
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.idempotency import IdempotencyKeys
from duologue_mock.http.messages import Observer, Request
from duologue_mock.http.rate_limit import RateLimiter
from duologue_mock.http.routing import Routes
from duologue_mock.http.wsgi import StartResponse, WSGIApp, WSGICallable, report
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.store.seed import Fixtures
from duologue_mock.tokens import TokenService

if TYPE_CHECKING:
    from duologue_mock.realtime.server import SocketIOServer

InLoop = Callable[[Callable[[], None]], None]
"""Runs a function in the thread that serves the sockets."""


@dataclass(frozen=True)
class MockContext:
    """What hangs on the Flask application as `app.extensions["duologue"]`."""

    settings: Settings
    state: State
    sockets: LazySocketIO
    routes: Routes

    @property
    def realtime(self) -> SocketIOServer:
        """The Socket.IO server."""
        return self.sockets.realtime


class LazySocketIO:
    """The WSGI application of `/socket.io/`.

    The server behind it is made when the first client asks for it: loading it takes as long as loading all the rest,
    and a mock should be there at once.
    """

    def __init__(self, make: Callable[[], SocketIOServer]) -> None:
        self._make = make

    @cached_property
    def realtime(self) -> SocketIOServer:
        """The Socket.IO server."""
        return self._make()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer: Iterable[bytes] = self.realtime(environ, start_response)
        return answer

    def disconnect_all(self) -> None:
        """Disconnect every client."""
        if "realtime" in self.__dict__:
            self.realtime.disconnect_all()

    def close(self) -> None:
        """Release the server; the next client creates another. Its loop ends with the thread that served it."""
        if "realtime" in self.__dict__:
            self.realtime.close()
            del self.realtime


def create_app(
    settings: Settings | None = None,
    *,
    state: State | None = None,
    rate_limiter: RateLimiter | None = None,
    keys: IdempotencyKeys | None = None,
    socket_manager: Any = None,
    observers: Sequence[Observer] = (),
    call_soon: InLoop | None = None,
    run_in_thread: RunInThread | None = None,
    sleep: Callable[[float], None] | None = None,
) -> Flask:
    """Return the mock as a Flask application, seeded and ready to serve both services.

    Args:
        settings: how it behaves.
        state: what it remembers; None makes one and fills it from the fixtures.
        rate_limiter: counts requests; None makes one that obeys the state's clock.
        keys: remembers idempotency keys; None makes one that obeys the state's clock.
        socket_manager: python-socketio's client manager, to share rooms with other processes; None keeps them here.
        observers: told of every exchange.
        call_soon: runs a function in the thread that serves the sockets; None if that is the only thread there is.
        run_in_thread: runs what may block without holding up other requests; None runs it in place.
        sleep: waits a number of seconds without holding up other requests.

    Raises:
        FixtureError: a fixture file is not as it should be.
    """
    settings = settings or Settings()
    fixtures = Fixtures(settings.values["fixtures"])
    rules = load_rules(fixtures)
    if state is None:
        state = _seeded(settings, fixtures)
    app = Flask("duologue_mock", static_folder=None)
    pages_app = app.wsgi_app
    token_service = TokenService(settings)
    authenticator = Authenticator(settings, state, token_service)
    routes = Routes(operations())
    reply_engine = ReplyEngine(settings, rules, run_in_thread=run_in_thread or _in_place, sleep=sleep or time.sleep)
    dispatcher = Dispatcher(settings, state, token_service, reply_engine, keys or IdempotencyKeys(state.clock), report)
    sockets = LazySocketIO(
        lambda: _realtime(app, settings, state, authenticator, call_soon or _in_place, socket_manager)
    )
    info.register(app, routes)
    _speak_one_error_body(app, dispatcher, routes)
    app.extensions["duologue"] = MockContext(settings, state, sockets, routes)
    app.wsgi_app = WSGIApp(  # type: ignore[method-assign]  # where Flask wants what stands in front of it
        routes=routes,
        origin_policy=OriginPolicy(settings),
        authenticator=authenticator,
        rate_limiter=rate_limiter or RateLimiter(settings.values["rate_limit"], state.clock),
        dispatcher=dispatcher,
        pages=pages_app,
        sockets=sockets,
        ids=state.ids,
        observers=observers,
    )
    return app


def get_context(app: Flask) -> MockContext:
    """Return what a mock's application is made of."""
    parts: MockContext = app.extensions["duologue"]
    return parts


def _realtime(
    app: Flask, settings: Settings, state: State, authenticator: Authenticator, call_soon: InLoop, manager: Any
) -> SocketIOServer:
    from duologue_mock.realtime.server import SocketIOServer

    door: WSGICallable = app.wsgi_app
    made = SocketIOServer(
        app,
        settings=settings,
        state=state,
        authenticator=authenticator,
        ids=state.ids,
        call_soon=call_soon,
        manager=manager,
    )
    app.wsgi_app = door  # type: ignore[method-assign, assignment]  # Flask-SocketIO puts itself in front; it belongs behind
    return made


def _seeded(settings: Settings, fixtures: Fixtures) -> State:
    state = State(ids=IdGenerator(settings.values["seed"]))
    fixtures.seed(state)
    return state


def _speak_one_error_body(app: Flask, dispatcher: Dispatcher, routes: Routes) -> None:
    """Flask's own errors get the common body too."""

    def answer(error: Exception) -> FlaskResponse:
        request: Request = flask_request.environ["duologue.request"]
        reply = dispatcher.error_response(_as_refusal(error, request, routes), request)
        return FlaskResponse(reply.body, reply.status, reply.headers)

    app.register_error_handler(Exception, answer)


def _as_refusal(error: Exception, request: Request, routes: Routes) -> HTTPError:
    if isinstance(error, HTTPError):
        return error
    if isinstance(error, NotFound):
        return info.nothing_here(routes, request.method, request.path)
    if isinstance(error, HTTPException) and error.code is not None and error.code >= 400:
        headers = [(name, value) for name, value in error.get_headers() if name == "Allow"]
        return HTTPError(error.code, error.name, hint=error.description, headers=headers)
    return report(request, error)


def _in_place(function: Callable[[], Any]) -> Any:
    return function()
