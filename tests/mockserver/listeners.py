"""A Socket.IO client, packet by packet: without threads or reconnection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import websocket

from tests.mockserver.raw import PATIENCE

OPEN, CLOSE, PING, PONG, MESSAGE = "01234"
CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = "01234"


class Refused(Exception):
    """The server refused the connection; `body` is the data of its packet."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body)
        self.body = body


def open_websocket(port: int, **headers: str) -> Any:
    """Open a websocket to Engine.IO, without a handshake of Socket.IO."""
    return websocket.create_connection(
        f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket",
        timeout=PATIENCE,
        suppress_origin=True,
        header=[f"{name}: {value}" for name, value in headers.items()],
    )


class Listener:
    """One websocket that speaks Engine.IO 4 and Socket.IO 5.

    Args:
        port: the server's port.
        auth: the credentials of the handshake; None for none.
        headers: of the HTTP request that becomes the websocket.
    """

    def __init__(self, port: int, auth: Any = None, **headers: str) -> None:
        self._socket = open_websocket(port, **headers)
        self.opened = json.loads(self.packet().removeprefix(OPEN))
        self.sid = ""
        try:
            self.join(auth)
        except BaseException:
            self.close()
            raise

    def join(self, auth: Any = None) -> None:
        self.send(MESSAGE + CONNECT + ("" if auth is None else json.dumps(auth)))
        packet = self.packet()
        if packet.startswith(MESSAGE + CONNECT_ERROR):
            raise Refused(json.loads(packet[2:]))
        assert packet.startswith(MESSAGE + CONNECT), packet
        self.sid = json.loads(packet[2:])["sid"]

    def send(self, packet: str | bytes) -> None:
        """Send a packet; bytes as they are."""
        if isinstance(packet, bytes):
            self._socket.send_binary(packet)
        else:
            self._socket.send(packet)

    def emit(self, event: str, *args: Any, ack: int | None = None) -> None:
        self.send(f"{MESSAGE}{EVENT}{'' if ack is None else ack}{json.dumps([event, *args])}")

    def packet(self) -> str:
        """Return the next packet that is not a ping; an empty one when the connection is closed. Pings get a pong."""
        while True:
            try:
                packet = self._socket.recv()
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                return ""
            if packet != PING:
                return str(packet)
            self.send(PONG)

    def event(self) -> tuple[str, Any]:
        """Return the next event's name and payload."""
        packet = self.packet()
        assert packet.startswith(MESSAGE + EVENT), f"no event: {packet!r}"
        name, payload = json.loads(packet[2:])
        return name, payload

    def until(self, name: str) -> list[tuple[str, Any]]:
        """Return the events before the next one of this name."""
        events: list[tuple[str, Any]] = []
        while (event := self.event())[0] != name:
            events.append(event)
        return events

    def until_packet(self, last: str) -> list[str]:
        """Return the packets before the next one that is this."""
        packets: list[str] = []
        while (packet := self.packet()) != last:
            assert packet, "the connection was closed"
            packets.append(packet)
        return packets

    def ack(self, number: int) -> list[Any]:
        """Return what the server acknowledges, passing over events."""
        while not (packet := self.packet()).startswith(f"{MESSAGE}{ACK}{number}["):
            assert packet, "the connection was closed"
        values: list[Any] = json.loads(packet[len(f"{MESSAGE}{ACK}{number}") :])
        return values

    def wait_for_disconnect(self) -> bool:
        """Return whether the server ends the connection, whatever it sends before."""
        while packet := self.packet():
            if packet == MESSAGE + DISCONNECT:
                return True
        return True

    def close(self) -> None:
        self._socket.close(timeout=0)
        self._socket.shutdown()


@contextmanager
def listener(port: int, auth: Any = None, **headers: str) -> Iterator[Listener]:
    """Connect, and close at the end."""
    client = Listener(port, auth, **headers)
    try:
        yield client
    finally:
        client.close()
