"""Running a mock: in a thread of a test's own process, or as a process of its own."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import gevent
from gevent.event import Event as GreenEvent

from duologue._version import __version__
from duologue.contract.core import CHAT, PLATFORM
from duologue.contract.notifications import Notification
from duologue_mock import notifications
from duologue_mock.app import create_app
from duologue_mock.context import MockContext, get_context
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import JSON, RequestHook, json_bytes, status_line
from duologue_mock.http.server import Server, build_response_bytes
from duologue_mock.settings import Settings
from duologue_mock.store import State

logger = logging.getLogger("duologue_mock")

LOOPBACK = "localhost"
"""Stands for both loopback addresses, IPv4 and IPv6."""
BACKLOG = 1024


class PortInUseError(OSError):
    """Something else listens on a port we were told to use."""


class MockServer:
    """Both services, served by a thread of this process: for tests.

    `with MockServer() as mock:` is ready when it returns and gone when the block ends. Nothing of the process it runs
    in is patched.

    Args:
        port: where the platform listens; 0 picks a free port.
        chat_port: where the chat service listens; 0 picks a free port.
        host: the address to listen on; `localhost` is 127.0.0.1 and, where there is one, ::1.
        state: what it remembers, to share or to look into; None makes one from the fixtures.
        request_hooks: called with every request and its response.
        shutdown_timeout: seconds that requests under way may take to finish when it stops.
        settings: any field of `Settings`, by name.

    Raises:
        PortInUseError: a port is taken.
        FixtureError: a fixture file is not as it should be.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        chat_port: int = 0,
        host: str = LOOPBACK,
        state: State | None = None,
        request_hooks: Sequence[RequestHook] = (),
        shutdown_timeout: float = 5.0,
        **settings: Any,
    ) -> None:
        self.settings = Settings(**settings)
        self._wanted = (host, port, chat_port)
        self._given_state = state
        self._request_hooks = request_hooks
        self._shutdown_timeout = shutdown_timeout
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failures: list[BaseException] = []
        self._parts: MockContext | None = None
        self._ports = (0, 0)
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> MockServer:
        """Start serving and return once both ports answer."""
        if self._thread is not None:
            raise RuntimeError("This mock server runs already.")
        self._ready.clear()
        self._failures.clear()
        self._thread = threading.Thread(target=self._run_in_thread, name="duologue-mock", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failures:
            self._thread.join()
            self._thread = None
            raise self._failures[0]
        return self

    def stop(self) -> None:
        """Stop serving; requests under way are finished first. Nothing happens if it does not run."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stop()
            thread.join()

    def serve_forever(self, started: Callable[[], None]) -> None:
        """Serve in this thread until SIGINT or SIGTERM; `started` is called once both ports answer."""
        import signal

        stop = GreenEvent()
        for number in (signal.SIGINT, signal.SIGTERM):
            gevent.signal_handler(number, stop.set)
        self._serve(stop, started)

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
        """The platform's origin, where Socket.IO is too: `http://127.0.0.1:3001`."""
        return f"http://{self._address()}:{self.port}"

    @property
    def chat_origin(self) -> str:
        """The chat service's origin: `http://127.0.0.1:3002`."""
        return f"http://{self._address()}:{self.chat_port}"

    @property
    def base_url(self) -> str:
        """Base URL of the platform's API."""
        return self.origin + PLATFORM.prefix

    @property
    def chat_base_url(self) -> str:
        """Base URL of the chat service's API."""
        return self.chat_origin + CHAT.prefix

    @property
    def api_key(self) -> str:
        """An API key that the chat service accepts."""
        return self.settings.api_keys[0]

    @property
    def state(self) -> State:
        """What the mock remembers. Use it inside `with mock.state:`; what is announced there reaches the sockets."""
        if self._parts is None:
            raise RuntimeError("The mock server has not been started.")
        return self._parts.state

    def notify(self, user_id: str, *, title: str, message: str, kind: str = "message") -> Notification:
        """Send a `notification:new` to a platform user and the administrators, and return it.

        Args:
            user_id: the user's id; `chat:` before it makes it the chat service's user.
            title: its title.
            message: its text.
            kind: its `type`.
        """
        with self.state as state:
            return notifications.notify(state, user_id, kind=kind, title=title, message=message)

    def _address(self) -> str:
        host = self._wanted[0]
        if host in (LOOPBACK, "0.0.0.0"):  # noqa: S104  # compared, not bound
            return "127.0.0.1"
        return f"[{'::1' if host == '::' else host}]" if ":" in host else host

    def _run_in_thread(self) -> None:
        stop = GreenEvent()
        hub = gevent.get_hub()
        self._stop = lambda: hub.loop.run_callback_threadsafe(stop.set)
        try:
            self._serve(stop, self._ready.set)
        except BaseException as error:
            self._failures.append(error)
        finally:
            self._ready.set()
            hub.destroy(destroy_loop=True)

    def _serve(self, stop: GreenEvent, started: Callable[[], None]) -> None:
        host, port, chat_port = self._wanted
        listeners: list[socket.socket] = []
        try:
            listeners += (platform := listen(host, port))
            listeners += (chat := listen(host, chat_port))
            self._ports = (platform[0].getsockname()[1], chat[0].getsockname()[1])
            parts, servers = self._assemble(listeners)
        except BaseException:
            for listener in listeners:
                listener.close()
            raise
        for server in servers:
            server.start()
        started()
        try:
            stop.wait()
        finally:
            parts.sockets.disconnect_all()
            gevent.joinall([gevent.spawn(server.finish, self._shutdown_timeout) for server in servers])

    def _assemble(self, listeners: list[socket.socket]) -> tuple[MockContext, list[Server]]:
        app = create_app(
            self.settings,
            state=self._given_state,
            request_hooks=self._request_hooks,
            ports=self._ports,
            call_soon=in_this_loop(),
            run_in_thread=lambda function: gevent.get_hub().threadpool.apply(function),
            sleep=gevent.sleep,
        )
        self._parts = get_context(app)
        servers = [
            Server(
                listener,
                app.wsgi_app,
                read_timeout=self.settings.read_timeout,
                idle_timeout=self.settings.idle_timeout,
                error_response=_refuser(self._parts.state),
            )
            for listener in listeners
        ]
        return self._parts, servers


def in_this_loop() -> Callable[[Callable[[], None]], None]:
    """Return a function that runs another in the calling thread's loop, from whichever thread it is called."""
    loop, home = gevent.get_hub().loop, threading.get_ident()

    def run(function: Callable[[], None]) -> None:
        if threading.get_ident() == home:
            function()
        else:
            loop.run_callback_threadsafe(function)

    return run


def listen(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for a port of `host`: two, on one port number, for `localhost`.

    Raises:
        PortInUseError: something else listens there.
    """
    if host != LOOPBACK:
        return [_listen(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port)]
    for _ in range(16):
        first = _listen(socket.AF_INET, "127.0.0.1", port)
        try:
            return [first, _listen(socket.AF_INET6, "::1", first.getsockname()[1])]
        except PortInUseError:
            first.close()
            if port:
                raise
        except OSError:
            return [first]  # this machine has no IPv6
    raise PortInUseError("No port is free on both 127.0.0.1 and ::1.")


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(f"Port {port} of {host} is in use.") from error
        raise
    return made


def _refuser(state: State) -> Callable[[HTTPError], bytes]:
    """Requests that never become requests are refused with the common body too."""

    def refuse(refusal: HTTPError) -> bytes:
        request_id = state.ids.request_id()
        body = json_bytes(refusal.body(timestamp=state.clock.now(), request_id=request_id, version=__version__))
        headers = [("Content-Type", JSON), ("X-Request-Id", request_id), ("X-Content-Type-Options", "nosniff")]
        return build_response_bytes(status_line(refusal.status), [*headers, *refusal.headers], body)

    return refuse
