"""The one constructor: everything a mock is made of, put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask, Response
from flask import request as flask_request
from werkzeug.exceptions import HTTPException, NotFound

from duologue.contract import operations
from duologue_mock.assistant import Offload, Replies
from duologue_mock.errors import Refusal
from duologue_mock.http import info
from duologue_mock.http.authentication import Callers
from duologue_mock.http.cors import Gate
from duologue_mock.http.dispatch import Wiring
from duologue_mock.http.idempotency import IdempotencyKeys
from duologue_mock.http.messages import Observer, Request
from duologue_mock.http.rate_limit import RateLimiter
from duologue_mock.http.routing import Routes
from duologue_mock.http.wsgi import Door, StartResponse, WSGIApp, report
from duologue_mock.seed import Fixtures
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.store.clock import Ids
from duologue_mock.tokens import Signer

if TYPE_CHECKING:
    from duologue_mock.realtime.server import Realtime

InLoop = Callable[[Callable[[], None]], None]
"""Runs a function in the thread that serves the sockets."""


@dataclass(frozen=True)
class Parts:
    """What hangs on the Flask application as `app.extensions["duologue"]`."""

    settings: Settings
    state: State
    sockets: Sockets
    routes: Routes

    @property
    def realtime(self) -> Realtime:
        """The Socket.IO server."""
        return self.sockets.realtime


class Sockets:
    """The WSGI application of `/socket.io/`.

    The server behind it is made when the first client asks for it: loading it takes as long as loading all the rest,
    and a mock should be there at once.
    """

    def __init__(self, make: Callable[[], Realtime]) -> None:
        self._make = make

    @cached_property
    def realtime(self) -> Realtime:
        """The Socket.IO server."""
        return self._make()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer: Iterable[bytes] = self.realtime.wsgi_app(environ, start_response)
        return answer

    def disconnect_all(self) -> None:
        """Disconnect every client."""
        if "realtime" in self.__dict__:
            self.realtime.disconnect_all()


def create_app(
    settings: Settings | None = None,
    *,
    state: State | None = None,
    limiter: RateLimiter | None = None,
    keys: IdempotencyKeys | None = None,
    socket_manager: Any = None,
    observers: Sequence[Observer] = (),
    in_loop: InLoop | None = None,
    offload: Offload | None = None,
    pause: Callable[[float], None] | None = None,
) -> Flask:
    """Return the mock as a Flask application, seeded and ready to serve both services.

    Args:
        settings: how it behaves.
        state: what it remembers; None makes one and fills it from the fixtures.
        limiter: counts requests; None makes one that obeys the state's clock.
        keys: remembers idempotency keys; None makes one that obeys the state's clock.
        socket_manager: python-socketio's client manager, to share rooms with other processes; None keeps them here.
        observers: told of every exchange.
        in_loop: runs a function in the thread that serves the sockets; None if that is the only thread there is.
        offload: runs what may block without holding up other requests; None runs it in place.
        pause: waits a number of seconds without holding up other requests.

    Raises:
        FixtureError: a fixture file is not as it should be.
    """
    settings = settings or Settings()
    fixtures = Fixtures(settings.fixtures)
    rules = fixtures.rules()
    if state is None:
        state = _seeded(settings, fixtures)
    app = Flask("duologue_mock", static_folder=None)
    pages_app = app.wsgi_app
    signer = Signer(settings)
    callers = Callers(settings, state, signer)
    routes = Routes(operations())
    replies = Replies(settings, rules, offload=offload or _in_place, pause=pause or time.sleep)
    wiring = Wiring(settings, state, signer, replies, keys or IdempotencyKeys(state.clock), report)
    sockets = Sockets(lambda: _realtime(app, settings, state, callers, in_loop or _in_place, socket_manager))
    info.register(app, routes)
    _speak_one_error_body(app, wiring, routes)
    app.extensions["duologue"] = Parts(settings, state, sockets, routes)
    app.wsgi_app = Door(  # type: ignore[method-assign]  # where Flask wants what stands in front of it
        routes=routes,
        gate=Gate(settings),
        callers=callers,
        limiter=limiter or RateLimiter(settings.rate_limit, state.clock),
        wiring=wiring,
        pages=pages_app,
        sockets=sockets,
        ids=state.ids,
        observers=observers,
    )
    return app


def parts_of(app: Flask) -> Parts:
    """Return what a mock's application is made of."""
    parts: Parts = app.extensions["duologue"]
    return parts


def _realtime(
    app: Flask, settings: Settings, state: State, callers: Callers, in_loop: InLoop, manager: Any
) -> Realtime:
    from duologue_mock.realtime.server import Realtime

    door: WSGIApp = app.wsgi_app
    made = Realtime(
        app, settings=settings, state=state, callers=callers, ids=state.ids, in_loop=in_loop, manager=manager
    )
    app.wsgi_app = door  # type: ignore[method-assign, assignment]  # Flask-SocketIO puts itself in front; it belongs behind
    return made


def _seeded(settings: Settings, fixtures: Fixtures) -> State:
    state = State(ids=Ids(settings.seed))
    fixtures.seed(state)
    return state


def _speak_one_error_body(app: Flask, wiring: Wiring, routes: Routes) -> None:
    """Flask's own errors get the common body too."""

    def answer(error: Exception) -> Response:
        request: Request = flask_request.environ["duologue.request"]
        reply = wiring.refuse(_as_refusal(error, request, routes), request)
        return Response(reply.body, reply.status, reply.headers)

    app.register_error_handler(Exception, answer)


def _as_refusal(error: Exception, request: Request, routes: Routes) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NotFound):
        return info.nothing_here(routes, request.method, request.path)
    if isinstance(error, HTTPException) and error.code is not None and error.code >= 400:
        headers = [(name, value) for name, value in error.get_headers() if name == "Allow"]
        return Refusal(error.code, error.name, hint=error.description, headers=headers)
    return report(request, error)


def _in_place(function: Callable[[], Any]) -> Any:
    return function()
