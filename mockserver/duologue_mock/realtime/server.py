"""The Socket.IO server: who may connect, which rooms an event is sent to, and what is refused.

Flask-SocketIO has the rooms, and sends events. What clients send comes through the bounded Engine.IO of this package
instead of python-engineio's, and only what has been checked here reaches python-socketio.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from duologue._version import __version__
from duologue.contract import headers, users
from duologue.contract.core import Audience, Event
from duologue.contract.users import User
from duologue_mock.errors import HTTPError, unauthenticated, validation_error
from duologue_mock.http.authentication import Authenticator
from duologue_mock.notifications import CHAT_USER
from duologue_mock.realtime.engine import EngineIOServer
from duologue_mock.realtime.packets import (
    ACK,
    CONNECT,
    DISCONNECT,
    EVENT,
    MalformedPacketError,
    Packet,
    parse_packet,
)
from duologue_mock.realtime.session import Session
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.tokens import Identity

logger = logging.getLogger("duologue_mock")

_NAMESPACE = "/"
_MAX_SHOWN_NAME = 100
_ADMINS = "admins"
_PLATFORM_USER = "platform:"


@dataclass(slots=True)
class Connection:
    """A connected client: whose credentials it has sent, and how many attachments of its last packet are to come."""

    identity: Identity | None
    chat_user: str | None
    attachments: int = 0

    def list_rooms(self) -> list[str]:
        """Return the rooms that the client is in."""
        rooms = []
        if self.identity is not None:
            rooms.append(_PLATFORM_USER + self.identity.user.id)
            if self.identity.user.role == "admin":
                rooms.append(_ADMINS)
        if self.chat_user is not None:
            rooms.append(CHAT_USER + self.chat_user)
        return rooms


class SocketIOServer:
    """The Socket.IO server of one mock (protocol 5).

    It has one namespace and takes no events. A mistake in a packet is reported, and the connection stays usable; what
    is not Engine.IO, comes before the handshake, or is too much ends it.

    Args:
        app: the Flask application that it belongs to.
        settings: whether a handshake needs credentials, and the largest packet.
        state: whose events are sent.
        authenticator: checks credentials.
        ids: request ids for error bodies.
        call_soon: runs a function in the thread that serves the clients.
    """

    def __init__(
        self,
        app: Flask,
        *,
        settings: Settings,
        state: State,
        authenticator: Authenticator,
        ids: IdGenerator,
        call_soon: Callable[[Callable[[], None]], None],
    ) -> None:
        self._require_auth = settings.values["require_auth"]
        self._state = state
        self._authenticator = authenticator
        self._ids = ids
        self._call_soon = call_soon
        self._connections: dict[Session, Connection] = {}
        self.engine = EngineIOServer(
            clock=state.clock.base,  # a flood is one by the machine's clock: the mock's may stand still
            max_message_size=settings.values["max_request_size"],
            on_message=self._handle_message,
            on_close=self._leave,
        )
        self._io, self._handlers = _create_socketio(app, self.engine)
        self._unsubscribe = (state.subscribe(self._publish), state.logins.on_end(self._disconnect_login))

    def __len__(self) -> int:
        return len(self._connections)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request for `/socket.io/` (PEP 3333).

        Raises:
            HTTPError: it cannot be served.
        """
        return self.engine(environ, start_response)

    def disconnect_all(self) -> None:
        """Disconnect every client; for shutting down."""
        for session in list(self._connections):
            self._disconnect(session)
        self.engine.close()

    def close(self) -> None:
        """Send no events any more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self.engine.close()

    def _handle_message(self, session: Session, message: str | bytes) -> None:
        connection = self._connections.get(session)
        if isinstance(message, bytes):
            self._handle_attachment(session, connection)
            return
        try:
            packet = parse_packet(message)
            if packet.type == CONNECT and connection is None:
                self._connect(session, packet)
            elif connection is None:
                raise HTTPError(400, "There has been no Socket.IO handshake")
            else:
                connection.attachments = packet.attachments
                self._handle_packet(session, packet)
        except MalformedPacketError as error:
            if connection is None:
                raise HTTPError(400, "Malformed Socket.IO packet", hint=str(error)) from None
            status = 413 if error.too_large else 400
            http_error = HTTPError(status, "Malformed packet", hint=str(error))
            self._send_error(session, error.packet, http_error)

    def _handle_attachment(self, session: Session, connection: Connection | None) -> None:
        """Drop an attachment: the packet that it belongs to has been handled."""
        if connection is None:
            raise HTTPError(400, "There has been no Socket.IO handshake")
        if connection.attachments:
            connection.attachments -= 1
        else:
            self._send_error(session, None, HTTPError(400, "Unexpected attachment"))

    def _handle_packet(self, session: Session, packet: Packet) -> None:
        """Handle a packet of a connected client: there is none that it may send, except for leaving."""
        if packet.namespace != _NAMESPACE:
            if packet.type == CONNECT:
                self._refuse(session, packet.namespace, "Invalid namespace", _unknown_namespace(packet))
            else:
                self._send_error(session, packet, _unknown_namespace(packet))
        elif packet.type == DISCONNECT:
            self._leave(session)
        elif packet.type == CONNECT:
            self._send_error(session, packet, HTTPError(400, "Connected already"))
        elif packet.is_event:
            self._reject_event(session, packet)
        else:
            hint = "The server asks for no acknowledgement."
            self._send_error(session, None, HTTPError(400, "Unexpected packet", hint=hint))

    def _reject_event(self, session: Session, packet: Packet) -> None:
        """Send an error for an event: the server accepts none."""
        name = packet.parse_event_name()[:_MAX_SHOWN_NAME]
        hint = "The server sends events and takes none."
        self._send_error(session, packet, HTTPError(404, f"Unknown event {name!r}", hint=hint))

    def _connect(self, session: Session, packet: Packet) -> None:
        """Connect a client whose credentials are valid. Whatever goes wrong refuses it: an error never admits."""
        if packet.namespace != _NAMESPACE:
            self._refuse(session, packet.namespace, "Invalid namespace", _unknown_namespace(packet))
            return
        try:
            with self._state:  # a login that another thread ends now is seen here, or finds the connection
                self._connections[session] = self._authenticate(packet)
        except HTTPError as error:
            self._refuse(session, _NAMESPACE, "Unauthorized", error)
        except Exception:
            logger.exception("A Socket.IO handshake failed")
            self._refuse(session, _NAMESPACE, "Unauthorized", HTTPError(500, "Internal server error"))
        else:
            self._join(session)

    def _join(self, session: Session) -> None:
        """Let python-socketio accept a client, and put it into its rooms."""
        session.joined = True
        self._handlers["connect"](session.sid, {})
        self._handlers["message"](session.sid, str(CONNECT))
        for room in self._connections[session].list_rooms():
            self._io.server.enter_room(self._get_sid(session), room)

    def _authenticate(self, packet: Packet) -> Connection:
        """Return whose credentials a handshake has; refuse wrong ones, and missing ones where they are required."""
        try:
            auth = packet.parse_data()
        except MalformedPacketError as error:
            raise validation_error({"auth": [str(error)]}) from None
        credentials = {} if auth is None else auth
        if not isinstance(credentials, dict):
            raise validation_error({"auth": ["Must be an object with `token`, or with `apiKey` and `userId`."]})
        token, key, user_id = (credentials.get(name) for name in ("token", "apiKey", "userId"))
        identity = self._authenticator.verify_token(_require_text(token)) if token is not None else None
        chat_user = self._authenticate_chat_user(key, user_id) if key is not None or user_id is not None else None
        if identity is None and chat_user is None and self._require_auth:
            raise unauthenticated("Authentication required", hint="Send `auth: {token}` or `auth: {apiKey, userId}`.")
        return Connection(identity, chat_user)

    def _authenticate_chat_user(self, key: Any, user_id: Any) -> str:
        if not self._authenticator.knows_key(_require_text(key)):
            raise unauthenticated("Invalid API key")
        name = _require_text(user_id).strip()
        if not name or len(name) > headers.MAX_VALUE_LENGTH:
            raise unauthenticated("userId required", hint="Send `auth: {apiKey, userId}`.")
        return name

    def _refuse(self, session: Session, namespace: str, message: str, error: HTTPError) -> None:
        """Refuse a handshake: browsers' clients make an `Error` of the message, with the body as its `data`."""
        prefix = "" if namespace == _NAMESPACE else f"{namespace},"
        session.send(f"44{prefix}" + _dump({"message": message, "data": self._build_error_body(error)}))

    def _leave(self, session: Session) -> None:
        """Forget a client; its session ends with the next ping unless it connects again."""
        session.joined = False
        if self._connections.pop(session, None) is not None:
            self._handlers["disconnect"](session.sid, self._io.server.reason.CLIENT_DISCONNECT)

    def _get_sid(self, session: Session) -> str:
        """Return the Socket.IO id of a connected client."""
        sid: str = self._io.server.manager.sid_from_eio_sid(session.sid, _NAMESPACE)
        return sid

    def _send_error(self, session: Session, packet: Packet | None, error: HTTPError) -> None:
        """Send an error: as an acknowledgement if the packet asks for one, else as an `error` event."""
        body = self._build_error_body(error)
        if packet is not None and packet.is_event and packet.id is not None:
            prefix = "" if packet.namespace == _NAMESPACE else f"{packet.namespace},"
            session.send(f"4{ACK}{prefix}{packet.id}" + _dump([body]))
        else:
            session.send(f"4{EVENT}" + _dump(["error", body]))

    def _publish(self, event: Event[Any], payload: Any, user_id: str | None) -> None:
        if not self._connections:
            return
        data = event.payload.dump(payload)
        self._call_soon(lambda: self._emit(event, data, payload, user_id))

    def _emit(self, event: Event[Any], data: dict[str, Any], payload: Any, user_id: str | None) -> None:
        if event is users.UPDATED:
            self._update_admin_room(payload.user)
        self._io.emit(event.name, data, to=_select_rooms(event, user_id))

    def _update_admin_room(self, user: User) -> None:
        """The clients of a user who has become an administrator enter the administrators' room, or leave it."""
        for session, connection in self._connections.items():
            if connection.identity is not None and connection.identity.user.id == user.id:
                connection.identity = Identity(user, connection.identity.login_id)
                move = self._io.server.enter_room if user.role == "admin" else self._io.server.leave_room
                move(self._get_sid(session), _ADMINS)

    def _disconnect_login(self, login_id: str) -> None:
        for session, connection in list(self._connections.items()):  # another thread may have ended the login
            if connection.identity is not None and connection.identity.login_id == login_id:
                self._call_soon(partial(self._disconnect, session))

    def _disconnect(self, session: Session) -> None:
        """Send a disconnect packet, then close the connection, which the client might not do."""
        session.send(f"4{DISCONNECT}")
        session.close()

    def _build_error_body(self, error: HTTPError) -> dict[str, Any]:
        return error.body(timestamp=self._state.clock.now(), request_id=self._ids.request_id(), version=__version__)


