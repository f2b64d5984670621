"""What python-socketio takes for its Engine.IO server: it says which clients are to receive an event."""

from __future__ import annotations

from typing import Any

from duologue_mock.realtime.engine import EngineIOServer
from duologue_mock.realtime.outgoing_packet import OutgoingPacket
from duologue_mock.realtime.session import Session


class ReceiverCollector:
    """Collects the packet of an event and the clients that python-socketio sends it to.

    So that one decision can be made for all of them, and one message recorded.

    Args:
        engine: has the sessions.
    """

    def __init__(self, engine: EngineIOServer) -> None:
        self._engine = engine
        self._packet: Any = None
        self._sessions: list[Session] = []

    def generate_id(self) -> str:
        """Return an id that no one guesses."""
        return self._engine.generate_id()

    def send(self, sid: str, message: str) -> None:
        """Send a message that is for one client."""
        self._engine.send(sid, message)

    def send_packet(self, sid: str, packet: Any) -> None:
        """Note that a client is to receive a packet of python-engineio's, the same one as the others."""
        session = self._engine.get(sid)
        if session is not None:
            self._packet = packet
            self._sessions.append(session)

    def take(self) -> tuple[OutgoingPacket, list[Session]]:
        """Return the packet and its receivers, and forget them; without receivers, the packet is empty."""
        text = "" if self._packet is None else self._packet.encode()
        sessions = self._sessions
        self._packet, self._sessions = None, []
        return OutgoingPacket(text), sessions
