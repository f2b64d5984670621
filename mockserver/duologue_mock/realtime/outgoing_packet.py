"""A packet that is to be sent, to one client or to many."""

from __future__ import annotations

from wsproto.connection import Connection
from wsproto.events import Message

OVERHEAD = 64
"""Characters that a packet counts for besides its own."""


class OutgoingPacket:
    """A packet of Engine.IO. All clients that an event is sent to have the same one, so its frame is encoded once.

    Args:
        text: the packet.
    """

    __slots__ = ("_frame", "size", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.size = len(text) + OVERHEAD
        """Characters that it counts for."""
        self._frame: bytes | None = None

    def encode(self, protocol: Connection) -> bytes:
        """Return its websocket frame.

        Args:
            protocol: encodes it if it is the first that is asked. A server does not mask frames (RFC 6455, section
                5.1), and none is compressed here: the frame of one connection is that of every other.
        """
        if self._frame is None:
            self._frame = protocol.send(Message(data=self.text))
        return self._frame
