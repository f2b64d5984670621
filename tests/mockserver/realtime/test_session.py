"""Sessions over time: pings, clients that do not respond, and clients that never connect to Socket.IO."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from duologue_mock import MockServer
from duologue_mock.realtime import engine, session
from tests.mockserver.raw import ask
from tests.mockserver.realtime.clients import count_connections
from tests.mockserver.realtime.raw_clients import (
    PING,
    PONG,
    QUERY,
    TEXT,
    FrameClient,
    Polling,
    count_sessions,
    frames,
    leaves_no_greenlets,
    leaves_nothing,
)
from tests.waiting import eventually

StartPings = Callable[[], None]


@pytest.fixture
def start_pings(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> StartPings:
    """Have the ping of each session come due now, and further ones soon after each pong."""

    def set_timers() -> None:
        for one in mock._context.realtime.engine.sessions:
            one._set_timer(0, one._ping)

    def start_pings() -> None:
        monkeypatch.setattr(session, "PING_INTERVAL", 0.01)
        mock._context.realtime._call_soon(set_timers)

    return start_pings


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missed is noticed soon."""
    monkeypatch.setattr(session, "PING_TIMEOUT", 0.1)
    monkeypatch.setattr(engine, "UPGRADE_TIMEOUT", 0.1)


def test_ping_over_websocket(start_pings: StartPings, mock: MockServer) -> None:
    with frames(mock.port) as one:
        start_pings()
        for _ in range(3):
            assert one.read_text() == "2"
            one.send(TEXT, b"3")
        assert count_connections(mock) == 1


def test_ping_over_polling(start_pings: StartPings, mock: MockServer) -> None:
    polling = Polling(mock.port)
    start_pings()
    for _ in range(3):
        assert polling.read().body == b"2"
        polling.post(b"3")
    assert count_connections(mock) == 1


def test_no_pong_over_websocket(short_patience: None, start_pings: StartPings, mock: MockServer) -> None:
    with leaves_nothing(mock), frames(mock.port) as one:
        start_pings()
        assert one.read_text() == "2"
        assert one.read_close_code() == 1000
    assert count_connections(mock) == 0


def test_no_pong_over_polling(short_patience: None, start_pings: StartPings, mock: MockServer) -> None:
    polling = Polling(mock.port)
    start_pings()
    packets: list[bytes] = []
    while b"1" not in packets:
        packets += polling.read().body.split(b"\x1e")
    assert packets == [b"2", b"1"]
    assert count_sessions(mock) == 0


def test_client_that_never_polls(start_pings: StartPings, mock: MockServer) -> None:
    Polling(mock.port, join=False)
    assert count_sessions(mock) == 1
    start_pings()
    assert eventually(lambda: count_sessions(mock) == 0)


@pytest.mark.parametrize("packet", ["", "3", "40/other,", '40{"token":"x"}'])
def test_client_that_never_joins(start_pings: StartPings, mock: MockServer, packet: str) -> None:
    """Its session ends when the first ping would be due, whatever it sends."""
    with leaves_nothing(mock), frames(mock.port, join=False) as one:
        for _ in range(3):
            if packet:
                one.send(TEXT, packet.encode())
        wait_until_received(one)
        start_pings()
        assert one.read_close_code() == 1000


def test_client_that_has_left(start_pings: StartPings, mock: MockServer) -> None:
    with leaves_nothing(mock), frames(mock.port) as one:
        one.send(TEXT, b"41")
        wait_until_received(one)
        start_pings()
        assert one.read_close_code() == 1000


def wait_until_received(client: FrameClient) -> None:
    """Wait until the server has handled what a client has sent."""
    client.send(PING)
    while client.read_frame() != (PONG, b""):
        pass


def test_upgrade_that_stalls(short_patience: None, mock: MockServer) -> None:
    """The websocket is closed; its client may go on polling."""
    with leaves_nothing(mock):
        polling = Polling(mock.port)
        with frames(mock.port, sid=polling.sid) as one:
            assert one.peer.is_closed()
        assert polling.post(b'427["nope"]').status == 200
        assert polling.read().body.startswith(b"437")
        polling.post(b"1")


@pytest.mark.slow
def test_sessions_end_with_the_mock() -> None:
    with leaves_no_greenlets():
        for _ in range(3):
            with MockServer() as mock:
                polling, opened = Polling(mock.port), Polling(mock.port, join=False)
                with (
                    polling.wait_for_packets() as waiting,
                    frames(mock.port) as websocket,
                    frames(mock.port, join=False) as unjoined,
                    frames(mock.port, sid=opened.sid) as upgrading,
                ):
                    mock.stop()
                    assert b"41" in waiting.rest()
                    assert websocket.read_text() == "41"
                    for one in (websocket, unjoined, upgrading):
                        one.peer.rest()


def test_shape_of_open_packet(mock: MockServer) -> None:
    body = ask(mock.port, f"GET /socket.io/?{QUERY}polling HTTP/1.1").body
    assert b'"upgrades":["websocket"],"pingTimeout":20000,"pingInterval":25000,"maxPayload":10000}' in body
