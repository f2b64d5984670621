"""Upgrades: a websocket replaces polling, or does not."""

from __future__ import annotations

import pytest

from duologue_mock import MockServer
from duologue_mock.realtime import engine
from duologue_mock.realtime.packets import MAX_PACKETS_PER_SECOND
from tests.mockserver.realtime.clients import publish_marker
from tests.mockserver.realtime.raw_clients import (
    BINARY,
    HANDSHAKE,
    QUERY,
    TEXT,
    Polling,
    check_error,
    frames,
    leaves_no_greenlets,
    leaves_nothing,
    shake_hands,
)
from tests.waiting import eventually

pytestmark = pytest.mark.slow

BAD_UPGRADES = {
    "other probe": (b"2x",),
    "no probe": (b"40",),
    "ping without probe": (b"2",),
    "confirmation alone": (b"5",),
    "binary": (b"\x00",),
    "two probes": (b"2probe", b"2probe"),
    "message after probe": (b"2probe", b'42["x"]'),
    "confirmation with data": (b"2probe", b"5x"),
}  # fmt: skip


@pytest.mark.parametrize("packets", BAD_UPGRADES.values(), ids=BAD_UPGRADES)
def test_bad_upgrade(mock: MockServer, packets: tuple[bytes, ...]) -> None:
    Polling(mock.port).post(b"1")
    with leaves_nothing(mock):
        polling = Polling(mock.port)
        with frames(mock.port, sid=polling.sid) as one:
            for packet in packets:
                one.send(BINARY if packet == b"\x00" else TEXT, packet)
            assert one.read_close_code() == 1002
            check_error(polling.read(), 400)


def test_no_greenlets_are_left(mock: MockServer) -> None:
    Polling(mock.port).post(b"1")
    with leaves_nothing(mock), leaves_no_greenlets():
        for packets in BAD_UPGRADES.values():
            with frames(mock.port, sid=Polling(mock.port).sid) as one:
                for packet in packets:
                    one.send(TEXT, packet)
                assert one.read_close_code() == 1002


@pytest.mark.parametrize("packets", [(), (b"2probe",)], ids=["at once", "after the probe"])
def test_broken_upgrade(mock: MockServer, packets: tuple[bytes, ...]) -> None:
    """A network may not let websockets through: the client goes on polling."""
    polling = Polling(mock.port)
    for _ in range(3):
        with frames(mock.port, sid=polling.sid) as one:
            for packet in packets:
                one.send(TEXT, packet)
                assert one.read_text() == "3probe"
        assert eventually(lambda: polling.post(b'427["nope"]').status == 200)
        while not (body := polling.read().body).startswith(b"437"):
            assert body == b"6"


def test_second_upgrade(mock: MockServer) -> None:
    polling = Polling(mock.port)
    line = f"GET /socket.io/?{QUERY}websocket&sid={polling.sid} HTTP/1.1"
    with frames(mock.port, sid=polling.sid) as one:
        check_error(shake_hands(mock, HANDSHAKE, line), 400)
        one.send(TEXT, b"2probe")
        assert one.read_text() == "3probe"
        check_error(shake_hands(mock, HANDSHAKE, line), 400)
        assert polling.read().body == b"6"
        one.send(TEXT, b"5")
        one.send(TEXT, b'427["nope"]')
        assert one.read_text().startswith("437")
        check_error(shake_hands(mock, HANDSHAKE, line), 400)
        check_error(polling.post(b"40"), 400)
        check_error(polling.read(), 400)
        one.send(TEXT, b'428["nope"]')
        assert one.read_text().startswith("438")


def test_upgrade_ends_poll(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_POLL_CHECK_INTERVAL", 1000)
    with leaves_nothing(mock):
        polling = Polling(mock.port)
        with polling.wait_for_packets() as waiting, frames(mock.port, sid=polling.sid) as one:
            one.send(TEXT, b"2probe")
            assert one.read_text() == "3probe"
            assert waiting.read_response().body == b"6"
            name, _ = publish_marker(mock)
            one.send(TEXT, b"5")
            assert name in one.read_text()


def test_rate_spans_both_transports(mock: MockServer) -> None:
    polling = Polling(mock.port)
    polling.post(b"\x1e".join([b"3"] * (MAX_PACKETS_PER_SECOND - 5)))
    with frames(mock.port, sid=polling.sid) as one:
        one.send(TEXT, b"2probe")
        one.send(TEXT, b"5")
        for _ in range(6):
            one.send(TEXT, b"3")
        assert one.read_close_code() == 1008
