"""Whatever one client sends, the greenlets of the others have their turn: without a network, in this thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import AsyncResult

from duologue_mock.http.wsgi import REQUEST_KEY
from duologue_mock.realtime import session as session_module
from duologue_mock.realtime.engine import EngineIOServer
from duologue_mock.realtime.packets import PacketRate
from duologue_mock.realtime.session import Session
from duologue_mock.realtime.websocket import WebSocket
from tests.mockserver.clocks import ManualClock
from tests.mockserver.raw import PATIENCE
from tests.mockserver.realtime.raw_clients import CONTINUATION, QUERY, TEXT, build_frame

PIECES = 50


class Stream:
    """A connection whose client has always sent more, up to a number of pieces."""

    def __init__(self, piece: bytes) -> None:
        self.first, self.piece = build_frame(TEXT, b"4", fin=False), piece
        self.reads = 0

    def read1(self, size: int) -> bytes:
        self.reads += 1
        if self.reads > PIECES:
            return b""
        return self.first if self.reads == 1 else self.piece

    def sendall(self, data: bytes) -> None:
        """Take a frame."""


class Body:
    """A request with a body."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read_body(self, limit: int) -> bytes:
        return self._body


def count_turns(function: Callable[[], object]) -> int:
    """Run a function, and return how many turns another greenlet had meanwhile."""
    turns = 0

    def count() -> None:
        nonlocal turns
        while not running.ready():
            turns += 1
            gevent.sleep(0)

    running = gevent.spawn(function)
    gevent.joinall([running, gevent.spawn(count)], raise_error=True)
    return turns


def open_websocket(stream: Stream, clock: ManualClock) -> WebSocket:
    return WebSocket(stream, stream, max_message_size=100_000, rate=PacketRate(clock), last_message="1")


def test_turns_while_receiving(clock: ManualClock) -> None:
    websocket = open_websocket(Stream(build_frame(CONTINUATION, b"x", fin=False)), clock)
    assert count_turns(websocket.receive) >= PIECES - 5


def test_turns_while_draining(clock: ManualClock) -> None:
    """What a client still sends after a mistake is read, so that it can read why the websocket was closed."""
    stream = Stream(b"x" * 1000)
    websocket = open_websocket(stream, clock)
    websocket.fail(1009, "Too large")
    assert websocket.receive() is None
    assert count_turns(websocket.drain) >= PIECES - 5
    assert stream.reads == PIECES + 1


def test_turns_while_posting(clock: ManualClock) -> None:
    messages: list[Any] = []
    engine = EngineIOServer(
        clock=clock,
        max_message_size=1000,
        on_open=lambda session, environ: None,
        on_message=lambda session, message: messages.append(message),
        on_close=lambda session: None,
    )
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/socket.io/", "QUERY_STRING": f"{QUERY}polling"}
    engine(environ, lambda *_: None)
    (sid,) = engine._sessions
    posted = {
        **environ,
        "REQUEST_METHOD": "POST",
        "QUERY_STRING": f"{QUERY}polling&sid={sid}",
        REQUEST_KEY: Body(b"\x1e".join([b"4x"] * PIECES)),
    }
    assert count_turns(lambda: engine(posted, lambda *_: None)) >= PIECES - 5
    assert messages == ["x"] * PIECES
    engine.close()


def test_unrequested_pong(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pong without a ping does not put off what is due."""
    closed: AsyncResult[Session] = AsyncResult()
    monkeypatch.setattr(session_module, "PING_INTERVAL", 0)
    session = Session("sid", PacketRate(clock), closed.set)
    monkeypatch.setattr(session_module, "PING_INTERVAL", 1000)
    session.receive_pong()
    assert closed.get(timeout=PATIENCE) is session
