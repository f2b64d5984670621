"""Clients that send whatever a test wants: over polling, and as frames of a websocket."""

from __future__ import annotations

import gc
import json
import os
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import psutil

from duologue.contract.error_body import ErrorBodySchema
from duologue_mock import MockServer
from tests.mockserver.raw import Peer, RawResponse, ask, head, peer
from tests.waiting import eventually

QUERY = "EIO=4&transport="
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Polling:
    """A session over polling.

    Args:
        port: the server's port.
        join: whether to connect to Socket.IO.
    """

    def __init__(self, port: int, *, join: bool = True) -> None:
        self._port = port
        self._path = f"/socket.io/?{QUERY}polling"
        opened = self.read()
        assert opened.status == 200
        self.sid: str = json.loads(opened.body[1:])["sid"]
        self._path += f"&sid={self.sid}"
        if join:
            assert self.post(b"40").status == 200
            assert self.read().body.startswith(b"40{")

    def read(self) -> RawResponse:
        """Wait for packets."""
        return ask(self._port, f"GET {self._path} HTTP/1.1")

    def post(self, body: bytes) -> RawResponse:
        """Send a body."""
        return ask(self._port, f"POST {self._path} HTTP/1.1", f"Content-Length: {len(body)}", body=body)

    @contextmanager
    def wait_for_packets(self) -> Iterator[Peer]:
        """Send a request for packets, over a connection of its own."""
        with peer(self._port) as one:
            one.send(head(f"GET {self._path} HTTP/1.1"))
            yield one


class FrameClient:
    """A websocket, frame by frame (RFC 6455, section 5).

    Args:
        port: the server's port.
        sid: the session whose polling it replaces; None opens a session.
        headers: more headers of the handshake.
        join: whether to connect to Socket.IO.
    """

    def __init__(self, port: int, *headers: str, sid: str | None = None, join: bool = True) -> None:
        self.peer = Peer(port)
        query = QUERY + "websocket" + (f"&sid={sid}" if sid else "")
        lines = [f"{name}: {value}" for name, value in HANDSHAKE.items()]
        self.peer.send(head(f"GET /socket.io/?{query} HTTP/1.1", *lines, *headers))
        self.response = self.peer.read_response()
        assert self.response.status == 101
        if sid is None:
            assert self.read_text().startswith("0{")
            if join:
                self.send(TEXT, b"40")
                assert self.read_text().startswith("40{")

    def send(self, opcode: int, payload: bytes = b"", **bits: bool) -> bool:
        """Send a frame, and return whether the server took all of it."""
        return self.peer.try_send(build_frame(opcode, payload, **bits))

    def read_frame(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and payload; a Close frame without payload where there is only the end."""
        start = self.peer.read_up_to(2)
        if len(start) < 2:
            return CLOSE, b""
        size = start[1]
        if size > 125:
            code = "!H" if size == 126 else "!Q"
            (size,) = struct.unpack(code, self.peer.read_up_to(struct.calcsize(code)))
        return start[0] & 0x0F, self.peer.read_up_to(size)

    def read_text(self) -> str:
        """Return the next text message; empty once the websocket is closed."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == CLOSE:
                return ""
            if opcode == TEXT:
                return payload.decode()

    def read_close_code(self) -> int | None:
        """Return the status code of the Close frame; None if the connection ends without one."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0] if payload else None

    def close(self) -> None:
        self.peer.close()


def build_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv1: bool = False,
    mask: bool = True,
    size: int | None = None,
) -> bytes:
    """Return a frame; `size` is the length that it declares, if that is not its own."""
    size = len(payload) if size is None else size
    start = bytes([fin << 7 | rsv1 << 6 | opcode])
    bit = mask << 7
    if size <= 125:
        start += bytes([bit | size])
    else:
        start += struct.pack("!BH", bit | 126, size) if size < 65536 else struct.pack("!BQ", bit | 127, size)
    if not mask:
        return start + payload
    key = os.urandom(4)
    pad = (key * (len(payload) // 4 + 1))[: len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return start + key + masked.to_bytes(len(payload), "big")


def shake_hands(
    mock: MockServer, headers: dict[str, str], line: str = f"GET /socket.io/?{QUERY}websocket HTTP/1.1"
) -> RawResponse:
    with peer(mock.port) as one:
        one.send(head(line, *(f"{name}: {value}" for name, value in headers.items())))
        return one.read_response()


@contextmanager
def frames(port: int, *headers: str, **options: Any) -> Iterator[FrameClient]:
    """Open a websocket, and close its connection at the end."""
    client = FrameClient(port, *headers, **options)
    try:
        yield client
    finally:
        client.close()


def count_sessions(mock: MockServer) -> int:
    """Return how many Engine.IO sessions the mock has."""
    return len(mock._context.realtime.engine)


def count_greenlets() -> int:
    """Return how many greenlets run, wait or are scheduled, in all threads."""
    return sum(isinstance(thing, gevent.Greenlet) and not thing.dead for thing in gc.get_objects())


@contextmanager
def leaves_nothing(mock: MockServer) -> Iterator[None]:
    """Fail if what happens inside leaves a session or a descriptor, or if the mock does not serve any more."""
    process = psutil.Process()
    sessions, descriptors = count_sessions(mock), process.num_fds()
    yield
    assert ask(mock.port, "GET /api/health HTTP/1.1").status == 200
    assert eventually(lambda: count_sessions(mock) <= sessions)
    assert eventually(lambda: process.num_fds() <= descriptors)


@contextmanager
def leaves_no_greenlets() -> Iterator[None]:
    """Fail if what happens inside leaves a greenlet, running or scheduled. It is slow: use it once for many clients."""
    greenlets = count_greenlets()
    yield
    assert eventually(lambda: count_greenlets() <= greenlets)


def check_error(response: RawResponse, *statuses: int) -> None:
    """Check that a response has one of these statuses, and the common error body."""
    assert response.status in statuses, response
    ErrorBodySchema().load(response.json)


@contextmanager
def grows_little(megabytes: int = 5) -> Iterator[None]:
    """Fail if more megabytes are allocated inside, at any moment, than these.

    Counted by Python: by the system's measure, what a test before needed and gave back would hide what this one needs.
    """
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 1_000_000, f"{peak / 1_000_000:.0f} MB"
