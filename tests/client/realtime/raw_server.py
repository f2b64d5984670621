"""A server that speaks websocket and polling by hand, and so can send whatever a broken or hostile one might."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Act = Callable[[socket.socket, bytes], None]
"""Serves one request, given the connection and the request's head; the connection is closed afterwards."""

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PING_INTERVAL = 25_000


def open_packet(**changes: object) -> str:
    """Return Engine.IO's first packet."""
    handshake = {"sid": "s", "upgrades": [], "pingInterval": PING_INTERVAL, "pingTimeout": 20_000, **changes}
    return "0" + json.dumps(handshake)


def frame(payload: str | bytes, opcode: int = 1) -> bytes:
    """Return a websocket frame, as a server sends it."""
    data = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload
    if len(data) < 126:
        return bytes([0x80 | opcode, len(data)]) + data
    if len(data) < 65_536:
        return bytes([0x80 | opcode, 126]) + len(data).to_bytes(2, "big") + data
    return bytes([0x80 | opcode, 127]) + len(data).to_bytes(8, "big") + data


def upgrade(request: bytes) -> bytes:
    """Return the head of a response that accepts a websocket."""
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
    accept = base64.b64encode(hashlib.sha1((key[1] if key else b"") + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )


def respond(body: str | bytes, status: int = 200, headers: str = "") -> bytes:
    """Return a whole HTTP response."""
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n{headers}\r\n".encode() + data


def send(data: bytes) -> Act:
    """Send bytes and close the connection."""
    return lambda connection, _: connection.sendall(data)


def speak(*frames: bytes, hold: bool = False) -> Act:
    """Accept a websocket and send frames; then close the connection, or hold it until the client closes it."""

    def act(connection: socket.socket, request: bytes) -> None:
        connection.sendall(upgrade(request) + b"".join(frames))
        if hold:
            wait_for_end(connection)

    return act


def drip(data: bytes, *, after: bytes = b"", websocket: bool = False) -> Act:
    """Send a byte every now and then, without end."""

    def act(connection: socket.socket, request: bytes) -> None:
        connection.sendall((upgrade(request) if websocket else b"") + after)
        for number in itertools.cycle(data):
            connection.sendall(bytes([number]))
            threading.Event().wait(0.02)

    return act


def poll(*bodies: str | bytes, post: bytes = respond("ok"), hold: bool = False) -> Act:
    """Answer one poll after the other; a body of bytes is a whole response. Then as `speak`."""
    left = list(bodies)

    def act(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"POST"):
            connection.sendall(post)
        elif left:
            body = left.pop(0)
            connection.sendall(body if isinstance(body, bytes) else respond(body))
        elif hold:
            wait_for_end(connection)

    return act


def wait_for_end(connection: socket.socket) -> None:
    """Read until the other side closes the connection."""
    with suppress(OSError):
        while connection.recv(65_536):
            pass


class RawServer:
    """Accepts connections, and serves one request on each.

    Attributes:
        url: its URL.
        connections: how many were accepted.
    """

    def __init__(self, act: Act) -> None:
        self._act = act
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        self.ended = threading.Event()
        self._threads[0].start()

    def close(self) -> None:
        """Close everything, and wait for the threads."""
        for one in (self._socket, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                data = connection.recv(65_536)
                if not data:
                    return
                request += data
            self._act(connection, request)


@contextmanager
def serve(act: Act) -> Iterator[RawServer]:
    """Run a server for the time of a block."""
    server = RawServer(act)
    try:
        yield server
    finally:
        server.close()
