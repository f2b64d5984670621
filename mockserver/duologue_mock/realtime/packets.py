"""Reading what Socket.IO clients send: payloads of several packets, attachments, events, and how many a second."""

from __future__ import annotations

from collections.abc import Container

from engineio.packet import Packet as EnginePacket
from engineio.payload import Payload as EnginePayload
from socketio.packet import Packet

from duologue_mock.errors import HTTPError
from duologue_mock.store.clock import Clock

MAX_PACKETS_PER_SECOND = 100
"""A client that sends more is disconnected."""

_SEPARATOR = b"\x1e"  # between the packets of one payload (Engine.IO, protocol 4)


class PacketRate:
    """Counts the packets of each client in the current second.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = 0
        self._counts: dict[str, int] = {}

    def exceeds(self, transport_id: str) -> bool:
        """Count a packet, and return whether the client has sent too many."""
        second = int(self._clock.seconds())
        if second != self._second:
            self._second = second
            self._counts.clear()
        count = self._counts[transport_id] = self._counts.get(transport_id, 0) + 1
        return count > MAX_PACKETS_PER_SECOND


class PendingAttachments:
    """The binary attachments of events that are still to come, by client."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def expect(self, transport_id: str, packet: Packet) -> None:
        """Note the attachments that an event announces."""
        if packet.attachment_count:
            self._counts[transport_id] = packet.attachment_count

    def skip(self, transport_id: str) -> bool:
        """Return whether a binary packet is one of these attachments, and count it."""
        pending = self._counts.get(transport_id, 0)
        if pending:
            self._counts[transport_id] = pending - 1
        return pending > 0

    def retain(self, transport_ids: Container[str]) -> None:
        """Forget the clients that are not among these."""
        self._counts = {id: count for id, count in self._counts.items() if id in transport_ids and count}


def parse_event_name(packet: Packet) -> str:
    """Return the name of the event in a packet; raise `ValueError` if it has none."""
    data = packet.data
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        raise ValueError("an event needs a name")
    return data[0]


def split_payload(payload: bytes) -> list[bytes]:
    """Split the payload of a polling request into chunks of as many packets as the engine reads at a time.

    Raises:
        HTTPError: it is not an Engine.IO payload (400).
    """
    if payload.startswith(b"d="):  # JSONP, which a form wraps; it has few packets
        return [payload]
    packets = payload.split(_SEPARATOR)
    try:
        for packet in packets:
            EnginePacket(encoded_packet=packet.decode())
    except ValueError as error:
        raise HTTPError(400, "Malformed Engine.IO payload", hint=str(error)[:200]) from None
    size = EnginePayload.max_decode_packets
    return [_SEPARATOR.join(packets[start : start + size]) for start in range(0, len(packets), size)]
