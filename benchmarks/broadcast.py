"""How long an event takes to many sockets: plain websockets that one thread reads, so that the server counts most."""

from __future__ import annotations

import json
import selectors
import socket
import time
from contextlib import ExitStack

from benchmarks.process import HOST, send_request

EVENTS = 20
TIMEOUT = 30.0

_HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_CONNECT = b"\x81\x82\0\0\0\x0040"  # a masked text frame with Socket.IO's CONNECT


def measure_broadcast(port: int, count: int) -> float:
    """Return the 99th percentile of the milliseconds that an event takes to each of `count` sockets.

    The first event does not count: a mock loads its control API at the first call, which is not what is measured.
    """
    delays: list[float] = []
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(count):
            connection = stack.enter_context(_connect(port))
            selector.register(connection, selectors.EVENT_READ)
        _measure_event(port, selector, count, "first")
        for number in range(EVENTS):
            delays += _measure_event(port, selector, count, f"event-{number}")
    return sorted(delays)[int(len(delays) * 0.99)]


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection((HOST, port), TIMEOUT)
    connection.sendall(_HANDSHAKE.format(host=HOST, port=port).encode())
    received = b""
    while b'0{"sid"' not in received:
        received += connection.recv(4096)
    connection.sendall(_CONNECT)
    while b'40{"sid"' not in received:
        received += connection.recv(4096)
    return connection


def _send_event(port: int, marker: str) -> None:
    body = {"event": "user:deleted", "payload": {"userId": marker}}
    status, content = send_request(port, "POST", "/__admin/channels/send", json.dumps(body))
    if status != 200:
        raise RuntimeError(f"the event could not be sent: status {status}: {content[:300]!r}")


def _measure_event(port: int, selector: selectors.BaseSelector, count: int, marker: str) -> list[float]:
    """Send an event, and return the milliseconds that it takes to each socket."""
    started_at = time.perf_counter()
    _send_event(port, marker)
    return _receive(selector, count, marker.encode(), started_at)


def _receive(selector: selectors.BaseSelector, count: int, marker: bytes, started_at: float) -> list[float]:
    delays: list[float] = []
    received: dict[int, bytes] = {}
    deadline = time.perf_counter() + TIMEOUT
    while len(delays) < count:
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{marker!r} reached {len(delays)} of {count} sockets")
        for key, _ in selector.select(1):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            received[key.fd] = received.get(key.fd, b"") + connection.recv(65_536)
            if marker in received[key.fd]:
                delays.append((time.perf_counter() - started_at) * 1000)
                del received[key.fd]
    return delays
