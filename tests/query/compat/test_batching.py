from __future__ import annotations

import threading
from typing import Any

import pytest

from duologue import ClientClosedError, Clock
from duologue.compat.batching import BatchProcessor, RequestBatcher
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeClock, FakeFunction, Thread, wait_until


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


@pytest.mark.parametrize("cancelled", [[0], [1], [4], [0, 1, 2, 3], [0, 1, 2, 3, 4]])
def test_cancelled_calls(cancelled: list[int]) -> None:
    """A cancelled call is not made; the others of its batch get the result of the last one that was not cancelled."""
    clock = PausedClock()
    with RequestBatcher(clock=clock) as batcher:
        servers = [FakeFunction(number) for number in range(5)]
        futures = [batcher.submit("a", server) for server in servers]
        for number in cancelled:
            assert futures[number].cancel()
        clock.resume.set()
        left = [number for number in range(5) if number not in cancelled]
        assert [futures[number].result(TIMEOUT) for number in left] == [max(left)] * len(left) if left else True
        assert batcher.batch("a", FakeFunction("next")) == "next"
        assert [server.calls for server in servers] == [int(number == max(left, default=-1)) for number in range(5)]


@pytest.mark.parametrize("close", [False, True])
def test_cancelled_operations(close: bool) -> None:
    """Those that wait behind a cancelled operation are made, or rejected when the batcher is closed."""
    processor = BatchProcessor(batch_size=1)
    blocking = BlockingFunction("first")
    first = processor.add("0", blocking)
    assert blocking.started.wait(TIMEOUT)
    futures = [processor.add(str(number), FakeFunction(number)) for number in range(1, 6)]
    for future in futures[::2]:
        assert future.cancel()
    closing = Thread(processor.close) if close else None
    wait_until(lambda: processor._closing.is_set() == close)
    blocking.release.set()
    assert first.result(TIMEOUT) == "first"
    for future, number in ((futures[1], 2), (futures[3], 4)):
        if close:
            assert isinstance(future.exception(TIMEOUT), ClientClosedError)
        else:
            assert future.result(TIMEOUT) == number
    if closing is not None:
        _ = closing.result
    processor.close()


@pytest.mark.parametrize("raised", [ValueError, SystemExit])
def test_failing_done_callback(raised: type[BaseException]) -> None:
    """What a callback of a future raises affects no other future of the batch."""

    def fail(_: object) -> None:
        raise raised

    clock, blocking = PausedClock(), BlockingFunction(1)
    with RequestBatcher(clock=clock) as batcher, BatchProcessor(batch_size=1) as processor:
        futures = [batcher.submit("a", FakeFunction(1)) for _ in range(3)]
        futures[0].add_done_callback(fail)
        clock.resume.set()
        assert [future.result(TIMEOUT) for future in futures] == [1, 1, 1]
        first, second = processor.add("a", blocking), processor.add("b", FakeFunction(2))
        first.add_done_callback(fail)
        blocking.release.set()
        assert second.result(TIMEOUT) == 2


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that cannot be made raises, and strands neither those before it nor those after it."""
    batcher, processor = RequestBatcher(), BatchProcessor()

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        for one in (batcher, processor):
            patch.setattr(one._pool, "submit", refuse)
        for call in (lambda: batcher.batch("a", FakeFunction(1)), lambda: processor.add("a", FakeFunction(1))):
            with pytest.raises(RuntimeError, match="thread"):
                call()
    assert batcher.batch("a", FakeFunction(2)) == 2
    assert processor.add("a", FakeFunction(2)).result(TIMEOUT) == 2
    submit = processor._pool.submit
    with monkeypatch.context() as patch:
        patch.setattr(processor._pool, "submit", lambda function, *args: submit(function) if not args else refuse())
        assert isinstance(processor.add("a", FakeFunction(3)).exception(TIMEOUT), RuntimeError)
    assert processor.add("a", FakeFunction(4)).result(TIMEOUT) == 4
    batcher.close()
    processor.close()
