"""Websockets (RFC 6455): the handshake, and messages that are bounded while they arrive.

wsproto reads and writes the frames. Compression is not negotiated: a message of some kilobytes could unpack to hundreds
of megabytes.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from collections.abc import Iterable
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, generate_accept_token

from duologue_mock.errors import HTTPError
from duologue_mock.realtime.outgoing_packet import OutgoingPacket
from duologue_mock.realtime.packets import PacketRate

_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes in base64
_READ_SIZE = 1024
"""Bytes that are read at a time, then other connections have their turn: frames of a few bytes take time to parse."""
_MIN_PART_SIZE = 64
"""Bytes that a fragment counts for at least, so that empty ones are bounded too."""


def accept_handshake(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the headers of the response that accepts a websocket's handshake (RFC 6455, section 4.2).

    Raises:
        HTTPError: it is not a handshake (400), or one of another version of the protocol (426).
    """
    tokens = [token.strip().lower() for token in environ.get("HTTP_CONNECTION", "").split(",")]
    if "upgrade" not in tokens or environ.get("HTTP_UPGRADE", "").strip().lower() != "websocket":
        raise _malformed_handshake("Send `Connection: Upgrade` and `Upgrade: websocket`.")
    if environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        raise _malformed_handshake("A websocket needs HTTP/1.1.")
    if environ.get("CONTENT_LENGTH", "0").strip("0") or "HTTP_TRANSFER_ENCODING" in environ:
        raise _malformed_handshake("It has no body.")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION", "").strip() != "13":
        hint = "Send `Sec-WebSocket-Version: 13`."
        versions = [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket"), ("Connection", "Upgrade, close")]
        raise HTTPError(426, "Another version of the websocket protocol is required", hint=hint, headers=versions)
    key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()
    if not _KEY.fullmatch(key):
        raise _malformed_handshake("`Sec-WebSocket-Key` must be 16 bytes in base64.")
    accept = generate_accept_token(key.encode("ascii")).decode("ascii")
    return [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)]


class WebSocket:
    """A websocket whose handshake is done: one greenlet receives, another may send.

    Args:
        stream: the connection's buffered stream; it may have read more than the handshake.
        sock: the connection's socket.
        max_message_size: the most bytes of one message.
        rate: counts pings.
        last_message: sent before a Close frame: some clients of Engine.IO notice no other end while they are sending.
    """

    def __init__(self, stream: Any, sock: Any, *, max_message_size: int, rate: PacketRate, last_message: str) -> None:
        self._stream = stream
        self._socket = sock
        self._max_message_size = max_message_size
        self._rate = rate
        self._last_message = last_message
        self._protocol = Connection(ConnectionType.SERVER)
        self._sending = BoundedSemaphore(1)  # a frame must not begin within another
        self._parts: list[Any] = []
        self._size = 0
        self._ended = False
        self._is_reset = False

    def receive(self) -> str | bytes | None:
        """Return the next message; None once the websocket is closed, by whichever side."""
        return None if self._ended else self._receive()

    def send(self, packets: Iterable[OutgoingPacket]) -> None:
        """Send packets, each as a text message.

        Raises:
            OSError: the connection is closed.
        """
        with self._sending:
            if self._is_reset or self._protocol.state is not ConnectionState.OPEN:
                raise ConnectionAbortedError("The websocket is closed.")
            self._send_bytes(b"".join([packet.encode(self._protocol) for packet in packets]))

    def close(self, code: int = CloseReason.NORMAL_CLOSURE, reason: str = "") -> None:
        """Send a Close frame, unless one has been sent; `receive` goes on until the peer's arrives."""
        if self._is_reset:
            return
        if self._protocol.state is ConnectionState.OPEN:
            self._send(Message(data=self._last_message))
        self._send(CloseConnection(code=code, reason=reason))

    def drain(self) -> None:
        """Read what the peer still sends after the connection has failed: a reset could overtake the Close frame."""
        while self._protocol.state is ConnectionState.LOCAL_CLOSING and self._read(65536):
            pass

    def abort(self) -> None:
        """Reset the connection: whatever waits for the peer goes on, and a peer that is sending notices."""
        with contextlib.suppress(OSError):
            reset_when_closed(self._socket)
            self._socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Send nothing more, and reset the connection as soon as whatever receives has gone on."""
        self._is_reset = True
        with contextlib.suppress(OSError):
            reset_when_closed(self._socket)
            self._socket.shutdown(socket.SHUT_RD)  # the other direction would end in order before the reset

    def fail(self, code: int, reason: str) -> None:
        """Close the websocket and receive nothing more (RFC 6455, section 7.1.7)."""
        self._ended = True
        self._parts.clear()
        self.close(code, reason)

    def _receive(self) -> str | bytes | None:
        while True:
            for event in self._protocol.events():
                message = self._handle_event(event)
                if message is not None or self._ended:
                    return message
            data = self._read()
            if not data:
                self._ended = True
                return None
            self._protocol.receive_data(data)

    def _handle_event(self, event: Event) -> str | bytes | None:
        """Handle a frame, or a piece of one, and return the message that it completes."""
        if isinstance(event, TextMessage | BytesMessage):
            return self._add_part(event)
        if isinstance(event, Ping):
            self._respond_to_ping(event)
        elif isinstance(event, CloseConnection):  # the peer's, or wsproto's for frames that break the protocol
            self._ended = True
            self.close(event.code, event.reason or "")
        return None

    def _add_part(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        data = event.data
        size = len(data.encode()) if isinstance(data, str) and not data.isascii() else len(data)
        self._size += max(size, _MIN_PART_SIZE)
        if self._size > max(self._max_message_size, _MIN_PART_SIZE):
            self.fail(CloseReason.MESSAGE_TOO_BIG, f"A message may have at most {self._max_message_size} bytes.")
            return None
        self._parts.append(data)
        if not event.message_finished:
            return None
        parts, self._parts, self._size = self._parts, [], 0
        message: str | bytes = parts[0] if len(parts) == 1 else parts[0][:0].join(parts)
        return message

    def _respond_to_ping(self, ping: Ping) -> None:
        if self._rate.exceeds():
            self.fail(CloseReason.POLICY_VIOLATION, "Too many pings")
        else:
            self._send(ping.response())

    def _send(self, event: Event) -> None:
        """Send a frame where the websocket's state allows it; `_read` notices that the connection is closed."""
        with self._sending, contextlib.suppress(LocalProtocolError, OSError):
            self._socket.sendall(self._protocol.send(event))

    def _send_bytes(self, data: bytes) -> None:
        sent = self._socket.send(data)
        if sent < len(data):  # only then: gevent's `sendall` costs a system call more, to know the buffer's size
            self._socket.sendall(memoryview(data)[sent:])

    def _read(self, size: int = _READ_SIZE) -> bytes:
        """Read what has arrived, at least a byte; nothing once the connection is closed."""
        try:
            data: bytes = self._stream.read1(size)
        except (OSError, ValueError):
            return b""
        gevent.sleep(0)  # a peer that always has more must not keep other connections waiting
        return data


def reset_when_closed(sock: Any) -> None:
    """Have a TCP connection reset when its socket is closed, in place of ending in order.

    Raises:
        OSError: it is closed already.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _malformed_handshake(hint: str) -> HTTPError:
    return HTTPError(400, "Not a websocket handshake", hint=hint, headers=[("Connection", "close")])
