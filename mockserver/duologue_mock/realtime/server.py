"""The Socket.IO server of a namespace: who may connect, which rooms an event is sent to, and what is refused.

Flask-SocketIO has the rooms, and sends events. What clients send comes through the bounded Engine.IO of this package
instead of python-engineio's, and only what has been checked here reaches python-socketio.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from duologue._version import __version__
from duologue.contract import users
from duologue.contract.core import Event
from duologue.contract.fields import format_timestamp
from duologue.contract.users import User
from duologue_mock.errors import HTTPError
from duologue_mock.http.namespaces import Namespace
from duologue_mock.realtime.connection import ADMINS, Connection, select_rooms
from duologue_mock.realtime.credentials import authenticate
from duologue_mock.realtime.delivery import ReceiverCollector
from duologue_mock.realtime.engine import EngineIOServer
from duologue_mock.realtime.interception import MessageInterceptor
from duologue_mock.realtime.messages import CONNECT_EVENT, Action, Channel, Intervention, Message
from duologue_mock.realtime.outgoing_packet import OutgoingPacket
from duologue_mock.realtime.packets import (
    ACK,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    MalformedPacketError,
    Packet,
    parse_packet,
)
from duologue_mock.realtime.session import Session

logger = logging.getLogger("duologue_mock")

SOCKETIO_NAMESPACE = "/"
"""The namespace of Socket.IO's protocol, which has nothing to do with the mock's."""
_MAX_SHOWN_NAME = 100


class SocketIOServer:
    """The Socket.IO server of one namespace of the mock (protocol 5).

    Its protocol has one namespace, `/`, and it takes no events. A mistake in a packet is reported, and the connection
    stays usable; what is not Engine.IO, comes before the handshake, or is too much ends it.

    Args:
        app: the Flask application that it belongs to.
        namespace: whose events are sent, and whose credentials are valid.
        engine: the sessions of all namespaces.
        call_soon: runs a function in the thread that serves the clients.
        interceptor: steers and watches the messages; None for nothing.
    """

    def __init__(
        self,
        app: Flask,
        namespace: Namespace,
        engine: EngineIOServer,
        *,
        call_soon: Callable[[Callable[[], None]], None],
        interceptor: MessageInterceptor | None = None,
    ) -> None:
        self.engine = engine
        self._namespace = namespace
        self._state = namespace.state
        self._call_soon = call_soon
        self._interceptor = interceptor
        self._connections: dict[Session, Connection] = {}
        self._receivers = ReceiverCollector(engine)
        self._io, self._handlers = _create_socketio(app, self._receivers)
        self._unsubscribe = (
            self._state.subscribe(self._publish),
            self._state.logins.on_end(self._disconnect_login),
        )
        if interceptor is not None:
            interceptor.attach(self)

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def connections(self) -> list[Connection]:
        """The connected clients, in the order in which they connected."""
        return list(self._connections.values())

    def has_clients(self) -> bool:
        """Return whether clients are connected."""
        return bool(self._connections)

    def send(self, event: str, payload: Any, connections: Sequence[Connection]) -> list[Connection]:
        """Send an event to some clients, and return those of them that are connected."""
        return self._emit(event, payload, [one.id for one in connections]) if connections else []

    def disconnect(self, connection: Connection) -> None:
        """Send a disconnect packet, then close the connection, which the client might not do."""
        if self._connections.get(connection.session) is not connection:
            return  # it has left meanwhile
        connection.queue.clear()
        connection.session.send(OutgoingPacket(f"4{DISCONNECT}"))
        self._record(Message("sent", "disconnect", (connection.channel,), size=1))
        connection.session.close()

    def reset(self, connection: Connection) -> None:
        """Reset the connection of a client, without a word."""
        connection.session.reset()

    def disconnect_all(self) -> None:
        """Disconnect every client."""
        for connection in self.connections:
            self.disconnect(connection)

    def reset_all(self) -> None:
        """Reset the connection of every client of the namespace, and of those that have not sent a handshake yet."""
        for session in self.engine.sessions:
            if session.server is self or (session.server is None and session.namespace == self._namespace.name):
                session.reset()

    def close(self) -> None:
        """Disconnect every client, and send no events any more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self.disconnect_all()

    def connect(self, session: Session, packet: Packet) -> None:
        """Connect a client whose credentials are valid. Whatever goes wrong refuses it: an error never admits.

        Args:
            session: the client's.
            packet: its handshake.
        """
        if packet.namespace != SOCKETIO_NAMESPACE:
            self.refuse(session, packet.namespace, "Invalid namespace", _unknown_namespace(packet))
            return
        intervention = None if self._interceptor is None else self._interceptor.intercept(CONNECT_EVENT)
        if intervention is not None:
            self._turn_away(session, packet, intervention)
            return
        try:
            with self._state:  # a login that another thread ends now is seen here, or finds the connection
                require_auth = self._namespace.settings.values["require_auth"]
                credentials = authenticate(packet, self._namespace.authenticator, require_auth=require_auth)
                connection = Connection(session, credentials, format_timestamp(self._state.clock.now()))
                self._connections[session] = connection
        except HTTPError as error:
            self._refuse_handshake(session, packet, "Unauthorized", error)
        except Exception:
            logger.exception("A Socket.IO handshake failed")
            self._refuse_handshake(session, packet, "Unauthorized", HTTPError(500, "Internal server error"))
        else:
            self._join(connection, packet)

    def handle_message(self, session: Session, message: str | bytes) -> None:
        """Handle a message of a connected client.

        Raises:
            HTTPError: it ends the session.
        """
        connection = self._connections[session]
        if isinstance(message, bytes):
            self._handle_attachment(connection, len(message))
            return
        try:
            packet = parse_packet(message)
            connection.attachments = packet.attachments
            self._handle_packet(connection, packet, len(message))
        except MalformedPacketError as error:
            self._record(Message("received", "malformed", (connection.channel,), size=len(message)))
            status = 413 if error.too_large else 400
            self._send_error(connection, error.packet, HTTPError(status, "Malformed packet", hint=str(error)))

    def leave(self, session: Session) -> None:
        """Forget a client; its session ends with the next ping unless it connects again."""
        session.server = None
        connection = self._connections.pop(session, None)
        if connection is not None:
            connection.queue.clear()
            self._handlers["disconnect"](session.sid, self._io.server.reason.CLIENT_DISCONNECT)
            if self._interceptor is not None:
                self._interceptor.record_channel(connection, connected=False)

    def refuse(self, session: Session, socketio_namespace: str, message: str, error: HTTPError) -> None:
        """Refuse a handshake: browsers' clients make an `Error` of the message, with the body as its `data`."""
        prefix = "" if socketio_namespace == SOCKETIO_NAMESPACE else f"{socketio_namespace},"
        packet = f"4{CONNECT_ERROR}{prefix}" + _dump({"message": message, "data": self._build_error_body(error)})
        session.send(OutgoingPacket(packet))
        self._record(Message("sent", "connect_error", payload={"message": message}, size=len(packet) - 1))

    def _handle_attachment(self, connection: Connection, size: int) -> None:
        """Drop an attachment: the packet that it belongs to has been handled."""
        self._record(Message("received", "attachment", (connection.channel,), size=size))
        if connection.attachments:
            connection.attachments -= 1
        else:
            self._send_error(connection, None, HTTPError(400, "Unexpected attachment"))

    def _handle_packet(self, connection: Connection, packet: Packet, size: int) -> None:
        """Handle a packet of a connected client: there is none that it may send, except for leaving."""
        if packet.namespace != SOCKETIO_NAMESPACE:
            if packet.type == CONNECT:
                self.refuse(connection.session, packet.namespace, "Invalid namespace", _unknown_namespace(packet))
            else:
                self._send_error(connection, packet, _unknown_namespace(packet))
        elif packet.type == DISCONNECT:
            self._record(Message("received", "disconnect", (connection.channel,), size=size))
            self.leave(connection.session)
        elif packet.type == CONNECT:
            self._send_error(connection, packet, HTTPError(400, "Connected already"))
        elif packet.is_event:
            self._handle_event(connection, packet, size)
        else:
            hint = "The server asks for no acknowledgement."
            self._send_error(connection, None, HTTPError(400, "Unexpected packet", hint=hint))

    def _handle_event(self, connection: Connection, packet: Packet, size: int) -> None:
        name = packet.parse_event_name()
        if self._interceptor is not None:
            _, *arguments = packet.parse_data()
            payload = arguments[0] if len(arguments) == 1 else arguments or None
            self._record(Message("received", "event", (connection.channel,), name, payload, size))
        self._reject_event(connection.session, packet)

    def _reject_event(self, session: Session, packet: Packet) -> None:
        """Send an error for an event: the server accepts none."""
        name = packet.parse_event_name()[:_MAX_SHOWN_NAME]
        hint = "The server sends events and takes none."
        error = HTTPError(404, f"Unknown event {name!r}", hint=hint)
        self._send_error(self._connections[session], packet, error)

    def _join(self, connection: Connection, packet: Packet) -> None:
        """Let python-socketio accept a client, and put it into its rooms."""
        session = connection.session
        session.server = self
        self._handlers["connect"](session.sid, {})
        self._handlers["message"](session.sid, str(CONNECT))
        connection.identify(self._io.server.manager.sid_from_eio_sid(session.sid, SOCKETIO_NAMESPACE))
        for room in connection.list_rooms():
            self._io.server.enter_room(connection.id, room)
        if self._interceptor is not None:
            self._record_handshake(packet, (connection.channel,))
            payload = {"sid": connection.id}
            self._record(
                Message("sent", "connect", (connection.channel,), payload=payload, size=len(_dump(payload)) + 1)
            )
            self._interceptor.record_channel(connection, connected=True)

    def _turn_away(self, session: Session, packet: Packet, intervention: Intervention) -> None:
        """Refuse a handshake, or end the connection without a word, because of the interceptor."""
        if intervention.action == "disconnect":
            self._record_handshake(packet, (), "disconnect")
            session.reset()
            return
        error = HTTPError(503, "Connection refused", hint="A message mapping of the control API refuses it.")
        self._refuse_handshake(session, packet, error.message, error)

    def _refuse_handshake(self, session: Session, packet: Packet, message: str, error: HTTPError) -> None:
        self._record_handshake(packet, ())
        self.refuse(session, SOCKETIO_NAMESPACE, message, error)

    def _record_handshake(self, packet: Packet, channels: tuple[Channel, ...], action: Action | None = None) -> None:
        if self._interceptor is None:
            return
        size = len(packet.text) + 1
        try:
            message = Message("received", "connect", channels, payload=packet.parse_data(), size=size, action=action)
        except MalformedPacketError:
            message = Message("received", "malformed", channels, size=size, action=action)
        self._interceptor.record(message)

    def _send_error(self, connection: Connection, packet: Packet | None, error: HTTPError) -> None:
        """Send an error: as an acknowledgement if the packet asks for one, else as an `error` event."""
        body = self._build_error_body(error)
        if packet is not None and packet.is_event and packet.id is not None:
            prefix = "" if packet.namespace == SOCKETIO_NAMESPACE else f"{packet.namespace},"
            text = f"{ACK}{prefix}{packet.id}" + _dump([body])
            message = Message("sent", "ack", (connection.channel,), payload=body, size=len(text))
        else:
            text = f"{EVENT}" + _dump(["error", body])
            message = Message("sent", "event", (connection.channel,), "error", body, len(text))
        connection.queue.send(OutgoingPacket("4" + text))
        self._record(message)

    def _publish(self, event: Event[Any], payload: Any, user_id: str | None) -> None:
        if not self._connections:
            return
        data = event.payload.dump(payload)
        self._call_soon(lambda: self._emit_published(event, data, payload, user_id))

    def _emit_published(self, event: Event[Any], data: dict[str, Any], payload: Any, user_id: str | None) -> None:
        if event is users.UPDATED:
            self._update_admin_room(payload.user)
        self._emit(event.name, data, select_rooms(event, user_id))

    def _emit(self, event: str, data: Any, rooms: str | list[str] | None) -> list[Connection]:
        """Send an event to the clients in some rooms, None for all, and return the clients."""
        self._io.emit(event, data, to=rooms)
        packet, sessions = self._receivers.take()
        connections = [self._connections[session] for session in sessions]
        intervention = self._intercept(event, data, len(packet.text) - 1, connections)
        for connection in connections:
            self._deliver(connection, packet, intervention)
        return connections

    def _intercept(self, event: str, data: Any, size: int, connections: list[Connection]) -> Intervention | None:
        """Return what happens to an event in place of being delivered; it is one decision for all of its receivers."""
        if self._interceptor is None or not connections:
            return None
        intervention = self._interceptor.intercept(event)
        action = None if intervention is None else intervention.action
        channels = tuple(connection.channel for connection in connections)
        self._interceptor.record(Message("sent", "event", channels, event, data, size, action))
        return intervention

    def _deliver(self, connection: Connection, packet: OutgoingPacket, intervention: Intervention | None) -> None:
        if intervention is None:
            connection.queue.send(packet)
        elif intervention.action == "delay":
            connection.queue.send(packet, intervention.delay)
        elif intervention.action == "duplicate":
            connection.queue.send(packet)
            connection.queue.send(packet)
        elif intervention.action == "disconnect":
            self.disconnect(connection)

    def _update_admin_room(self, user: User) -> None:
        """The clients of a user who has become an administrator enter the administrators' room, or leave it."""
        for connection in self._connections.values():
            if connection.channel.user_id == user.id:
                connection.update_user(user)
                move = self._io.server.enter_room if user.role == "admin" else self._io.server.leave_room
                move(connection.id, ADMINS)

    def _disconnect_login(self, login_id: str) -> None:
        for connection in self.connections:  # another thread may have ended the login
            identity = connection.credentials.identity
            if identity is not None and identity.login_id == login_id:
                self._call_soon(partial(self.disconnect, connection))

    def _record(self, message: Message) -> None:
        if self._interceptor is not None:
            self._interceptor.record(message)

    def _build_error_body(self, error: HTTPError) -> dict[str, Any]:
        state = self._state
        return error.body(timestamp=state.clock.now(), request_id=state.ids.request_id(), version=__version__)


def _create_socketio(app: Flask, receivers: ReceiverCollector) -> tuple[SocketIO, dict[str, Callable[..., Any]]]:
    """Return Flask-SocketIO on this package's Engine.IO, and the functions that take what clients do."""
    wsgi_app = app.wsgi_app
    socketio = SocketIO(app, async_mode="threading", manage_session=False, async_handlers=False)
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask-SocketIO would pass requests to its own engine
    handlers = socketio.server.eio.handlers
    socketio.server.eio = receivers
    return socketio, handlers


def _unknown_namespace(packet: Packet) -> HTTPError:
    return HTTPError(404, f"Unknown namespace {packet.namespace[:_MAX_SHOWN_NAME]!r}", hint="The only one is `/`.")


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
