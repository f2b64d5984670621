"""Websockets: handshakes that are none, frames that no client sends, and that nothing of them is left."""

from __future__ import annotations

import pytest

from duologue_mock import MockServer
from tests.mockserver.raw import head, peer
from tests.mockserver.realtime.clients import count_connections
from tests.mockserver.realtime.raw_clients import (
    CLOSE,
    CONTINUATION,
    HANDSHAKE,
    PING,
    PONG,
    QUERY,
    TEXT,
    Polling,
    build_frame,
    check_error,
    count_sessions,
    frames,
    leaves_no_greenlets,
    leaves_nothing,
    shake_hands,
)
from tests.waiting import eventually

pytestmark = pytest.mark.slow

# The handshake

BAD_HANDSHAKES: dict[str, dict[str, str | None]] = {
    **{f"no {name}": {name: None} for name in HANDSHAKE},
    **{f"blank {name}": {name: ""} for name in HANDSHAKE},
    "nothing": dict.fromkeys(HANDSHAKE),
    "keep-alive": {"Connection": "keep-alive"},
    "other protocol": {"Upgrade": "h2c"},
    "list of versions": {"Sec-WebSocket-Version": "13, 8"},
    "version 8": {"Sec-WebSocket-Version": "8"},
    "version that is no number": {"Sec-WebSocket-Version": "x"},
    "short key": {"Sec-WebSocket-Key": "c2hvcnQ="},
    "long key": {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" * 100},
    "key that is not base64": {"Sec-WebSocket-Key": "~" * 24},
    "key in Latin-1": {"Sec-WebSocket-Key": "é" * 24},
    "body": {"Content-Length": "5"},
    "chunked body": {"Transfer-Encoding": "chunked"},
}  # fmt: skip


@pytest.mark.parametrize("changes", BAD_HANDSHAKES.values(), ids=BAD_HANDSHAKES)
def test_bad_handshake(mock: MockServer, changes: dict[str, str | None]) -> None:
    headers = {name: value for name, value in {**HANDSHAKE, **changes}.items() if value is not None}
    polling = Polling(mock.port)
    with leaves_nothing(mock):
        for more in ("", f"&sid={polling.sid}"):
            response = shake_hands(mock, headers, f"GET /socket.io/?{QUERY}websocket{more} HTTP/1.1")
            check_error(response, 400, 426)
            if response.status == 426:
                assert response.headers["sec-websocket-version"] == "13"
    assert polling.post(b'427["nope"]').status == 200


def test_handshake_of_http_1_0(mock: MockServer) -> None:
    check_error(shake_hands(mock, HANDSHAKE, f"GET /socket.io/?{QUERY}websocket HTTP/1.0"), 400)
    assert count_sessions(mock) == 0


@pytest.mark.parametrize("sid", ["", "unknown", "%00", "x" * 2000])
def test_handshake_of_unknown_session(mock: MockServer, sid: str) -> None:
    line = f"GET /socket.io/?{QUERY}websocket&sid={sid} HTTP/1.1"
    with leaves_nothing(mock):
        check_error(shake_hands(mock, HANDSHAKE, line), 400)


def test_compression_is_not_used(mock: MockServer) -> None:
    with frames(mock.port, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits") as one:
        assert "sec-websocket-extensions" not in one.response.headers


def test_frames_with_handshake(mock: MockServer) -> None:
    """What arrives together with the handshake is read."""
    lines = [f"{name}: {value}" for name, value in HANDSHAKE.items()]
    with peer(mock.port) as one:
        start = head(f"GET /socket.io/?{QUERY}websocket HTTP/1.1", *lines)
        one.send(start + build_frame(TEXT, b"40") + build_frame(TEXT, b'427["nope"]'))
        one.until(b"437[")


# Frames that break the protocol

BREAKING = {
    "reserved bit": (build_frame(TEXT, b"3", rsv1=True), 1002),
    "no mask": (build_frame(TEXT, b"3", mask=False), 1002),
    "unknown opcode": (build_frame(0x3, b"3"), 1002),
    "unknown control opcode": (build_frame(0xF), 1002),
    "continuation of nothing": (build_frame(CONTINUATION, b"3"), 1002),
    "message in a message": (build_frame(TEXT, b"4", fin=False) + build_frame(TEXT, b"3"), 1002),
    "fragmented ping": (build_frame(PING, b"x", fin=False), 1002),
    "large ping": (build_frame(PING, b"x" * 126), 1002),
    "length not minimal": (b"\x81\xfe\x00\x01\x00\x00\x00\x003", 1002),
    "length of 64 bits": (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1002),
    "close of one byte": (build_frame(CLOSE, b"\x03"), 1002),
    "close with a reserved code": (build_frame(CLOSE, b"\x03\xed"), 1002),
    "close with code 0": (build_frame(CLOSE, b"\x00\x00"), 1002),
    "close with invalid UTF-8": (build_frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "invalid UTF-8": (build_frame(TEXT, b"4\xff"), 1007),
    "lone surrogate": (build_frame(TEXT, b"4\xed\xa0\x80"), 1007),
    "UTF-8 cut off": (build_frame(TEXT, b"4\xe2\x82"), 1007),
    "close without a code": (build_frame(CLOSE), None),
    "close": (build_frame(CLOSE, b"\x03\xe8bye"), 1000),
    "close of its own": (build_frame(CLOSE, b"\x0f\xa0"), 4000),
    "noop": (build_frame(TEXT, b"6"), 1002),
    "upgrade": (build_frame(TEXT, b"5"), 1002),
    "ping of Engine.IO": (build_frame(TEXT, b"2"), 1002),
    "open": (build_frame(TEXT, b"0{}"), 1002),
    "unknown type": (build_frame(TEXT, b"9"), 1002),
    "binary digit": (build_frame(TEXT, "²".encode()), 1002),
    "empty text": (build_frame(TEXT), 1002),
    "end of Engine.IO": (build_frame(TEXT, b"1"), 1000),
}  # fmt: skip


@pytest.mark.parametrize("join", [True, False], ids=["joined", "opened"])
@pytest.mark.parametrize(("data", "code"), BREAKING.values(), ids=BREAKING)
def test_breaking_frame(mock: MockServer, caplog: pytest.LogCaptureFixture, data: bytes, code: int, join: bool) -> None:
    Polling(mock.port).post(b"1")
    with leaves_nothing(mock), frames(mock.port, join=join) as one:
        one.peer.send(data)
        assert one.read_close_code() == code
        assert eventually(lambda: count_sessions(mock) == 0), "while the connection is still open"
    assert not [record for record in caplog.records if record.exc_info]


def test_no_greenlets_are_left(mock: MockServer) -> None:
    Polling(mock.port).post(b"1")
    with leaves_nothing(mock), leaves_no_greenlets():
        for data, code in BREAKING.values():
            with frames(mock.port) as one:
                one.peer.send(data)
                assert one.read_close_code() == code
        for headers in BAD_HANDSHAKES.values():
            complete = {**HANDSHAKE, **headers}
            assert shake_hands(mock, {name: value for name, value in complete.items() if value}).status in (400, 426)


@pytest.mark.parametrize("data", [b"4", b"42", b'42["x"]', b"41", b"43[]", b"4[[[[", b"461-[]"], ids=repr)
def test_message_before_handshake(mock: MockServer, data: bytes) -> None:
    with frames(mock.port, join=False) as one:
        one.send(TEXT, data)
        assert one.read_close_code() == 1002
        assert count_sessions(mock) == 0


def test_server_closes_first(mock: MockServer) -> None:
    """A client that does not respond to a Close frame is disconnected all the same."""
    with leaves_nothing(mock), frames(mock.port) as one:
        one.send(TEXT, b"1")
        assert one.read_close_code() == 1000
        assert one.peer.is_closed()


@pytest.mark.parametrize("cut", range(1, 8))
def test_cut_frame(mock: MockServer, cut: int) -> None:
    with leaves_nothing(mock):
        with frames(mock.port) as one:
            one.peer.send(build_frame(TEXT, b'42["x"]')[:cut])
        with frames(mock.port) as one:
            one.send(TEXT, b'427["x', fin=False)
    assert count_connections(mock) == 0


def test_fragments(mock: MockServer) -> None:
    with frames(mock.port) as one:
        *most, last = '427["é"]'.encode()
        one.send(TEXT, b"", fin=False)
        for byte in most:
            one.send(CONTINUATION, bytes([byte]), fin=False)
            one.send(PING, b"still here")
        one.send(CONTINUATION, bytes([last]))
        assert [one.read_frame() for _ in most] == [(PONG, b"still here")] * len(most)
        assert one.read_text().startswith("437[")
