"""Packets for many clients: encoded once, and the same for each of them."""

from __future__ import annotations

import pytest
from wsproto.connection import Connection, ConnectionType

from duologue.contract.users import DELETED, UserDeleted
from duologue_mock import MockServer
from duologue_mock.realtime.outgoing_packet import OutgoingPacket
from duologue_mock.realtime.packets import PacketRate
from duologue_mock.realtime.websocket import WebSocket
from tests.mockserver.clocks import ManualClock
from tests.mockserver.realtime.raw_clients import Polling, frames


def create_protocol() -> Connection:
    return Connection(ConnectionType.SERVER)


def decode(frame: bytes) -> str:
    """Return the text of a frame, as a client reads it."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frame)
    (event,) = client.events()
    return str(event.data)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("character", ["x", "💥"])
def test_frame_of_each_length(size: int, character: str) -> None:
    packet = OutgoingPacket(character * size)
    assert decode(packet.encode(create_protocol())) == packet.text


def test_one_frame_for_all() -> None:
    packet = OutgoingPacket('42["x"]')
    assert packet.encode(create_protocol()) is packet.encode(create_protocol())


def test_same_event_over_both_transports(mock: MockServer) -> None:
    polling = Polling(mock.port)
    with frames(mock.port) as one, frames(mock.port) as two:
        with mock.state as state:
            state.publish(DELETED, UserDeleted("é💥"))
        expected = '42["user:deleted",{"userId":"\\u00e9\\ud83d\\udca5"}]'
        assert [one.read_text(), two.read_text(), polling.read().body.decode()] == [expected] * 3


class FullSocket:
    """A connection whose buffer has room for a few bytes at first."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.received = b""

    def send(self, data: bytes) -> int:
        self.received += data[: self._room]
        return min(self._room, len(data))

    def sendall(self, data: bytes) -> None:
        self.received += data


@pytest.mark.parametrize("room", [0, 1, 5, 11, 12, 1000])
def test_frame_that_is_sent_in_parts(clock: ManualClock, room: int) -> None:
    connection = FullSocket(room)
    websocket = WebSocket(connection, connection, max_message_size=1000, rate=PacketRate(clock), last_message="1")
    packets = [OutgoingPacket("42[1]"), OutgoingPacket("2")]
    websocket.send(packets)
    assert connection.received == b"\x81\x0542[1]\x81\x012"
