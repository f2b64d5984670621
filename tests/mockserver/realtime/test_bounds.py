"""What a websocket's client sends, or does not receive, costs bounded memory and never holds the mock's only thread."""

from __future__ import annotations

import threading
import zlib

import pytest

from duologue.contract import users
from duologue.contract.users import UserDeleted
from duologue_mock import MockServer
from tests.mockserver.raw import head, peer
from tests.mockserver.realtime.clients import count_connections, publish_marker
from tests.mockserver.realtime.raw_clients import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    FrameClient,
    Polling,
    build_frame,
    frames,
    grows_little,
    leaves_nothing,
)

pytestmark = pytest.mark.slow

BIG = 1 << 40

# The mock's messages have at most 10,000 bytes.


def test_compressed_frame(mock: MockServer) -> None:
    compressor = zlib.compressobj(wbits=-15)
    chunks = [compressor.compress(b"4" * 1_000_000) for _ in range(50)]
    bomb = b"".join(chunks) + compressor.flush(zlib.Z_SYNC_FLUSH)
    extension = "Sec-WebSocket-Extensions: permessage-deflate"
    with leaves_nothing(mock), grows_little(), frames(mock.port, extension) as one:
        one.send(TEXT, bomb, rsv1=True)
        assert one.read_close_code() == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [10_001, 70_000])
def test_message_too_large(mock: MockServer, opcode: int, size: int) -> None:
    with leaves_nothing(mock), frames(mock.port) as one:
        one.send(opcode, b"4" * size)
        assert one.read_close_code() == 1009


@pytest.mark.parametrize("declared", [10_001, BIG])
def test_large_declared_message(mock: MockServer, declared: int) -> None:
    """It is refused while it arrives."""
    start, more = build_frame(BINARY, b"4" * 10_001, size=declared), b"4" * 100_000
    with leaves_nothing(mock), grows_little(), frames(mock.port) as one:
        one.peer.send(start)
        while declared == BIG and one.peer.try_send(more):
            pass
        assert one.read_close_code() == 1009


@pytest.mark.parametrize("size", [0, 1, 60, 1000, 4000])
def test_fragments_without_end(mock: MockServer, size: int) -> None:
    with leaves_nothing(mock), grows_little(), frames(mock.port) as one:
        one.send(TEXT, b"4", fin=False)
        fragments = build_frame(CONTINUATION, b"x" * size, fin=False) * (200_000 // (size + 6))
        for _ in range(50):
            if not one.peer.try_send(fragments):
                break
        assert one.read_close_code() == 1009


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING])
def test_flood(mock: MockServer, opcode: int) -> None:
    with leaves_nothing(mock), grows_little(), frames(mock.port) as one:
        payload = b"" if opcode == PING else b'42["x"]'
        for _ in range(20):
            if not one.peer.try_send(build_frame(opcode, payload) * 1000):
                break
        received = list(iter(one.read_frame, (CLOSE, b"")))
        assert received[-2][1] == b"1", "without it, python-engineio's client might go on sending"
        assert received[-1][0] == CLOSE
        assert received[-1][1].startswith(b"\x03\xf0"), "1008"


def test_flood_starves_no_others() -> None:
    """The reader of a client that always sends gives way, whatever is sent."""
    with MockServer(max_request_size=100_000_000) as roomy, frames(roomy.port) as one:
        one.send(BINARY, b"x", fin=False)
        stop = threading.Event()
        data = build_frame(CONTINUATION, b"x" * 1000, fin=False) * 100

        def flood() -> None:
            while not stop.is_set() and one.peer.try_send(data):
                pass

        sender = threading.Thread(target=flood)
        sender.start()
        try:
            for _ in range(5):
                with peer(roomy.port) as other:
                    other.send(head("GET /api/health HTTP/1.1", "Connection: close"))
                    assert other.read_response().status == 200
        finally:
            stop.set()
            sender.join()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_client_that_reads_nothing(mock: MockServer, transport: str) -> None:
    """Its packets are not kept without end."""
    with leaves_nothing(mock), grows_little(megabytes=25):
        client = FrameClient(mock.port) if transport == "websocket" else Polling(mock.port)
        for _ in range(2000):
            publish_large(mock)
            if count_connections(mock) == 0:
                break
        assert count_connections(mock) == 0
        if isinstance(client, FrameClient):
            client.close()


def publish_large(mock: MockServer) -> None:
    """Publish a large event, and wait until the server's thread has taken it: what waits for that is not bounded."""
    with mock.state as state:
        state.publish(users.DELETED, UserDeleted("x" * 200_000))
    taken = threading.Event()
    mock._context.realtime._call_soon(taken.set)
    taken.wait()


def test_large_event(mock: MockServer) -> None:
    """One event may be larger than what is kept for a client that reads nothing."""
    with frames(mock.port) as one:
        with mock.state as state:
            state.publish(users.DELETED, UserDeleted("x" * 3_000_000))
        publish_marker(mock)
        assert len(one.read_text()) > 3_000_000
        assert one.read_text().startswith("42")
