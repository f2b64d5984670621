"""MockServer: how it stops, and that nothing of it remains."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue_mock import MockServer, ReplyRequest
from tests.mockserver.listeners import Listener
from tests.mockserver.raw import head, peer
from tests.mockserver.test_server import HEALTH, SMART_CHAT, count_descriptors, is_serving
from tests.waiting import eventually

pytestmark = pytest.mark.slow


class Slow:
    """A reply that takes until it is allowed to end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, request: ReplyRequest) -> str:
        self.begun.set()
        assert self.may_end.wait(10)
        return "Done at last."


def test_request_in_flight_finishes() -> None:
    slow = Slow()
    mock = MockServer(reply_function=slow).start()
    with peer(mock.port) as one:
        one.send(SMART_CHAT)
        assert slow.begun.wait(10)
        stopping = threading.Thread(target=mock.stop)
        stopping.start()
        assert eventually(lambda: not is_serving(mock.port)), "new connections are refused"
        slow.may_end.set()
        response = one.read_response()
        assert (response.status, response.json["data"]["content"]) == (201, "Done at last.")
        assert one.is_closed()
        stopping.join(10)
        assert not stopping.is_alive()


def test_shutdown_timeout() -> None:
    slow = Slow()
    mock = MockServer(reply_function=slow, shutdown_timeout=0.2).start()
    with peer(mock.port) as one:
        one.send(SMART_CHAT)
        assert slow.begun.wait(10)
        slow_end = threading.Timer(1, slow.may_end.set)  # its thread cannot be cut off
        slow_end.start()
        mock.stop()
        assert one.is_closed()
        slow_end.join()


def test_idle_connections_are_closed() -> None:
    mock = MockServer(shutdown_timeout=60).start()
    idle = [peer(mock.port) for _ in range(20)]
    peers = [one.__enter__() for one in idle]
    for one in peers[:10]:
        one.send(head(HEALTH))
        one.read_response()
    for one in peers[10:15]:
        one.send(b"GET / HT")
    listeners = [Listener(mock.port) for _ in range(3)]
    began = time.monotonic()
    mock.stop()
    assert time.monotonic() - began < 30, "it has waited for them"
    assert all(one.is_closed() for one in peers)
    assert all(one.wait_for_disconnect() for one in listeners)
    for listener in listeners:
        listener.close()
    for each in idle:
        each.__exit__(None, None, None)


def test_exception_in_block() -> None:
    mock = MockServer()
    with pytest.raises(ZeroDivisionError), mock:
        raise ZeroDivisionError
    assert not is_serving(mock.port)


def use(mock: MockServer) -> Iterator[None]:
    """Everything that takes file descriptors and threads: requests, streams, replies in a thread, sockets."""
    with mock:
        for port in (mock.port, mock.chat_port):
            assert is_serving(port)
        with peer(mock.port) as one:
            one.send(SMART_CHAT)
            assert one.read_response().status == 201
        Listener(mock.port).close()
        yield


def check_leaks() -> None:
    """Start, use and stop servers; fail if file descriptors, threads or the servers are left."""

    def live() -> weakref.ref[MockServer]:
        mock = MockServer(reply_function=lambda request: "Yes.")
        for _ in use(mock):
            pass
        return weakref.ref(mock)

    live()  # what is loaded once stays
    before = count_descriptors(), threading.active_count()
    stopped = [live() for _ in range(5)]
    levels = eventually(lambda: count_descriptors() <= before[0] and threading.active_count() <= before[1])
    assert levels, (count_descriptors(), threading.active_count(), before)
    assert not [thread.name for thread in threading.enumerate() if thread.name == "duologue-mock"]
    assert [reference() for reference in stopped] == [None] * 5


def test_no_leaks() -> None:
    """In a process of its own: what other tests keep open here comes and goes."""
    code = f"import {__name__} as module; module.check_leaks()"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_closed_connections_leak_nothing() -> None:
    with MockServer() as mock:
        assert is_serving(mock.port)
        before = count_descriptors()
        for _ in range(50):
            assert is_serving(mock.port)
            with peer(mock.port) as one:
                one.send(b"GET / HT")
            Listener(mock.port).close()
        assert eventually(lambda: count_descriptors() <= before), (count_descriptors(), before)


def test_process_exits() -> None:
    """A test run that ends without stopping it ends all the same."""
    code = "from duologue_mock import MockServer; mock = MockServer().start(); print(mock.port)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not is_serving(int(done.stdout))
