"""What clients send: events, malformed packets, and too many of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import websocket

from duologue.contract.chats import ChatTitle
from duologue.contract.error_body import ErrorBodySchema
from duologue_mock import MockServer, chats
from duologue_mock.realtime.packets import MAX_PACKETS_PER_SECOND
from tests.mockserver.clocks import ManualClock
from tests.mockserver.listeners import Listener, open_websocket
from tests.mockserver.realtime.clients import (
    CHAT,
    VISITOR,
    Connect,
    count_connections,
    read_events,
)
from tests.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("args", [[], [1], ["x", None, {"a": [1.5]}], [{"deep": [[[[]]]]}]], ids=str)
@pytest.mark.parametrize("name", ["hello", "message", "user:created", "*", "", "💥", "x" * 500])
def test_unknown_event(connect: Connect, mock: MockServer, name: str, args: list[Any]) -> None:
    one = connect()
    one.emit(name, *args, ack=7)
    (error,) = one.ack(7)
    assert ErrorBodySchema().load(error).code == "NOT_FOUND_ERROR"
    one.emit(name, *args)
    event, error = one.event()
    assert event == "error"
    assert ErrorBodySchema().load(error).code == "NOT_FOUND_ERROR"
    assert len(json.dumps(error)) < 2000, "a long name is not sent back whole"
    assert read_events(one, mock) == []


MALFORMED = [
    "4", "42", "42{}", '42{"no":"list"}', "42[]", "42[5]", "42[null]", '42[["x"]]', '42["x"', "42nonsense", "4abc",
    "49", "44", "42" + "[" * 100, "42" + "[" * 100_000, '45-["x"]', '459999999999999-["x"]',
    '42["x",' + "9" * 5000 + "]",
]  # fmt: skip


@pytest.mark.parametrize("packet", MALFORMED, ids=lambda packet: repr(packet)[:30])
def test_malformed_packet(mock: MockServer, caplog: pytest.LogCaptureFixture, packet: str) -> None:
    with MockServer(state=mock.state) as roomy:  # the other one takes no packets of this size
        one = Listener(roomy.port)
        try:
            one.send(packet)
            name, error = one.event()
            assert name == "error"
            assert ErrorBodySchema().load(error).code in ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE")
            assert read_events(one, roomy) == []
        finally:
            one.close()
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "packet", ["431[]", '43["x"]', "41/other,", b"\x00\x01", b"", "6", "3", "2", "42/other,[5]"], ids=repr
)
def test_packet_that_no_client_sends(
    connect: Connect, mock: MockServer, caplog: pytest.LogCaptureFixture, packet: str | bytes
) -> None:
    """It is not an error of the mock, and concerns no other client."""
    one, other = connect(), connect(CHAT)
    one.send(packet)
    assert read_events(other, mock) == []
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert read_events(other, mock) == ["chat:created"]
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("packet", ["", "x", "9", "\x00", "[]", "GET / HTTP/1.1"], ids=repr)
def test_malformed_engine_io(connect: Connect, mock: MockServer, caplog: pytest.LogCaptureFixture, packet: str) -> None:
    one, other = connect(CHAT), connect()
    one.send(packet)
    assert one.wait_for_disconnect()
    assert eventually(lambda: count_connections(mock) == 1)
    assert read_events(other, mock) == []
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("first", ['42["hello"]', "4", "42", '40{"token":', "41", "43[]", "449", b"\x00"], ids=repr)
def test_packet_before_handshake(
    connect: Connect, mock: MockServer, caplog: pytest.LogCaptureFixture, first: str | bytes
) -> None:
    raw = open_websocket(mock.port)
    try:
        raw.recv()
        raw.send_binary(first) if isinstance(first, bytes) else raw.send(first)
        assert read_events(connect(), mock) == []
        assert count_connections(mock) == 1
    finally:
        raw.close(timeout=0)
        raw.shutdown()
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "packet", ['427["x","' + "x" * 50_000 + '"]', '451-7["' + "x" * 50_000 + '"]'], ids=["42", "45"]
)
def test_large_event_is_not_parsed(packet: str) -> None:
    with MockServer() as mock:
        one = Listener(mock.port)
        one.send(packet)
        (error,) = one.ack(7)
        assert ErrorBodySchema().load(error).code == "PAYLOAD_TOO_LARGE"
        one.close()


def test_packet_too_large(connect: Connect, mock: MockServer) -> None:
    one, other = connect(), connect()
    one.emit("large", "x" * 100_000)
    assert one.wait_for_disconnect()
    assert read_events(other, mock) == []


def test_too_many_packets(connect: Connect, mock: MockServer) -> None:
    one, other = connect(), connect()
    for _ in range(MAX_PACKETS_PER_SECOND + 50):
        try:
            one.emit("flood")
        except (websocket.WebSocketException, OSError):
            break
    assert one.wait_for_disconnect()
    assert read_events(other, mock) == []
    assert eventually(lambda: count_connections(mock) == 1)


def test_packets_below_the_rate(connect: Connect, mock: MockServer, clock: ManualClock) -> None:
    one = connect()
    for second in range(3):
        for _ in range(MAX_PACKETS_PER_SECOND - 5):
            one.emit("event", ack=second)
        for _ in range(MAX_PACKETS_PER_SECOND - 5):
            assert one.ack(second)[0]["code"] == "NOT_FOUND_ERROR"
        clock.advance(1)
    assert read_events(one, mock) == []
