"""Sending events: at once, in order, from many threads, while there is no connection, with an acknowledgement."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from duologue import (
    Client,
    ConnectionLostError,
    Event,
    NotFoundError,
    RateLimitError,
    RequestTimeout,
    SendBufferFullError,
    defaults,
)
from duologue.realtime import socketio_link
from duologue_mock import MockServer
from tests.client.realtime.fakes import TIMEOUT, Connect, GatedClock, ScriptedHandler, Start, disconnect_all
from tests.client.realtime.raw_server import frame, open_packet, serve, speak


def test_send_buffer(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime.connect()
    mock.stop()
    gate.wait_for_sleep()
    changing = {"n": 0}
    live.emit("n", changing)
    changing["n"] = 99  # too late
    for number in range(1, defaults.SEND_BUFFER_SIZE):
        live.emit("n", {"n": number})
    with pytest.raises(SendBufferFullError, match="'n' was not added") as caught:
        live.emit("n", {"n": -1})
    assert isinstance(caught.value, ConnectionLostError)
    with pytest.raises(ConnectionLostError):
        live.call("n")
    again = start(mock)
    handler = ScriptedHandler(again, lambda _: None)
    gate.release()
    assert [data["n"] for _, data in handler.wait(defaults.SEND_BUFFER_SIZE)] == list(range(defaults.SEND_BUFFER_SIZE))


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
NESTED: list[Any] = functools.reduce(lambda inner, _: [inner], range(100_000), CIRCLE[:0])

UNSENDABLE: dict[str, tuple[Any, type[Exception]]] = {
    "set": ({1}, TypeError),
    "bytes": (b"a", TypeError),
    "nested bytes": ({"a": [b"a"]}, TypeError),
    "complex": (1j, TypeError),
    "key": ({(1, 2): 3}, TypeError),
    "NaN": ({"a": [float("nan")]}, ValueError),
    "infinite": (float("-inf"), ValueError),
    "surrogate": ("\ud800", ValueError),
    "surrogate in a key": ({"\udfff": 1}, ValueError),
    "long number": (10**5000, ValueError),
    "circle": (CIRCLE, ValueError),
    "nested": (NESTED, ValueError),
}


@pytest.mark.parametrize(("data", "error"), UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_unsendable_data(mock: MockServer, connect: Connect, data: Any, error: type[Exception]) -> None:
    """It is refused at once, in words, and the connection stands."""
    with connect().realtime.connect() as live:
        with pytest.raises(error, match="'bad' cannot be sent"):
            live.emit("bad", data)
        with pytest.raises(error, match="'bad' cannot be sent"):
            live.call("bad", data)
        with pytest.raises(NotFoundError):
            live.call("good", timeout=TIMEOUT)


def test_unsendable_while_lost(start: Start, connect: Connect, gate: GatedClock) -> None:
    """Also what would wait for a connection; what does wait is a copy."""
    mock = start()
    live = connect(mock).realtime.connect()
    mock.stop()
    gate.wait_for_sleep()
    with pytest.raises(ValueError, match="float"):
        live.emit("bad", float("nan"))
    with pytest.raises(ValueError, match="surrogate"):
        live.emit("\ud800")
    data = {"a": [1]}
    live.emit("good", data)
    data["a"].append(2)
    handler = ScriptedHandler(start(mock), lambda _: None)
    gate.release()
    assert handler.wait(1) == [["good", {"a": [1]}]]
    live.disconnect()


def test_slow_server(clients: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes nothing does not fill the memory."""
    monkeypatch.setattr(socketio_link, "MAX_UNSENT", 50)
    with serve(speak(frame(open_packet()), frame('40{"sid":"s"}'), hold=True)) as server:
        live = clients(realtime_url=server.url).realtime.connect()
        assert live._connection is not None
        assert live._connection._link is not None
        monkeypatch.setattr(live._connection._link._websockets[0], "send", lambda _: server.ended.wait(TIMEOUT))
        for _ in range(50):
            live.emit("a")
        with pytest.raises(SendBufferFullError, match="50 events"):
            live.emit("a")
        server.ended.set()
        live.disconnect()


def test_emit_in_threads(start: Start, connect: Connect) -> None:
    mock = start()
    handler = ScriptedHandler(mock, lambda _: None)
    with connect(mock).realtime.connect() as live:

        def send(thread: int) -> None:
            for number in range(10):
                live.emit("n", [thread, number])

        threads = [threading.Thread(target=send, args=[thread]) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        events = handler.wait(80)
    for number in range(8):
        assert [data[1] for _, data in events if data[0] == number] == list(range(10))


def test_emit_before_disconnect(start: Start, connect: Connect) -> None:
    mock = start()
    handler = ScriptedHandler(mock, lambda _: None)
    for transport in ("websocket", "polling"):
        with connect(mock).realtime.connect(transports=[transport]) as live:
            for number in range(40):
                live.emit("last", number)
    assert [data for _, data in handler.wait(80)] == [*range(40), *range(40)]


def test_acknowledgements(start: Start, connect: Connect) -> None:
    mock = start()
    body = {
        "message": "Slow down",
        "code": "RATE_LIMIT_ERROR",
        "details": {"message": "m"},
        "errors": [],
        "metadata": {},
    }
    acknowledgements: dict[str, list[Any] | None] = {
        "one": [{"a": 1}],
        "none": [],
        "two": [1, 2],
        "error": [body],
        "unlike": [{"message": "m", "code": "x"}],
        "odd": [{**body, "code": "OWN"}],
        "never": None,
    }
    ScriptedHandler(mock, lambda data: acknowledgements[data[0]])
    with connect(mock).realtime.connect() as live:
        assert live.call("one", timeout=TIMEOUT) == {"a": 1}
        assert live.call("none", timeout=TIMEOUT) is None
        assert live.call("two", timeout=TIMEOUT) == [1, 2]
        assert live.call("unlike", timeout=TIMEOUT) == {"message": "m", "code": "x"}
        assert live.call("odd", timeout=TIMEOUT) == {**body, "code": "OWN"}
        with pytest.raises(RateLimitError, match="Slow down") as caught:
            live.call("error", timeout=TIMEOUT)
        assert (caught.value.status, caught.value.code) == (429, "RATE_LIMIT_ERROR")
        with pytest.raises(RequestTimeout, match="did not acknowledge 'never'"):
            live.call("never", timeout=0.05)
        assert live._connection is not None
        assert live._connection._link is not None
        assert len(live._connection._link._socket.callbacks["/"]) == 1  # the counter: no callback is left over


def test_call_and_lost_connection(start: Start, connect: Connect) -> None:
    mock = start()
    ScriptedHandler(mock, lambda _: disconnect_all(mock))
    live = connect(mock).realtime.connect()
    started_at = time.monotonic()
    with pytest.raises(ConnectionLostError, match="before the server acknowledged"):
        live.call("a", timeout=60)
    assert time.monotonic() - started_at < TIMEOUT


def test_acknowledged_error(connect: Connect) -> None:
    with connect().realtime.connect() as live:
        with pytest.raises(NotFoundError, match="Unknown event 'no:such:event'"):
            live.call("no:such:event", {"a": 1}, timeout=5)
        live.emit("no:such:event")
        assert live.receive(Event("error"), timeout=5).name == "error"


def test_reserved_names(connect: Connect) -> None:
    with connect().realtime.connect() as live, pytest.raises(ValueError, match=r"reserved by Socket\.IO"):
        live.emit("disconnect")
