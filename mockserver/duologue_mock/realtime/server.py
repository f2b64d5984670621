"""Socket.IO: who may connect, who hears what, and what a client may not send."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from engineio.packet import Packet as EnginePacket
from engineio.payload import Payload as EnginePayload
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
from duologue_mock.settings import Settings
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.tokens import Identity

logger = logging.getLogger("duologue_mock")

MAX_PACKETS_A_SECOND = 100
"""A client that sends more is disconnected."""
_LARGEST = 5
"""How many times the longest body a packet may have before the connection is cut."""

_SEPARATOR = b"\x1e"  # between the packets of one payload (Engine.IO, protocol 4)
_ADMINS = "admins"
_PLATFORM_USER = "platform:"


@dataclass(slots=True)
class Connection:
    """One connected socket and who is behind it."""

    identity: Identity | None
    chat_user: str | None


class Realtime:
    """The Socket.IO server of one mock.

    Args:
        app: the Flask application it belongs to.
        settings: whether a handshake needs credentials.
        state: whose announcements are sent out.
        callers: checks credentials.
        ids: names the errors.
        in_loop: how to reach the sockets' own thread from another.
        manager: python-socketio's client manager; None for the one that knows this process alone.
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
        manager: Any = None,
    ) -> None:
        self._require_auth = settings.require_auth
        self._largest = _LARGEST * settings.max_request_size
        self._state = state
        self._authenticator = authenticator
        self._ids = ids
        self._call_soon = call_soon
        self._connections: dict[str, Connection] = {}
        # The gate in front decides about origins; `[]` keeps the engine from deciding again.
        self._io = SocketIO(
            app,
            async_mode="gevent",
            cors_allowed_origins=[],
            manage_session=False,
            max_http_buffer_size=self._largest,
            async_handlers=False,
            client_manager=manager,
        )
        self._io.on_event("connect", self._connect)
        self._io.on_event("disconnect", self._disconnect)
        self._io.default_exception_handler = self._failed
        self._second, self._packets = 0, dict[str, int]()
        self._owed: dict[str, int] = {}
        engine = self._io.server.eio
        self._handle_packet = engine.handlers["message"]
        engine.on("message", self._packet)
        state.subscribe(self._announced)
        state.logins.on_end(self._login_ended)

    @property
    def wsgi_app(self) -> Any:
        """The WSGI application that answers `/socket.io/`."""
        return self._serve

    def __len__(self) -> int:
        return len(self._connections)

    def disconnect_all(self) -> None:
        """Disconnect every socket; for shutting down."""
        for sid in list(self._connections):
            self._drop(sid)

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            return self._posted(environ, start_response)
        try:
            return self._io.sockio_mw(environ, start_response)
        except ValueError:
            self._abandon(environ)
            raise

    def _posted(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Hand on what a polling client sends, in portions that the engine takes.

        The engine would answer 200 to a payload that it cannot read, or that has more than sixteen packets, and throw
        it away.
        """
        told: list[tuple[Any, ...]] = []
        for portion in _portions(environ["duologue.request"].read_body(self._largest)):
            told.clear()
            given = {**environ, "wsgi.input": io.BytesIO(portion), "CONTENT_LENGTH": str(len(portion))}
            answer = self._io.sockio_mw(given, lambda *said: told.append(said))
            if not told[0][0].startswith("200"):
                break
        start_response(*told[0])
        return answer

    def _abandon(self, environ: dict[str, Any]) -> None:
        """Forget a websocket on which came what is no Engine.IO: the engine would keep it until its ping times out."""
        wire, upgraded = environ.get("werkzeug.socket"), parse_qs(environ["QUERY_STRING"]).get("sid", [])
        server = self._io.server
        for transport_id, begun in list(server.environ.items()):
            if transport_id in upgraded or (wire is not None and begun.get("werkzeug.socket") is wire):
                server.eio.sockets[transport_id].close(wait=False, abort=True)
        self._io.sleep(0)  # its writer ends before the socket is closed

    def _connect(self, auth: Any = None) -> None:
        try:
            connection = self._admit(auth)
        except HTTPError as refusal:
            raise ConnectionRefusedError("Unauthorized", self._error_body(refusal)) from None
        sid = _sid()
        self._connections[sid] = connection
        for room in _rooms(connection):
            self._io.server.enter_room(sid, room)

    def _admit(self, auth: Any) -> Connection:
        """Return who connects; refuse wrong credentials, and their absence where they are demanded."""
        given = {} if auth is None else auth
        if not isinstance(given, dict):
            raise validation_error({"auth": ["Must be an object with `token`, or with `apiKey` and `userId`."]})
        token, key, user_id = (given.get(name) for name in ("token", "apiKey", "userId"))
        identity = self._authenticator.verify_token(_text(token)) if token is not None else None
        chat_user = self._chat_user(key, user_id) if key is not None or user_id is not None else None
        if identity is None and chat_user is None and self._require_auth:
            raise unauthenticated("Authentication required", hint="Send `auth: {token}` or `auth: {apiKey, userId}`.")
        return Connection(identity, chat_user)

    def _chat_user(self, key: Any, user_id: Any) -> str:
        if not self._authenticator.knows_key(_text(key)):
            raise unauthenticated("Invalid API key")
        name = _text(user_id).strip()
        if not name or len(name) > headers.MAX_VALUE_LENGTH:
            raise unauthenticated("userId required", hint="Send `auth: {apiKey, userId}`.")
        return name

    def _disconnect(self, *_: Any) -> None:
        here = self._io.server.eio.sockets
        self._owed = {transport_id: owed for transport_id, owed in self._owed.items() if transport_id in here and owed}
        self._connections.pop(_sid(), None)

    def _packet(self, transport_id: str, data: Any) -> None:
        """Take one packet: too many cut the connection, one that cannot be read is answered with an error.

        Events are answered here, before the engine's dispatcher sees them: to that, an event named `connect`,
        `disconnect` or `*` would be more than a name, and one whose announced attachments never come would make the
        socket mute.
        """
        if self._floods(transport_id):
            self._cut(transport_id)
        elif isinstance(data, bytes) and self._owed.get(transport_id):
            self._owed[transport_id] -= 1  # an attachment of an event that has been answered
        else:
            try:
                packet = Packet(encoded_packet=data)
                if packet.packet_type in (EVENT, BINARY_EVENT):
                    if packet.attachment_count:
                        self._owed[transport_id] = packet.attachment_count
                    self._refuse_event(transport_id, packet)
                else:
                    self._handle_packet(transport_id, data)
            except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
                logger.info("a Socket.IO packet could not be read: %r", error)
                self._answer(transport_id, None, HTTPError(400, "Malformed packet", hint="It is not Socket.IO's."))

    def _refuse_event(self, transport_id: str, packet: Packet) -> None:
        """Answer an event, by its acknowledgement if it asks for one: the server takes none."""
        data = packet.data
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise ValueError("an event needs a name")
        refusal = HTTPError(404, f"Unknown event {data[0][:100]!r}", hint="The server sends events and takes none.")
        self._answer(transport_id, packet.id, refusal)

    def _answer(self, transport_id: str, packet_id: int | None, refusal: HTTPError) -> None:
        """Send an error as an acknowledgement, or else as an `error` event, to a client that has connected."""
        server = self._io.server
        if server.manager.sid_from_eio_sid(transport_id, "/") is None:
            self._cut(transport_id)
            return
        body = self._error_body(refusal)
        answer = Packet(EVENT, data=["error", body]) if packet_id is None else Packet(ACK, data=[body], id=packet_id)
        server.eio.send(transport_id, answer.encode())

    def _cut(self, transport_id: str) -> None:
        self._io.start_background_task(self._io.server.eio.disconnect, transport_id)

    def _floods(self, transport_id: str) -> bool:
        second = int(self._state.clock.seconds())
        if second != self._second:
            self._second = second
            self._packets.clear()
        sent = self._packets[transport_id] = self._packets.get(transport_id, 0) + 1
        return sent > MAX_PACKETS_A_SECOND

    def _failed(self, error: BaseException) -> dict[str, Any]:
        logger.error("a Socket.IO handler failed", exc_info=error)
        return self._error_body(HTTPError(500, "Internal server error"))

    def _announced(self, event: Event[Any], payload: Any, user_id: str | None) -> None:
        if not self._connections:
            return
        wire = event.payload.dump(payload)
        self._call_soon(lambda: self._tell(event, wire, payload, user_id))

    def _tell(self, event: Event[Any], wire: dict[str, Any], payload: Any, user_id: str | None) -> None:
        if event is users.UPDATED:
            self._follow_role(payload.user)
        self._io.emit(event.name, wire, to=_audience(event, user_id))

    def _follow_role(self, user: User) -> None:
        """A promoted user's sockets join the administrators, a demoted one's leave them."""
        for sid, connection in self._connections.items():
            if connection.identity is not None and connection.identity.user.id == user.id:
                connection.identity = Identity(user, connection.identity.login_id)
                move = self._io.server.enter_room if user.role == "admin" else self._io.server.leave_room
                move(sid, _ADMINS)

    def _login_ended(self, login_id: str) -> None:
        if not self._connections:
            return
        ended = [
            sid
            for sid, one in list(self._connections.items())  # it may be another thread that logs somebody out
            if one.identity is not None and one.identity.login_id == login_id
        ]
        for sid in ended:
            self._call_soon(partial(self._drop, sid))

    def _drop(self, sid: str) -> None:
        self._io.start_background_task(self._disconnect_now, sid)

    def _disconnect_now(self, sid: str) -> None:
        """Tell the client that it is disconnected, then cut the connection: a rude one would go on."""
        server = self._io.server
        transport_id = server.manager.eio_sid_from_sid(sid, "/")
        server.disconnect(sid)
        if transport_id is not None:
            server.eio.disconnect(transport_id)

    def _error_body(self, refusal: HTTPError) -> dict[str, Any]:
        return refusal.body(timestamp=self._state.clock.now(), request_id=self._ids.request_id(), version=__version__)


def _portions(payload: bytes) -> list[bytes]:
    """The payload of one request, cut into what the engine takes at a time; refuse one that is no Engine.IO."""
    if payload.startswith(b"d="):  # JSONP, which a form wraps; it has few packets
        return [payload]
    packets = payload.split(_SEPARATOR)
    try:
        for packet in packets:
            EnginePacket(encoded_packet=packet.decode())
    except ValueError as error:
        raise HTTPError(400, "MalformedBodyError Engine.IO payload", hint=str(error)[:200]) from None
    most = EnginePayload.max_decode_packets
    return [_SEPARATOR.join(packets[start : start + most]) for start in range(0, len(packets), most)]


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]  # Flask-SocketIO puts it there
    return sid


def _rooms(connection: Connection) -> list[str]:
    rooms = []
    if connection.identity is not None:
        rooms.append(_PLATFORM_USER + connection.identity.user.id)
        if connection.identity.user.role == "admin":
            rooms.append(_ADMINS)
    if connection.chat_user is not None:
        rooms.append(CHAT_USER + connection.chat_user)
    return rooms


def _audience(event: Event[Any], user_id: str | None) -> str | list[str] | None:
    """The rooms an event goes to; None is everyone."""
    if event.audience is Audience.PLATFORM:
        return None
    if event.audience is Audience.USER:
        return f"{CHAT_USER}{user_id}"
    if user_id is not None and user_id.startswith(CHAT_USER):
        return user_id
    return [_ADMINS, f"{_PLATFORM_USER}{user_id}"]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise unauthenticated("Invalid credentials", hint="They must be text, and not blank.")
    return value
