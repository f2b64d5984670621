"""From a session to the Socket.IO server of its namespace: the handshake says which one it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from duologue_mock.errors import HTTPError, validation_error
from duologue_mock.http.namespaces import Namespace, Namespaces, get_namespace
from duologue_mock.realtime.engine import EngineIOServer
from duologue_mock.realtime.packets import CONNECT, MalformedPacketError, Packet, parse_packet
from duologue_mock.realtime.server import SOCKETIO_NAMESPACE, SocketIOServer
from duologue_mock.realtime.session import Session
from duologue_mock.store.clock import Clock

CreateServer = Callable[[Namespace, EngineIOServer], SocketIOServer]
"""Creates the Socket.IO server of a namespace."""


class SocketIORouter:
    """The WSGI application of `/socket.io/`: one Engine.IO server, and a Socket.IO server for each namespace in use.

    A session is opened before the namespace of its client is known. The handshake may name it, as `auth.namespace`;
    otherwise it is the one of the request that opened the session.

    Args:
        namespaces: the mock's namespaces.
        create_server: creates the server of one of them.
        clock: the time, for counting packets.
        max_message_size: the most bytes of a polling body or a websocket's message.
    """

    def __init__(
        self,
        namespaces: Namespaces,
        create_server: CreateServer,
        *,
        clock: Clock,
        max_message_size: int,
    ) -> None:
        self._namespaces = namespaces
        self._create_server = create_server
        self._servers: dict[Namespace, SocketIOServer] = {}
        self.engine = EngineIOServer(
            clock=clock,
            max_message_size=max_message_size,
            on_open=_note_namespace,
            on_message=self._handle_message,
            on_close=_leave,
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request for `/socket.io/` (PEP 3333).

        Raises:
            HTTPError: it cannot be served.
        """
        return self.engine(environ, start_response)

    def get_server(self, namespace: Namespace) -> SocketIOServer:
        """Return the Socket.IO server of a namespace, created if there is none."""
        server = self._servers.get(namespace)
        if server is None:
            server = self._servers[namespace] = self._create_server(namespace, self.engine)
            namespace.has_clients = server.has_clients
            namespace.on_drop.append(partial(self._drop, namespace))
        return server

    def disconnect_all(self) -> None:
        """Disconnect every client; for shutting down."""
        for server in self._servers.values():
            server.disconnect_all()
        self.engine.close()

    def close(self) -> None:
        """Send no events any more."""
        for namespace in list(self._servers):
            self._drop(namespace)
        self.engine.close()

    def _drop(self, namespace: Namespace) -> None:
        server = self._servers.pop(namespace, None)
        if server is not None:
            server.close()

    def _handle_message(self, session: Session, message: str | bytes) -> None:
        if session.server is not None:
            session.server.handle_message(session, message)
            return
        try:
            packet = None if isinstance(message, bytes) else parse_packet(message)
        except MalformedPacketError as error:
            raise HTTPError(400, "Malformed Socket.IO packet", hint=str(error)) from None
        if packet is None or packet.type != CONNECT:
            raise HTTPError(400, "There has been no Socket.IO handshake")
        self._connect(session, packet)

    def _connect(self, session: Session, packet: Packet) -> None:
        opener = self._namespaces.get(session.namespace)
        try:
            namespace = self._choose_namespace(packet) or opener
        except HTTPError as error:
            self.get_server(opener).refuse(session, SOCKETIO_NAMESPACE, "Invalid namespace", error)
        else:
            self.get_server(namespace).connect(session, packet)

    def _choose_namespace(self, packet: Packet) -> Namespace | None:
        """Return the namespace that a handshake names; None if it names none."""
        try:
            auth = packet.parse_data()
        except MalformedPacketError:
            return None  # the server refuses it
        if not isinstance(auth, dict) or auth.get("namespace") is None:
            return None
        name = auth["namespace"]
        if not isinstance(name, str):
            raise validation_error({"auth.namespace": ["The name of a namespace is a text."]})
        try:
            return self._namespaces.get(name)
        except HTTPError as error:
            raise validation_error({"auth.namespace": [error.message]}, error.message) from None


def _note_namespace(session: Session, environ: dict[str, Any]) -> None:
    session.namespace = get_namespace(environ).name


def _leave(session: Session) -> None:
    if session.server is not None:
        session.server.leave(session)
