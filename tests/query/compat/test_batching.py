from __future__ import annotations

import threading
from typing import Any

import pytest

from duologue import ClientClosedError, Clock
from duologue.compat.batching import BatchProcessor, RequestBatcher
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeClock, FakeFunction, Thread


class PausedClock(Clock):
    """A sleep lasts until `resume` is set."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.asleep = threading.Event()
        self.resume = threading.Event()

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, until: threading.Event) -> None:
        self.slept.append(round(seconds, 3))
        wakes = self.seconds + seconds
        self.asleep.set()
        while not (self.resume.wait(0.01) or until.is_set()):
            pass
        self.seconds = max(self.seconds, wakes)


def test_calls_are_combined() -> None:
    clock = PausedClock()
    with RequestBatcher(clock=clock) as batcher:
        server = FakeFunction("result", "never")
        futures = [batcher.submit("users", server) for _ in range(5)]
        other = batcher.submit("chats", FakeFunction("other"))
        assert clock.asleep.wait(TIMEOUT)
        clock.resume.set()
        assert [future.result(TIMEOUT) for future in futures] == ["result"] * 5
        assert other.result(TIMEOUT) == "other"
        assert (server.calls, clock.slept[0]) == (1, 0.05)


def test_call_restarts_delay() -> None:
    clock = PausedClock()
    with RequestBatcher(clock=clock) as batcher:
        first = batcher.submit("a", FakeFunction("first"))
        assert clock.asleep.wait(TIMEOUT)
        clock.seconds = 0.03
        second = batcher.submit("a", FakeFunction("second"))
        clock.resume.set()
        assert (first.result(TIMEOUT), second.result(TIMEOUT)) == ("second", "second")
    assert clock.slept == [0.05, 0.03]


def test_error_reaches_batch(clock: FakeClock) -> None:
    with RequestBatcher(clock=clock) as batcher, pytest.raises(ValueError, match="no"):
        batcher.batch("a", FakeFunction(ValueError("no")))


def test_close_releases_waiters() -> None:
    clock = PausedClock()
    batcher = RequestBatcher(clock=clock)
    waiting = Thread(lambda: batcher.batch("a", FakeFunction("never")))
    assert clock.asleep.wait(TIMEOUT)
    batcher.close()
    with pytest.raises(ClientClosedError):
        _ = waiting.result
    with pytest.raises(ClientClosedError):
        batcher.submit("a", FakeFunction("never"))


def test_batch_size_and_pause(clock: FakeClock) -> None:
    running, maximum = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(5)

    def operation() -> str:
        nonlocal running, maximum
        with lock:
            running += 1
            maximum = max(maximum, running)
        together.wait(TIMEOUT)
        with lock:
            running -= 1
        return "done"

    with BatchProcessor(clock=clock) as batch:
        block = BlockingFunction()
        blocked = batch.add("block", block)
        assert block.started.wait(TIMEOUT)
        futures = [batch.add(str(number), operation) for number in range(10)]
        block.release.set()
        assert [future.result(TIMEOUT) for future in futures] == ["done"] * 10
        assert blocked.result(TIMEOUT) == "result"
    assert maximum == 5
    assert clock.slept == [0.1, 0.1]


def test_one_failure(clock: FakeClock) -> None:
    with BatchProcessor(clock=clock) as batch:
        futures = [batch.add(str(n), FakeFunction(ValueError("no") if n == 1 else n)) for n in range(3)]
        results: list[Any] = [future.exception(TIMEOUT) or future.result() for future in futures]
    assert results[0] == 0
    assert isinstance(results[1], ValueError)
    assert results[2] == 2


def test_close_rejects_queued(clock: FakeClock) -> None:
    batch = BatchProcessor(clock=clock, batch_size=1)
    block = BlockingFunction()
    batch.add("block", block)
    assert block.started.wait(TIMEOUT)
    queued = batch.add("queued", FakeFunction("never"))
    closing = Thread(batch.close)
    batch._closing.wait(TIMEOUT)
    block.release.set()
    closing.join(TIMEOUT)
    assert isinstance(queued.exception(TIMEOUT), ClientClosedError)
    with pytest.raises(ClientClosedError):
        batch.add("late", FakeFunction("never"))
