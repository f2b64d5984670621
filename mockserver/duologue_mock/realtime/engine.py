"""Engine.IO, protocol 4: sessions over polling and websockets. Nothing that a peer does outlasts it or grows unbounded.

Every way out of a request on a session either leaves it as it was or closes it: what is malformed closes it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import secrets
import socket
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import gevent
from wsproto.frame_protocol import CloseReason

from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import CONNECTION_KEY, parse_query_string
from duologue_mock.http.wsgi import REQUEST_KEY
from duologue_mock.realtime.outgoing_packet import OutgoingPacket
from duologue_mock.realtime.packets import (
    SEPARATOR,
    PacketRate,
    malformed_payload,
    split_payload,
    too_many_packets,
)
from duologue_mock.realtime.session import CLOSE, NOOP, PING, PING_INTERVAL, PING_TIMEOUT, Session
from duologue_mock.realtime.websocket import WebSocket, accept_handshake, reset_when_closed
from duologue_mock.store.clock import Clock

MAX_IDLE_SESSIONS = 1000
"""The most sessions that no connection is open for; a polling client's is idle between two requests."""
UPGRADE_TIMEOUT = 10.0
"""Seconds that the websocket which is to replace polling has to prove itself."""

_POLL_CHECK_INTERVAL = 1.0
"""Seconds between two looks whether a polling client still waits for the response."""
_ALLOW = "GET, OPTIONS, POST"
_OPEN, _PONG, _MESSAGE, _UPGRADE = "0", "3", "4", "5"
_PROBE = "probe"
_QUERY = frozenset({"transport", "sid", "EIO", "j"})


