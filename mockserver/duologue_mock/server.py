"""Running a mock: in a thread of a test's own process, or as a process of its own."""

from __future__ import annotations

import functools
import inspect
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import gevent
from flask import Flask
from gevent.event import Event as GreenEvent

from duologue._version import __version__
from duologue.contract.core import CHAT, PLATFORM
from duologue.contract.notifications import Notification
from duologue_mock import notifications
from duologue_mock.app import create_app
from duologue_mock.context import MockContext, get_context
from duologue_mock.errors import HTTPError
from duologue_mock.http import messages
from duologue_mock.http.listening import LOOPBACK, LOOPBACK_HOSTS, listen
from duologue_mock.http.server import Server, build_response_bytes
from duologue_mock.http.wsgi import CONTROL_PATH
from duologue_mock.settings import SETTINGS, MockSettings, Settings
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.store.seed import Fixtures

if TYPE_CHECKING:
    from gevent.ssl import SSLContext

    from duologue_mock.control_client.control import MockControl
    from duologue_mock.https.certificates import Authority


class MockServer:
    """Both services, served by a thread of this process: for tests.

    `with MockServer() as mock:` is ready when the block is entered and stopped when it ends. Nothing of the process is
    patched. It keeps its ports and data when it is stopped and started again.

    Args:
        port: port of the platform; 0 picks a free one.
        chat_port: port of the chat service; 0 picks a free one; that of the platform serves both on one port.
        host: address to listen on; `localhost` is 127.0.0.1 and, where there is one, ::1.
        state: the state to serve, to share it or to prepare it; None creates one.
        seed_state: whether to add the fixtures to a state that is empty.
        request_hooks: called with each request and its response; what cannot be read has neither method nor path.
        settings: any of [`MockSettings`](../mock-server.md#settings), by name.

    Raises:
        TypeError: a name that is not a setting.
        ValueError: a value that is not valid.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        chat_port: int = 0,
        host: str = LOOPBACK,
        state: State | None = None,
        seed_state: bool = True,
        request_hooks: Sequence[messages.RequestHook] = (),
        **settings: Unpack[MockSettings],
    ) -> None:
        SETTINGS.check_names(settings, owner="MockServer", parameters=_PARAMETERS)
        if host not in LOOPBACK_HOSTS and settings.get("admin_token") is None:
            settings["admin_token"] = secrets.token_urlsafe(24)  # else everyone in the network could steer the mock
        self.settings = Settings(**settings)
        self._host = host
        self._ports = (port, chat_port)
        self._state = state
        self._seed_state = seed_state
        self._request_hooks = request_hooks
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._start_error: BaseException | None = None
        self._app: Flask | None = None
        self._servers: list[Server] = []
        self._authority: Authority | None = None
        self._call_soon: Callable[[Callable[[], None]], None] = lambda function: function()
        self._request_stop: Callable[[], None] = lambda: None

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> MockServer:
        """Start serving, and return once both ports accept requests.

        Raises:
            PortInUseError: another process listens on a port.
            FixtureError: a fixture file is not valid.
            CertificateError: a certificate or key is not valid.
            ImportError: HTTPS needs the extra `https`.
            RuntimeError: the server is running.
        """
        if self._thread is not None:
            raise RuntimeError("The mock server is running already.")
        self._ready.clear()
        self._thread = threading.Thread(target=self._run_in_thread, name="duologue-mock", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._start_error is not None:
            self._thread.join()
            self._thread = None
            raise self._start_error
        return self

    def stop(self) -> None:
        """Stop serving after the requests in flight have finished. Does nothing if the server is not running."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._request_stop()
            thread.join()

    def serve_forever(self, on_start: Callable[[], None]) -> None:
        """Serve in this thread until SIGINT, SIGTERM, or a shutdown by the control API.

        Args:
            on_start: called once both ports accept requests.

        Raises:
            PortInUseError: another process listens on a port.
            FixtureError: a fixture file is not valid.
            CertificateError: a certificate or key is not valid.
            ImportError: HTTPS needs the extra `https`.
        """
        import signal

        stop = GreenEvent()
        for number in (signal.SIGINT, signal.SIGTERM):
            gevent.signal_handler(number, stop.set)
        self._request_stop = stop.set  # the control API may end it too
        self._serve(stop, on_start)

    def reload(self, **settings: Unpack[MockSettings]) -> None:
        """Start over with fixtures, stubs and presets as their files are now, and with changed settings.

        Connections stay open; logins end, and Socket.IO clients are disconnected. If it fails, nothing changes.

        Args:
            settings: what is changed; HTTPS, read, idle and shutdown timeouts stay as they are.

        Raises:
            FixtureError: a file is not valid.
            ValueError: a value is not valid.
            RuntimeError: the server has not been started.
        """
        previous, replaced = self._context, threading.Event()
        if settings.get("admin_token") is None:  # a token that was generated stays, too
            settings["admin_token"] = self.settings.values["admin_token"]
        merged: Any = {**self.settings.values, **settings}
        changed = Settings(**merged)
        app = self._create_app(self._ports, changed)

        def replace_app() -> None:
            self._app, self.settings = app, changed
            for server in self._servers:
                server.application = app.wsgi_app
            previous.close()
            replaced.set()

        self._call_soon(replace_app)
        replaced.wait(10)  # seconds; what is requested after this call is not for the previous app

    @property
    def port(self) -> int:
        """The platform's port."""
        return self._ports[0]

    @property
    def chat_port(self) -> int:
        """The chat service's port."""
        return self._ports[1]

    @property
    def origin(self) -> str:
        """The platform's origin, which also serves Socket.IO: `http://127.0.0.1:3001`."""
        return f"{self._scheme}://{self._address}:{self.port}"

    @property
    def chat_origin(self) -> str:
        """The chat service's origin: `http://127.0.0.1:3002`."""
        return f"{self._scheme}://{self._address}:{self.chat_port}"

    @property
    def base_url(self) -> str:
        """Base URL of the platform's API."""
        return self.origin + PLATFORM.prefix

    @property
    def chat_base_url(self) -> str:
        """Base URL of the chat service's API."""
        return self.chat_origin + CHAT.prefix

    @property
    def control_url(self) -> str | None:
        """URL of the control API, None where it is switched off."""
        return self.origin + CONTROL_PATH if self.settings.values["admin"] else None

    @cached_property
    def control(self) -> MockControl:
        """What steers the running server: its stubs, clock, journal and snapshots, in the namespace `default`.

        Raises:
            RuntimeError: the server was never started, or its control API is switched off.
        """
        from duologue_mock.control_client.control import MockControl  # most servers are started without it

        if self._app is None or not self.settings.values["admin"]:
            raise RuntimeError("Start the mock server first, without `admin=False`: then it has a control API.")
        verify = str(self.ca_file) if self.ca_file else self.settings.values["certificate"] is None
        return MockControl(self.origin, token=self.settings.values["admin_token"], verify=verify)

    @property
    def api_key(self) -> str:
        """An API key that the chat service accepts."""
        return self.settings.values["api_keys"][0]

    @property
    def ca_file(self) -> Path | None:
        """The file with the certificate that clients have to trust, once an HTTPS server has been started.

        Unless the setting `ca_file` names one, it is a temporary one, which is deleted as the process ends. None where
        no authority of the mock's own has made the certificate.
        """
        return None if self._authority is None else self._authority.file

    @property
    def ca_pem(self) -> str | None:
        """The content of that file."""
        return None if self._authority is None else self._authority.pem

    @property
    def state(self) -> State:
        """The data, once the server has been started. Use it inside `with mock.state:`; Socket.IO sends its events.

        Raises:
            RuntimeError: the server has not been started.
        """
        return self._context.state

    def notify(self, user_id: str, *, title: str, message: str, kind: str = "message") -> Notification:
        """Send a `notification:new` to a user of the platform and to the administrators, and return it.

        Args:
            user_id: the user's id; with `chat:` before it, the chat service's user.
            title: its title.
            message: its text.
            kind: its `type`.
        """
        with self.state as state:
            return notifications.notify(state, user_id, kind=kind, title=title, message=message)

    @property
    def _context(self) -> MockContext:
        if self._app is None:
            raise RuntimeError("The mock server has not been started.")
        return get_context(self._app)

    @property
    def _scheme(self) -> str:
        return "https" if self.settings.uses_https else "http"

    @property
    def _address(self) -> str:
        if self._host in (LOOPBACK, "0.0.0.0"):  # noqa: S104  # compared, not bound
            return "127.0.0.1"
        return f"[{'::1' if self._host == '::' else self._host}]" if ":" in self._host else self._host

    def _run_in_thread(self) -> None:
        stop = GreenEvent()
        hub = gevent.get_hub()
        self._start_error = None
        self._request_stop = lambda: hub.loop.run_callback_threadsafe(stop.set)
        try:
            self._serve(stop, self._ready.set)
        except BaseException as error:
            self._start_error = error
        finally:
            self._ready.set()
            self._request_stop = lambda: None  # the control API may have ended it
            hub.destroy(destroy_loop=True)
            hub.throw()  # else its greenlet waits without end, and its frames keep this server in memory

    def _serve(self, stop: GreenEvent, on_start: Callable[[], None]) -> None:
        port, chat_port = self._ports
        listeners: list[socket.socket] = []
        tls = self._create_tls_context()
        try:
            listeners += (platform := listen(self._host, port))
            if not port or chat_port != port:
                listeners += (chat := listen(self._host, chat_port))
            else:
                chat = platform
            ports = (platform[0].getsockname()[1], chat[0].getsockname()[1])
            self._app = self._app or self._create_app(ports, self.settings)
            self._ports = ports
        except BaseException:
            for listener in listeners:
                listener.close()
            raise
        self._call_soon = create_call_soon()
        self._servers = [self._create_http_server(listener, self._app, tls) for listener in listeners]
        for server in self._servers:
            server.start()
        on_start()
        try:
            stop.wait()
        finally:
            self._context.sockets.disconnect_all()
            self._context.namespaces.stop()
            timeout = self.settings.values["shutdown_timeout"]
            gevent.joinall([gevent.spawn(server.finish, timeout) for server in self._servers])
            self._context.sockets.close()

    def _create_app(self, ports: tuple[int, int], settings: Settings) -> Flask:
        state = State(ids=IdGenerator(settings.values["seed"])) if self._state is None else self._state
        if self._seed_state and state.is_empty:
            Fixtures(settings.values["fixtures"]).seed(state)
        return create_app(
            settings,
            state=state,
            request_hooks=self._request_hooks,
            ports=ports,
            call_soon=lambda function: self._call_soon(function),
            run_in_thread=lambda function: gevent.get_hub().threadpool.apply(function),
            sleep=gevent.sleep,
            shut_down=lambda: self._request_stop(),
        )

    def _create_tls_context(self) -> SSLContext | None:
        if not self.settings.uses_https:
            return None
        from duologue_mock.https.certificates import Authority, create_given_context

        values = self.settings.values
        if values["certificate"] is not None:
            return create_given_context(values["certificate"], values["certificate_key"])
        self._authority = self._authority or Authority(values)
        return self._authority.context

    def _create_http_server(self, listener: socket.socket, app: Flask, tls: SSLContext | None) -> Server:
        create: Callable[..., Server] = Server
        if tls is not None:
            from duologue_mock.https.tls import TLSServer

            create = functools.partial(TLSServer, context=tls)
        return create(
            listener,
            app.wsgi_app,
            read_timeout=self.settings.values["read_timeout"],
            idle_timeout=self.settings.values["idle_timeout"],
            error_response=self._render_error,
            on_malformed=functools.partial(messages.notify_hooks, self._request_hooks),
        )

    def _render_error(self, error: HTTPError) -> bytes:
        """Return the response to bytes that are not an HTTP request: with the common error body, too."""
        state = self.state
        request_id = state.ids.request_id()
        body = messages.json_bytes(error.body(timestamp=state.clock.now(), request_id=request_id, version=__version__))
        headers = [
            ("Content-Type", messages.JSON),
            messages.NO_STORE,
            ("X-Request-Id", request_id),
            *messages.SECURITY_HEADERS,
            ("Vary", "Origin"),
        ]
        return build_response_bytes(messages.status_line(error.status), [*headers, *error.headers], body)


_PARAMETERS = tuple(inspect.signature(MockServer).parameters)


def create_call_soon() -> Callable[[Callable[[], None]], None]:
    """Return a function that runs another in the calling thread's loop, from whichever thread it is called."""
    loop, loop_thread = gevent.get_hub().loop, threading.get_ident()

    def call_soon(function: Callable[[], None]) -> None:
        if threading.get_ident() == loop_thread:
            function()
        else:
            loop.run_callback_threadsafe(function)

    return call_soon
