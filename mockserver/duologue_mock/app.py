"""`create_app`: puts together everything that a mock is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask import Response as FlaskResponse
from flask import request as flask_request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as WSGIResponse

from duologue.contract import operations
from duologue_mock.assistant import ReplyEngine, RunInThread, load_rules
from duologue_mock.context import LazySocketIO, MockContext, get_context
from duologue_mock.control.api.app import ControlApp
from duologue_mock.control.api.server import ControlServer
from duologue_mock.control.journal.budget import Budget
from duologue_mock.control.namespace_control import NamespaceControl
from duologue_mock.control.state.presets import Presets
from duologue_mock.control.state.reset import initialize
from duologue_mock.control.state.starting_point import StartingPoint
from duologue_mock.control.stubs.mapping_files import MappingFolder
from duologue_mock.documentation.docs_page import register_docs_page
from duologue_mock.documentation.documents import register_documents
from duologue_mock.errors import HTTPError
from duologue_mock.http import info
from duologue_mock.http.authentication import Authenticator
from duologue_mock.http.cors import OriginPolicy
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.idempotency import IdempotencyKeys
from duologue_mock.http.messages import Request, RequestHook
from duologue_mock.http.namespaces import DEFAULT, NAMESPACE_KEY, Namespace, Namespaces
from duologue_mock.http.rate_limit import RateLimiter
from duologue_mock.http.routing import Routes
from duologue_mock.http.wsgi import ERROR_KEY, REQUEST_KEY, FindFaults, WSGIApp, WSGICallable, log_unexpected_error
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.store.clock import Clock, IdGenerator
from duologue_mock.store.seed import Fixtures
from duologue_mock.tokens import TokenService

if TYPE_CHECKING:
    from duologue_mock.realtime.engine import EngineIOServer
    from duologue_mock.realtime.router import SocketIORouter
    from duologue_mock.realtime.server import SocketIOServer

CallSoon = Callable[[Callable[[], None]], None]
"""Runs a function in the thread that serves the sockets."""


def create_app(
    settings: Settings | None = None,
    *,
    state: State | None = None,
    request_hooks: Sequence[RequestHook] = (),
    ports: tuple[int, int] | None = None,
    call_soon: CallSoon | None = None,
    run_in_thread: RunInThread | None = None,
    sleep: Callable[[float], None] | None = None,
    shut_down: Callable[[], None] | None = None,
) -> Flask:
    """Return the mock as a Flask application, seeded and ready to serve both services.

    Args:
        settings: how it behaves; None for the defaults.
        state: its data; None creates a state and fills it from the fixtures.
        request_hooks: called with every request and its response.
        ports: the ports of the platform and the chat service, for the URLs in the OpenAPI document and on the page at
            `/`; None for the URL that each request was sent to.
        call_soon: runs a function in the thread that serves the sockets; None if there is no other thread.
        run_in_thread: runs a function that may block without blocking other requests; None calls it directly.
        sleep: waits a number of seconds without blocking other requests; None for `time.sleep`.
        shut_down: ends the server, as the control API may ask; None if that is not possible.

    Raises:
        FixtureError: a fixture file is invalid.
    """
    settings = settings or Settings()
    fixtures = Fixtures(settings.values["fixtures"])
    if state is None:
        state = _create_state(settings, fixtures)
    app = Flask("duologue_mock", static_folder=None)
    app.url_map.strict_slashes = app.url_map.merge_slashes = False  # no redirects
    app.before_request(_check_request)
    pages: WSGICallable = app.wsgi_app
    routes = Routes(operations())
    presets = Presets(settings.values["presets"])
    start = StartingPoint(state.capture(), settings, state.clock.capture())
    if settings.values["preset"] is not None:
        start = presets.build_first(settings.values["preset"], start)
    builder = NamespaceBuilder(
        settings,
        fixtures,
        start,
        state.clock.base,
        run_in_thread=run_in_thread or _call,
        sleep=sleep or time.sleep,
    )
    namespaces = Namespaces(builder.build(DEFAULT, state), builder.create)
    sockets = LazySocketIO(lambda: _create_socketio_router(app, settings, namespaces, call_soon or _call))
    app.extensions["duologue"] = MockContext(settings, state, sockets, routes, ports, namespaces)
    control = ControlServer(settings, namespaces, start, presets, shut_down, run_in_thread=run_in_thread or _call)
    app.wsgi_app = WSGIApp(  # type: ignore[method-assign]  # how Flask's documentation wraps an application
        routes=routes,
        origin_policy=OriginPolicy(settings),
        namespaces=namespaces,
        pages=pages,
        sockets=sockets,
        control=ControlApp(control) if settings.values["admin"] else None,
        request_hooks=request_hooks,
        max_request_size=settings.values["max_request_size"],
        find_faults=_load_response_check() if settings.values["self_check"] else None,
    )
    _register_operations(app, routes)
    info.register_index(app, routes=routes, ports=ports)
    register_documents(app, ports=ports)
    register_docs_page(app, ports=ports)
    _register_error_handler(app, routes)
    return app


class NamespaceBuilder:
    """Builds namespaces: the parts that each has of its own.

    Args:
        settings: of the mock.
        fixtures: where the smart-chat rules are.
        start: what each namespace starts with.
        clock: the machine's clock.
        run_in_thread: runs a function that may block without blocking other requests.
        sleep: waits a number of seconds without blocking other requests.

    Raises:
        FixtureError: the smart-chat rules are invalid.
        MappingFileError: a file of stubs is invalid.
    """

    def __init__(
        self,
        settings: Settings,
        fixtures: Fixtures,
        start: StartingPoint,
        clock: Clock,
        *,
        run_in_thread: RunInThread,
        sleep: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._start = start
        self._clock = clock
        self._sleep = sleep
        self._journal_budget = Budget()
        mappings = settings.values["mappings"]
        self._mapping_folder = None if mappings is None else MappingFolder(mappings)
        self._reply_engine = ReplyEngine(settings, load_rules(fixtures), run_in_thread=run_in_thread, sleep=sleep)

    def create(self, name: str) -> Namespace:
        """Return a new namespace with what the mock was started with."""
        ids = IdGenerator(self._settings.values["seed"], namespace=name)
        return self.build(name, State(clock=self._clock, ids=ids))

    def build(self, name: str, state: State) -> Namespace:
        """Return a namespace whose data replaces that of a state."""
        settings = self._settings
        token_service = TokenService(settings)
        keys = IdempotencyKeys(state.clock)
        dispatcher = Dispatcher(state, token_service, self._reply_engine, keys, log_unexpected_error)
        control = self._build_control(name, state, dispatcher) if settings.values["admin"] else None
        namespace = Namespace(
            name=name,
            settings=settings,
            state=state,
            authenticator=Authenticator(settings, state, token_service),
            rate_limiter=RateLimiter(settings.values["rate_limit"], state.clock),
            dispatcher=dispatcher,
            interceptor=control,
        )
        initialize(self._start, namespace, control)
        return namespace

    def _build_control(self, name: str, state: State, dispatcher: Dispatcher) -> NamespaceControl:
        return NamespaceControl(
            name,
            self._settings,
            state,
            self._start,
            self._sleep,
            error_response=dispatcher.error_response,
            mapping_folder=self._mapping_folder,
            journal_budget=self._journal_budget,
        )


def _create_socketio_router(
    app: Flask, settings: Settings, namespaces: Namespaces, call_soon: CallSoon
) -> SocketIORouter:
    from duologue_mock.realtime.router import SocketIORouter
    from duologue_mock.realtime.server import SocketIOServer

    def create_server(namespace: Namespace, engine: EngineIOServer) -> SocketIOServer:
        control = namespace.interceptor
        interceptor = control.realtime if isinstance(control, NamespaceControl) else None
        return SocketIOServer(app, namespace, engine, call_soon=call_soon, interceptor=interceptor)

    return SocketIORouter(
        namespaces,
        create_server,
        clock=namespaces.default.state.clock.base,  # a flood is one by the machine's clock: the mock's may stand still
        max_message_size=settings.values["max_request_size"],
    )


def _load_response_check() -> FindFaults:
    from duologue_mock.openapi.response_check import find_faults  # loads apispec, which nothing else needs

    return find_faults


def _create_state(settings: Settings, fixtures: Fixtures) -> State:
    state = State(ids=IdGenerator(settings.values["seed"]))
    fixtures.seed(state)
    return state


def _register_operations(app: Flask, routes: Routes) -> None:
    """Add a URL rule for every operation, named by its id, so that `flask routes` and `url_for` know them.

    `WSGIApp` handles an operation before Flask sees it. A request that reaches Flask all the same, as in
    `app.test_request_context()`, is handed back to it.
    """

    class OperationResponse(WSGIResponse):
        default_mimetype = None  # a 204 has no `Content-Type`

    def handle_operation(**_: str) -> WSGIResponse:
        if REQUEST_KEY in flask_request.environ:
            raise NotFound  # `WSGIApp` has seen it and found no operation
        return OperationResponse.from_app(app.wsgi_app, flask_request.environ)

    for operation in routes.operations:
        app.add_url_rule(
            operation.route.replace("{", "<").replace("}", ">"),
            endpoint=operation.id,
            view_func=handle_operation,
            methods=[operation.method, "OPTIONS"],
        )


def _check_request() -> None:
    """Refuse what Werkzeug takes for something else: `//` for `/`, and `get` for `GET` (RFC 9110, section 9.1)."""
    rule, environ = flask_request.url_rule, flask_request.environ
    if environ["PATH_INFO"].startswith("//"):
        raise NotFound
    if rule is not None and environ["REQUEST_METHOD"] != flask_request.method:
        raise MethodNotAllowed(sorted(rule.methods or ()))


def _register_error_handler(app: Flask, routes: Routes) -> None:
    """Give Flask's own errors the common body too."""

    def build_error_response(error: Exception) -> FlaskResponse:
        environ = flask_request.environ
        request: Request = environ.get(REQUEST_KEY) or Request(environ, "unknown")
        http_error = environ[ERROR_KEY] = _as_http_error(error, request, routes)
        namespace = environ.get(NAMESPACE_KEY) or get_context(app).namespaces.default
        response = namespace.dispatcher.error_response(http_error, request)
        return FlaskResponse(response.body, response.status, response.headers)

    app.register_error_handler(Exception, build_error_response)


def _as_http_error(error: Exception, request: Request, routes: Routes) -> HTTPError:
    if isinstance(error, HTTPError):
        return error
    if isinstance(error, NotFound):
        return info.path_not_found(routes, request.method, request.path)
    if isinstance(error, HTTPException) and error.code is not None and error.code >= 400:
        headers = [(name, value) for name, value in error.get_headers() if name == "Allow"]
        return HTTPError(error.code, error.name, hint=error.description, headers=headers)
    return log_unexpected_error(request, error)


def _call(function: Callable[[], Any]) -> Any:
    return function()
