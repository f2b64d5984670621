"""Sessions over time: pings, clients that do not respond, and clients that never connect to Socket.IO."""

from __future__ import annotations

import pytest

from duologue_mock import MockServer
from duologue_mock.realtime import engine, session
from tests.mockserver.raw import ask
from tests.mockserver.realtime.clients import count_connections
from tests.mockserver.realtime.raw_clients import (
    QUERY,
    TEXT,
    Polling,
    count_sessions,
    frames,
    leaves_no_greenlets,
    leaves_nothing,
)
from tests.waiting import eventually


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings come soon, and what is missed is noticed soon."""
    monkeypatch.setattr(session, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(session, "PING_TIMEOUT", 0.1)
    monkeypatch.setattr(engine, "UPGRADE_TIMEOUT", 0.1)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings come soon, though not before a client has connected, and it has all the time to respond."""
    monkeypatch.setattr(session, "PING_INTERVAL", 0.4)


def test_ping_over_websocket(patient: None, mock: MockServer) -> None:
    with frames(mock.port) as one:
        for _ in range(3):
            assert one.read_text() == "2"
            one.send(TEXT, b"3")
        assert count_connections(mock) == 1


def test_ping_over_polling(patient: None, mock: MockServer) -> None:
    polling = Polling(mock.port)
    for _ in range(3):
        assert polling.read().body == b"2"
        polling.post(b"3")
    assert count_connections(mock) == 1


def test_no_pong_over_websocket(quick: None, mock: MockServer) -> None:
    with leaves_nothing(mock), frames(mock.port) as one:
        assert one.read_text() == "2"
        assert one.read_close_code() == 1000
    assert count_connections(mock) == 0


def test_no_pong_over_polling(quick: None, mock: MockServer) -> None:
    polling = Polling(mock.port)
    assert polling.read().body == b"2"
    assert polling.read().body == b"1"
    assert count_sessions(mock) == 0


def test_client_that_never_polls(quick: None, mock: MockServer) -> None:
    Polling(mock.port, join=False)
    assert eventually(lambda: count_sessions(mock) == 0)


@pytest.mark.parametrize("packet", ["", "3", "40/other,", '40{"token":"x"}'])
def test_client_that_never_joins(patient: None, mock: MockServer, packet: str) -> None:
    """Its session ends when the first ping would be due, whatever it sends."""
    with leaves_nothing(mock), frames(mock.port, join=False) as one:
        for _ in range(3):
            if packet:
                one.send(TEXT, packet.encode())
        assert one.read_close_code() == 1000


def test_client_that_has_left(patient: None, mock: MockServer) -> None:
    with leaves_nothing(mock), frames(mock.port) as one:
        one.send(TEXT, b"41")
        assert one.read_close_code() == 1000


def test_upgrade_that_stalls(quick: None, mock: MockServer) -> None:
    with leaves_nothing(mock):
        polling = Polling(mock.port)
        with frames(mock.port, sid=polling.sid) as one:
            assert one.peer.is_closed()


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
