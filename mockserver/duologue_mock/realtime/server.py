"""The Socket.IO server: who may connect, which rooms an event is sent to, and what is refused."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO
from socketio.packet import ACK, BINARY_EVENT, EVENT, Packet

from duologue._version import __version__
from duologue.contract import headers, users
from duologue.contract.core import Audience, Event
from duologue.contract.users import User
from duologue_mock.errors import HTTPError, unauthenticated, validation_error
from duologue_mock.http.authentication import Authenticator
from duologue_mock.notifications import CHAT_USER
from duologue_mock.realtime.packets import PacketRate, PendingAttachments, parse_event_name, split_payload
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.tokens import Identity

logger = logging.getLogger("duologue_mock")

_MAX_PACKET_RATIO = 5
"""How many times larger than the largest request body a packet may be."""

_ADMINS = "admins"
_PLATFORM_USER = "platform:"


@dataclass(slots=True)
class Connection:
    """A connected client, and whose credentials it has sent."""

    identity: Identity | None
    chat_user: str | None


class SocketIOServer:
    """The Socket.IO server of one mock.

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
        self._max_packet_size = _MAX_PACKET_RATIO * settings.values["max_request_size"]
        self._state = state
        self._authenticator = authenticator
        self._ids = ids
        self._call_soon = call_soon
        self._connections: dict[str, Connection] = {}
        self._rate = PacketRate(state.clock)
        self._attachments = PendingAttachments()
        # The origin policy of the HTTP server decides about origins; `[]` keeps the engine from deciding again.
        self._io = SocketIO(
            app,
            async_mode="gevent",
            cors_allowed_origins=[],
            manage_session=False,
            max_http_buffer_size=self._max_packet_size,
            async_handlers=False,
        )
        self._io.on_event("connect", self._on_connect)
        self._io.on_event("disconnect", self._on_disconnect)
        self._io.default_exception_handler = self._handle_exception
        engine = self._io.server.eio
        self._dispatch_packet = engine.handlers["message"]
        engine.on("message", self._handle_packet)
        self._unsubscribe = (state.subscribe(self._publish), state.logins.on_end(self._disconnect_login))

    def __len__(self) -> int:
        return len(self._connections)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve a request for `/socket.io/` (PEP 3333)."""
        if environ["REQUEST_METHOD"] == "POST":
            return self._handle_post(environ, start_response)
        try:
            return self._io.sockio_mw(environ, start_response)
        except ValueError:
            self._close_malformed_websocket(environ)
            raise

    def disconnect_all(self) -> None:
        """Disconnect every client; for shutting down."""
        for sid in list(self._connections):
            self._disconnect_soon(sid)

    def close(self) -> None:
        """Send no events any more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def _handle_post(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Pass on what a polling client sends, in chunks that the engine reads.

        The engine would return 200 for a payload that it cannot read, or that has more than sixteen packets, and
        discard it.
        """
        responses: list[tuple[Any, ...]] = []
        for chunk in split_payload(environ["duologue.request"].read_body(self._max_packet_size)):
            responses.clear()
            chunk_environ = {**environ, "wsgi.input": io.BytesIO(chunk), "CONTENT_LENGTH": str(len(chunk))}
            body = self._io.sockio_mw(chunk_environ, lambda *response: responses.append(response))
            if not responses[0][0].startswith("200"):
                break
        start_response(*responses[0])
        return body

    def _close_malformed_websocket(self, environ: dict[str, Any]) -> None:
        """Close a websocket that sent something else than Engine.IO: the engine would keep it until a ping fails."""
        connection, upgraded = environ.get("werkzeug.socket"), parse_qs(environ["QUERY_STRING"]).get("sid", [])
        server = self._io.server
        for transport_id, first_environ in list(server.environ.items()):
            same = connection is not None and first_environ.get("werkzeug.socket") is connection
            if same or transport_id in upgraded:
                server.eio.sockets[transport_id].close(wait=False, abort=True)
        self._io.sleep(0)  # its writer ends before the socket is closed

    def _on_connect(self, auth: Any = None) -> None:
        try:
            connection = self._authenticate(auth)
        except HTTPError as error:
            raise ConnectionRefusedError("Unauthorized", self._build_error_body(error)) from None
        sid = _get_sid()
        self._connections[sid] = connection
        for room in _list_rooms(connection):
            self._io.server.enter_room(sid, room)

    def _on_disconnect(self, *_: Any) -> None:
        self._attachments.retain(self._io.server.eio.sockets)
        self._connections.pop(_get_sid(), None)

    def _authenticate(self, auth: Any) -> Connection:
        """Return whose credentials a handshake has; refuse wrong ones, and missing ones where they are required."""
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

    def _handle_packet(self, transport_id: str, data: Any) -> None:
        """Handle a packet: close the connection if there are too many, send an error if it is malformed.

        Events are handled here, before the engine's dispatcher: there, an event named `connect`, `disconnect` or `*`
        would be more than a name, and one whose attachments never arrive would block the connection.
        """
        if self._rate.exceeds(transport_id):
            self._close_transport(transport_id)
        elif isinstance(data, bytes) and self._attachments.skip(transport_id):
            pass  # its event has been handled
        else:
            try:
                packet = Packet(encoded_packet=data)
                if packet.packet_type in (EVENT, BINARY_EVENT):
                    self._attachments.expect(transport_id, packet)
                    self._reject_event(transport_id, packet)
                else:
                    self._dispatch_packet(transport_id, data)
            except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
                logger.info("Malformed Socket.IO packet: %r", error)
                self._send_error(transport_id, None, HTTPError(400, "Malformed packet", hint="It is not Socket.IO's."))

    def _reject_event(self, transport_id: str, packet: Packet) -> None:
        """Send an error for an event: the server accepts none."""
        name = parse_event_name(packet)[:100]
        error = HTTPError(404, f"Unknown event {name!r}", hint="The server sends events and takes none.")
        self._send_error(transport_id, packet.id, error)

    def _send_error(self, transport_id: str, packet_id: int | None, error: HTTPError) -> None:
        """Send an error: as an acknowledgement if the packet has an id, else as an `error` event."""
        server = self._io.server
        if server.manager.sid_from_eio_sid(transport_id, "/") is None:  # there has been no handshake
            self._close_transport(transport_id)
            return
        body = self._build_error_body(error)
        packet = Packet(EVENT, data=["error", body]) if packet_id is None else Packet(ACK, data=[body], id=packet_id)
        server.eio.send(transport_id, packet.encode())

    def _close_transport(self, transport_id: str) -> None:
        self._io.start_background_task(self._io.server.eio.disconnect, transport_id)

    def _handle_exception(self, error: BaseException) -> dict[str, Any]:
        logger.error("A Socket.IO handler failed", exc_info=error)
        return self._build_error_body(HTTPError(500, "Internal server error"))

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
        for sid, connection in self._connections.items():
            if connection.identity is not None and connection.identity.user.id == user.id:
                connection.identity = Identity(user, connection.identity.login_id)
                move = self._io.server.enter_room if user.role == "admin" else self._io.server.leave_room
                move(sid, _ADMINS)

    def _disconnect_login(self, login_id: str) -> None:
        for sid, connection in list(self._connections.items()):  # another thread may have ended the login
            if connection.identity is not None and connection.identity.login_id == login_id:
                self._call_soon(partial(self._disconnect_soon, sid))

    def _disconnect_soon(self, sid: str) -> None:
        self._io.start_background_task(self._disconnect, sid)

    def _disconnect(self, sid: str) -> None:
        """Send a disconnect packet, then close the connection, which the client might not do."""
        server = self._io.server
        transport_id = server.manager.eio_sid_from_sid(sid, "/")
        server.disconnect(sid)
        if transport_id is not None:
            server.eio.disconnect(transport_id)

    def _build_error_body(self, error: HTTPError) -> dict[str, Any]:
        return error.body(timestamp=self._state.clock.now(), request_id=self._ids.request_id(), version=__version__)


def _get_sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]  # Flask-SocketIO puts it there
    return sid


def _list_rooms(connection: Connection) -> list[str]:
    rooms = []
    if connection.identity is not None:
        rooms.append(_PLATFORM_USER + connection.identity.user.id)
        if connection.identity.user.role == "admin":
            rooms.append(_ADMINS)
    if connection.chat_user is not None:
        rooms.append(CHAT_USER + connection.chat_user)
    return rooms


def _select_rooms(event: Event[Any], user_id: str | None) -> str | list[str] | None:
    """Return the rooms that an event is sent to; None for every client."""
    if event.audience is Audience.PLATFORM:
        return None
    if event.audience is Audience.USER:
        return f"{CHAT_USER}{user_id}"
    if user_id is not None and user_id.startswith(CHAT_USER):
        return user_id
    return [_ADMINS, f"{_PLATFORM_USER}{user_id}"]


def _require_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise unauthenticated("Invalid credentials", hint="They must be text, and not blank.")
    return value
