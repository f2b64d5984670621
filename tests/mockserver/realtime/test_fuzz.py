"""Mutations of valid frames and bodies: the mock goes on serving, nothing is left, and no error is its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_mock import MockServer
from tests.mockserver.raw import ConnectionClosedError, ask, head, peer
from tests.mockserver.realtime.raw_clients import (
    BINARY,
    HANDSHAKE,
    QUERY,
    TEXT,
    Polling,
    build_frame,
    count_sessions,
    frames,
    leaves_nothing,
)
from tests.waiting import eventually

pytestmark = pytest.mark.slow

VALID = [
    b"40", b'40{"token":"x"}', b"40/other,{}", b"41", b'42["x"]', b'427["x",{"a":[1,null,"\xc3\xa9"]}]',
    b'42/other,7["x"]', b"43[]", b'431["x"]', b'44{"message":"x"}', b'451-["x",{"_placeholder":true,"num":0}]',
    b"462-7[]", b"2probe", b"3", b"5", b"6", b"1", b"bAAAA",
]  # fmt: skip
PIECES = st.sampled_from(
    [b"", b"\x00", b"\xff", b"\x1e", b"-", b",", b"/", b"[", b"{", b'"', b"\\", b"\\ud800", b"9", b"99999999999", b"4",
     b"5", b"\xed\xa0\x80", b"\xf0\x9f\x92\xa5", b"[" * 100, b"null", b"NaN", b"b"]
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """Return a packet with a few pieces replaced, inserted or removed."""
    packet = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(packet)))
        packet = packet[:start] + draw(PIECES) + packet[start + draw(st.integers(0, 3)) :]
    return packet


@pytest.fixture(scope="module")
def shared() -> Iterator[MockServer]:
    """One mock for all examples, which leave nothing in it."""
    with MockServer() as mock:
        Polling(mock.port).post(b"1")
        with leaves_nothing(mock):
            yield mock


@pytest.fixture(autouse=True)
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@fuzz
@given(packets=st.lists(mutations(), max_size=4), join=st.booleans())
def test_mutated_bodies(shared: MockServer, packets: list[bytes], join: bool) -> None:
    polling = Polling(shared.port, join=join)
    response = polling.post(b"\x1e".join(packets))
    assert response.status in (200, 400)
    if response.status == 200:
        assert polling.post(b"1").status in (200, 400)
    assert count_sessions(shared) == 0


@fuzz
@given(packets=st.lists(st.tuples(mutations(), st.booleans()), max_size=4), join=st.booleans())
def test_mutated_messages(shared: MockServer, packets: list[tuple[bytes, bool]], join: bool) -> None:
    with frames(shared.port, join=join) as one:
        for packet, binary in packets:
            one.send(BINARY if binary else TEXT, packet)
        one.send(TEXT, b"1")
        assert one.read_close_code() in (1000, 1002, 1007)
    assert eventually(lambda: count_sessions(shared) == 0)


@fuzz
@given(packets=st.lists(mutations() | st.sampled_from([b"2probe", b"5"]), max_size=4))
def test_mutated_upgrades(shared: MockServer, packets: list[bytes]) -> None:
    polling = Polling(shared.port)
    with frames(shared.port, sid=polling.sid) as one:
        for packet in packets:
            one.send(TEXT, packet)
    polling.post(b"1")
    assert eventually(lambda: count_sessions(shared) == 0)


@fuzz
@given(data=st.data())
def test_mutated_frames(shared: MockServer, data: st.DataObject) -> None:
    """Frames with bits flipped, or cut off."""
    frame = bytearray(build_frame(TEXT, data.draw(st.sampled_from(VALID))))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, min(len(frame), 9) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with frames(shared.port) as one:
        one.peer.try_send(bytes(frame[: data.draw(st.integers(1, len(frame)))]))
    assert eventually(lambda: count_sessions(shared) == 0)


@fuzz
@given(data=st.data())
def test_mutated_handshakes(shared: MockServer, data: st.DataObject) -> None:
    values = st.sampled_from(["", "x", "websocket", "Upgrade", "13", "8", "\xff", ",", "A" * 24, *HANDSHAKE.values()])
    headers = {name: data.draw(st.just(value) | values) for name, value in HANDSHAKE.items()}
    query = data.draw(st.sampled_from([f"{QUERY}websocket", f"{QUERY}polling", "EIO=3", f"{QUERY}websocket&sid=x", ""]))
    lines = [f"{name}: {value}" for name, value in headers.items() if data.draw(st.integers(0, 9))]
    with peer(shared.port) as one:
        one.send(head(f"GET /socket.io/?{query} HTTP/1.1", *lines))
        try:
            assert one.read_response().status in (101, 200, 400, 426)
        except ConnectionClosedError:
            raise AssertionError("no response") from None
    for sid in list(shared._context.realtime.engine._sessions):
        ask(shared.port, f"POST /socket.io/?{QUERY}polling&sid={sid} HTTP/1.1", "Content-Length: 1", body=b"1")
    assert eventually(lambda: count_sessions(shared) == 0)