class EngineIOServer:
    """The Engine.IO server of one mock.

    Args:
        clock: the time, for counting packets.
        max_message_size: the most bytes of a polling body or a websocket's message.
        on_open: called with each session that is opened, and the request that opens it.
        on_message: called with a session and each message of its client, text or bytes; raises `HTTPError` for what
            closes the session.
        on_close: called with each session that is closed.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        max_message_size: int,
        on_open: Callable[[Session, dict[str, Any]], None],
        on_message: Callable[[Session, str | bytes], None],
        on_close: Callable[[Session], None],
    ) -> None:
        self._clock = clock
        self._max_message_size = max_message_size
        self._on_open = on_open
        self._on_message = on_message
        self._on_close = on_close
        self._sessions: dict[str, Session] = {}
        self._idle: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def generate_id(self) -> str:
        """Return an id that no one guesses."""
        return secrets.token_urlsafe(15)

    def send(self, sid: str, message: str) -> None:
        """Send a message of Socket.IO to a session, if it has not ended."""
        if (session := self._sessions.get(sid)) is not None:
            session.send(OutgoingPacket(_MESSAGE + message))

    def get(self, sid: str) -> Session | None:
        """Return a session, or None if it has ended."""
        return self._sessions.get(sid)

    @property
    def sessions(self) -> list[Session]:
        """The sessions that have not ended."""
        return list(self._sessions.values())

    def close(self) -> None:
        """Close every session."""
        for session in self.sessions:
            session.close()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request (PEP 3333).

        Raises:
            HTTPError: it cannot be served.
        """
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            start_response("204 No Content", [("Allow", _ALLOW)])
            return ()
        if method not in ("GET", "POST"):
            raise HTTPError(405, f"{method} is not allowed here", hint=f"Use {_ALLOW}.", headers=[("Allow", _ALLOW)])
        transport, session = self._parse_query(environ["QUERY_STRING"])
        if method == "POST":
            if session is None or transport != "polling":
                raise _bad_request("Only a polling client posts, with the `sid` of its session.")
            return self._receive_payload(session, environ, start_response)
        if transport == "websocket":
            return self._serve_websocket(session, environ, start_response)
        if session is None:
            session = self._open_session(environ, PacketRate(self._clock), ["websocket"])
            self._mark_idle(session)
            return _send_packets(_take_texts(session), start_response)
        return _send_packets(self._poll(session, environ), start_response)

    def _parse_query(self, query_string: str) -> tuple[str, Session | None]:
        """Return the transport of a request, and its session; None for one that opens a session."""
        query = parse_query_string(query_string, _QUERY)
        transport, sid, version = query.get("transport", ""), query.get("sid"), query.get("EIO")
        if transport not in ("polling", "websocket"):
            raise _bad_request("`transport` must be `polling` or `websocket`.")
        if version != "4" and (sid is None or version is not None):
            raise _bad_request("`EIO` must be 4, the version of the protocol.")
        if "j" in query:
            raise _bad_request("JSONP (`j`) is not served.")
        if sid is None:
            return transport, None
        session = self._sessions.get(sid)
        if session is None:
            raise _bad_request("There is no session with this `sid`; it may have ended.")
        if session.websocket is not None:
            raise _bad_request("The session has a websocket.")
        return transport, session

    def _open_session(self, environ: dict[str, Any], rate: PacketRate, upgrades: list[str]) -> Session:
        session = Session(self.generate_id(), rate, self._remove_session)
        self._sessions[session.sid] = session
        self._on_open(session, environ)
        opening = {
            "sid": session.sid,
            "upgrades": upgrades,
            "pingTimeout": int(PING_TIMEOUT * 1000),
            "pingInterval": int(PING_INTERVAL * 1000),
            "maxPayload": self._max_message_size,
        }
        session.send(OutgoingPacket(_OPEN + json.dumps(opening, separators=(",", ":"))))
        return session

    def _remove_session(self, session: Session) -> None:
        self._sessions.pop(session.sid, None)
        self._idle.pop(session.sid, None)
        self._on_close(session)

    def _mark_idle(self, session: Session) -> None:
        if session.closed or session.websocket is not None:
            return
        self._idle[session.sid] = session
        if len(self._idle) > MAX_IDLE_SESSIONS:
            next(iter(self._idle.values())).close()

    def _receive_payload(
        self, session: Session, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            for packet in split_payload(environ[REQUEST_KEY].read_body(self._max_message_size)):
                if session.closed:
                    break
                self._receive(session, packet)
                gevent.sleep(0)  # other connections have their turn
        except BaseException:
            session.close()
            raise
        if session.is_reset:
            reset_connection(environ)
        start_response("200 OK", [("Content-Type", "text/plain; charset=UTF-8"), ("Content-Length", "2")])
        return (b"OK",)

    def _receive(self, session: Session, packet: str | bytes) -> None:
        """Handle a packet of a client; a binary one is a message.

        Raises:
            HTTPError: a client may not send it, or has sent too many.
        """
        if session.rate.exceeds():
            raise too_many_packets()
        if isinstance(packet, bytes):
            self._on_message(session, packet)
        elif packet.startswith(_MESSAGE):
            self._on_message(session, packet[1:])
        elif packet.startswith(_PONG):
            session.receive_pong()
        elif packet == CLOSE:
            session.close()
        else:
            raise malformed_payload(f"A client may send {CLOSE}, {_PONG} and {_MESSAGE}, not {packet[:1]!r}.")

    def _poll(self, session: Session, environ: dict[str, Any]) -> list[str]:
        """Return the session's packets, after waiting for at least one."""
        if session.is_polling:
            session.close()
            raise _bad_request("Another request is waiting for the packets of the session.")
        session.is_polling = True
        self._idle.pop(session.sid, None)
        try:
            while not (session.probed or session.websocket or session.wait(_POLL_CHECK_INTERVAL)):
                unread = _peek(environ)
                if unread == b"":  # the client has gone away
                    session.close()
                if unread is not None:
                    break
        finally:
            session.is_polling = False
            self._mark_idle(session)
        if session.is_reset:
            reset_connection(environ)
        if session.probed or session.websocket is not None:
            return [NOOP]
        packets = _take_texts(session)
        if session.closed:
            packets.append(CLOSE)
        return packets or [NOOP]

    def _serve_websocket(
        self, session: Session | None, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if session is None:
            rate = PacketRate(self._clock)
            websocket = self._accept_websocket(rate, environ, start_response)
            session = self._open_session(environ, rate, [])
            session.websocket = websocket
        elif session.upgrading:
            raise _bad_request("Another websocket is about to replace polling.")
        else:
            session.upgrading = True
            try:
                websocket = self._accept_websocket(session.rate, environ, start_response)
                upgraded = self._upgrade(session, websocket)
            finally:
                session.upgrading = session.probed = False
            if not upgraded:
                return ()
        self._exchange_packets(session, websocket)
        return ()

    def _accept_websocket(
        self, rate: PacketRate, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> WebSocket:
        headers = accept_handshake(environ)
        if CONNECTION_KEY not in environ:
            raise _bad_request("This server does not speak websocket.")
        start_response("101 Switching Protocols", headers)(b"")
        stream, sock = environ[CONNECTION_KEY]
        return WebSocket(stream, sock, max_message_size=self._max_message_size, rate=rate, last_message=CLOSE)

    def _upgrade(self, session: Session, websocket: WebSocket) -> bool:
        """Replace polling by a websocket that has proved to work; return whether it has."""
        guard = gevent.spawn_later(UPGRADE_TIMEOUT, websocket.abort)
        try:
            packet = websocket.receive()
            if packet == PING + _PROBE:
                session.probed = True
                session.wake()  # a waiting request ends
                websocket.send([OutgoingPacket(_PONG + _PROBE)])
                packet = websocket.receive()
                if packet == _UPGRADE and not session.closed:
                    session.websocket = websocket
                    self._idle.pop(session.sid, None)
                    return True
            if packet is not None:  # otherwise only the websocket did not work, and the client may go on polling
                session.close()
                websocket.fail(CloseReason.PROTOCOL_ERROR, "Not the packets of an upgrade")
            websocket.drain()
        except OSError:
            pass
        finally:
            guard.kill(block=False)
        return False

    def _exchange_packets(self, session: Session, websocket: WebSocket) -> None:
        writer = gevent.spawn(_write_packets, session, websocket)
        try:
            while (packet := websocket.receive()) is not None:
                if not session.closed:
                    self._receive(session, packet)
        except HTTPError as error:
            code = CloseReason.POLICY_VIOLATION if error.status == 429 else CloseReason.PROTOCOL_ERROR
            session.close()
            websocket.fail(code, error.message)
        finally:
            session.close()  # from here on it takes no more than `CLOSE_TIMEOUT`
            try:
                writer.join()
                websocket.drain()
            finally:
                writer.kill(block=False)
                session.cancel_timer()


def _write_packets(session: Session, websocket: WebSocket) -> None:
    """Send a session's packets through its websocket until the session ends, then close it."""
    with contextlib.suppress(OSError):
        while True:
            session.wait()
            if packets := session.take_packets():
                websocket.send(packets)
            elif session.closed:
                websocket.close()
                break


def reset_connection(environ: dict[str, Any]) -> NoReturn:
    """Reset the connection that a request came over; there is no response.

    Raises:
        ConnectionResetError: always; the server closes the connection.
    """
    if CONNECTION_KEY in environ:
        _, sock = environ[CONNECTION_KEY]
        reset_when_closed(sock)
    raise ConnectionResetError(errno.ECONNRESET, "The connection is reset on purpose.")


def _peek(environ: dict[str, Any]) -> bytes | None:
    """Return what a client has sent after its request: nothing if it has closed the connection, None if it waits."""
    if CONNECTION_KEY not in environ:
        return None
    _, sock = environ[CONNECTION_KEY]
    sock.settimeout(0)
    try:
        data: bytes = sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    else:
        return data
    finally:
        sock.settimeout(None)


def _take_texts(session: Session) -> list[str]:
    return [packet.text for packet in session.take_packets()]


def _send_packets(packets: list[str], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = SEPARATOR.join(packets).encode()
    headers = [("Content-Type", "text/plain; charset=UTF-8"), ("Cache-Control", "no-store")]
    start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
    return (body,)


def _bad_request(hint: str) -> HTTPError:
    return HTTPError(400, "Not a Socket.IO request that can be served", hint=hint)
