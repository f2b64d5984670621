"""What hangs on a mock's Flask application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask

from duologue_mock.http.namespaces import Namespaces
from duologue_mock.http.routing import Routes
from duologue_mock.http.wsgi import StartResponse
from duologue_mock.settings import Settings
from duologue_mock.store import State

if TYPE_CHECKING:
    from duologue_mock.realtime.router import SocketIORouter
    from duologue_mock.realtime.server import SocketIOServer


@dataclass(frozen=True)
class MockContext:
    """The parts of a mock, as `app.extensions["duologue"]`."""

    settings: Settings
    state: State
    sockets: LazySocketIO
    routes: Routes
    ports: tuple[int, int] | None
    """The ports of the platform and the chat service; None where another server than ours runs the application."""
    namespaces: Namespaces

    @property
    def realtime(self) -> SocketIOServer:
        """The Socket.IO server of the default namespace."""
        return self.sockets.router.get_server(self.namespaces.default)

    def close(self) -> None:
        """End what outlives a request, as another application takes over."""
        self.sockets.disconnect_all()
        self.sockets.close()
        for namespace in self.namespaces:
            if namespace.interceptor is not None:
                namespace.interceptor.close()


class LazySocketIO:
    """The WSGI application of `/socket.io/`.

    The router behind it is created for the first client: loading it takes as long as loading all the rest, and a mock
    should start at once.

    Args:
        build: creates the router.
    """

    def __init__(self, build: Callable[[], SocketIORouter]) -> None:
        self._build = build

    @cached_property
    def router(self) -> SocketIORouter:
        """What has the Socket.IO servers of the namespaces."""
        return self._build()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request (PEP 3333)."""
        body: Iterable[bytes] = self.router(environ, start_response)
        return body

    def disconnect_all(self) -> None:
        """Disconnect every client."""
        if "router" in self.__dict__:
            self.router.disconnect_all()

    def close(self) -> None:
        """Release the servers, as their thread ends; the next client creates others."""
        if "router" in self.__dict__:
            self.router.close()
            del self.router


def get_context(app: Flask) -> MockContext:
    """Return the parts of a mock's application."""
    context: MockContext = app.extensions["duologue"]
    return context