def _create_socketio(app: Flask, engine: EngineIOServer) -> tuple[SocketIO, dict[str, Callable[..., Any]]]:
    """Return Flask-SocketIO on an engine, and the functions by which an engine hands over what clients do."""
    wsgi_app = app.wsgi_app
    socketio = SocketIO(app, async_mode="threading", manage_session=False, async_handlers=False)
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask-SocketIO would pass requests to its own engine
    handlers = socketio.server.eio.handlers
    socketio.server.eio = engine
    return socketio, handlers


def _select_rooms(event: Event[Any], user_id: str | None) -> str | list[str] | None:
    """Return the rooms that an event is sent to; None for every client."""
    if event.audience is Audience.PLATFORM:
        return None
    if event.audience is Audience.USER:
        return f"{CHAT_USER}{user_id}"
    if user_id is not None and user_id.startswith(CHAT_USER):
        return user_id
    return [_ADMINS, f"{_PLATFORM_USER}{user_id}"]


def _unknown_namespace(packet: Packet) -> HTTPError:
    return HTTPError(404, f"Unknown namespace {packet.namespace[:_MAX_SHOWN_NAME]!r}", hint="The only one is `/`.")


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _require_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise unauthenticated("Invalid credentials", hint="They must be text, and not blank.")
    return value
