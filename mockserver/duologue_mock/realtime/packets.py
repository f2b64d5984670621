"""Reading what clients send: the packets of Engine.IO and of Socket.IO, and how many of them a second."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from duologue.contract import strict_json
from duologue_mock.errors import HTTPError
from duologue_mock.store.clock import Clock

MAX_PACKETS_PER_SECOND = 100
"""A client that sends more is disconnected."""
MAX_PACKET_SIZE = 16 * 1024
"""The most characters of a Socket.IO packet that are parsed: the largest one of use is a handshake with a token."""
MAX_ATTACHMENTS = 100
"""The most binary attachments of one packet."""

SEPARATOR = "\x1e"
"""Between the packets of a polling body (Engine.IO, protocol 4)."""

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

_PACKET = re.compile(
    r"(?P<type>[0-6])"
    r"(?:(?P<attachments>[0-9]++)-)?"
    r"(?:(?P<namespace>/[^,]*),?)?"
    r"(?P<id>[0-9]{1,16}(?![0-9]))?"
    r"(?P<data>.*)",
    re.DOTALL,
)
_MAX_NAMESPACE = 255
_MAX_DIGITS = 9


class PacketRate:
    """Counts the packets of one client in the current second.

    Args:
        clock: the time.
    """

    __slots__ = ("_clock", "_count", "_second")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = 0
        self._count = 0

    def exceeds(self) -> bool:
        """Count a packet, and return whether the client has sent too many."""
        second = int(self._clock.seconds())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        return self._count > MAX_PACKETS_PER_SECOND


class MalformedPacketError(ValueError):
    """A packet that is not Socket.IO's.

    Args:
        reason: what is wrong, as a sentence.
        packet: what could be read of it; None if nothing could.
        too_large: whether it was not parsed because of its size.
    """

    def __init__(self, reason: str, packet: Packet | None = None, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.packet = packet
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Packet:
    """A Socket.IO packet (protocol 5), whose data is not parsed yet."""

    type: int
    namespace: str
    id: int | None
    attachments: int
    text: str

    @property
    def is_event(self) -> bool:
        """Whether it is an event, with or without attachments."""
        return self.type in (EVENT, BINARY_EVENT)

    def parse_data(self) -> Any:
        """Return its data; None if it has none.

        Raises:
            MalformedPacketError: it is not JSON, or too large.
        """
        if len(self.text) > MAX_PACKET_SIZE:
            reason = f"A packet may have at most {MAX_PACKET_SIZE} characters."
            raise MalformedPacketError(reason, self, too_large=True)
        if not self.text:
            return None
        try:
            return strict_json.loads(self.text.encode())
        except strict_json.StrictJSONError as error:
            raise MalformedPacketError(str(error), self) from None

    def parse_event_name(self) -> str:
        """Return the name of an event.

        Raises:
            MalformedPacketError: it has none.
        """
        data = self.parse_data()
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise MalformedPacketError("An event is a list that begins with its name.", self)
        return data[0]


def parse_packet(text: str) -> Packet:
    """Parse a Socket.IO packet except for its data.

    Raises:
        MalformedPacketError: it is not a packet.
    """
    match = _PACKET.fullmatch(text)
    if match is None:
        raise MalformedPacketError("A packet begins with its type, 0 to 6.")
    type, attachments = int(match["type"]), match["attachments"]
    namespace = (match["namespace"] or "/").partition("?")[0]
    if len(namespace) > _MAX_NAMESPACE:
        raise MalformedPacketError(f"A namespace has at most {_MAX_NAMESPACE} characters.")
    id = None if match["id"] is None else int(match["id"])
    count = int((attachments or "0")[:_MAX_DIGITS])
    packet = Packet(type, namespace, id, count, match["data"])
    if (attachments is not None) is not (type in (BINARY_EVENT, BINARY_ACK)):
        raise MalformedPacketError("A binary packet says how many attachments it has, and no other does.", packet)
    if packet.attachments > MAX_ATTACHMENTS:
        raise MalformedPacketError(f"A packet has at most {MAX_ATTACHMENTS} attachments.", packet)
    return packet


def split_payload(payload: bytes) -> list[str | bytes]:
    """Split the body of a polling request into its packets: texts with their type, and binary messages.

    Raises:
        HTTPError: it is not an Engine.IO payload (400), or has more packets than a client may send in a second (429).
    """
    if payload.count(SEPARATOR.encode()) >= MAX_PACKETS_PER_SECOND:
        raise too_many_packets()
    try:
        packets = payload.decode().split(SEPARATOR)
        return [base64.b64decode(text[1:], validate=True) if text.startswith("b") else text for text in packets]
    except UnicodeDecodeError:
        raise malformed_payload("The body is not UTF-8.") from None
    except (binascii.Error, ValueError):
        raise malformed_payload("A binary packet is not base64.") from None


def malformed_payload(hint: str) -> HTTPError:
    """Return the 400 of what is not Engine.IO."""
    return HTTPError(400, "Malformed Engine.IO packet", hint=hint)


def too_many_packets() -> HTTPError:
    """Return the 429 of a client that sends too many packets."""
    hint = f"Send at most {MAX_PACKETS_PER_SECOND} packets a second."
    return HTTPError(429, "Too many packets", hint=hint, headers=[("Retry-After", "1")])
