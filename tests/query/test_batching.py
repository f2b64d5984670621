from __future__ import annotations

import threading
from typing import Any

import pytest

from duologue import ClientClosedError, Clock
from duologue.compat import BatchProcessor, RequestBatcher
from tests.query.fakes import PATIENCE, Held, Server, SteppedClock, Thread


class Paused(Clock):
    """Sleeping lasts until told."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.asleep = threading.Event()
        self.go_on = threading.Event()

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, until: threading.Event) -> None:
        self.slept.append(round(seconds, 3))
        wakes = self.seconds + seconds
        self.asleep.set()
        while not (self.go_on.wait(0.01) or until.is_set()):
            pass
        self.seconds = max(self.seconds, wakes)


def test_calls_of_one_key_within_50_ms_are_one() -> None:
    clock = Paused()
    with RequestBatcher(clock=clock) as batcher:
        server = Server("answer", "never")
        answers = [batcher.submit("users", server) for _ in range(5)]
        other = batcher.submit("chats", Server("other"))
        assert clock.asleep.wait(PATIENCE)
        clock.go_on.set()
        assert [answer.result(PATIENCE) for answer in answers] == ["answer"] * 5
        assert other.result(PATIENCE) == "other"
        assert (server.calls, clock.slept[0]) == (1, 0.05)


def test_each_further_call_begins_the_moment_anew() -> None:
    clock = Paused()
    with RequestBatcher(clock=clock) as batcher:
        first = batcher.submit("a", Server("first"))
        assert clock.asleep.wait(PATIENCE)
        clock.seconds = 0.03
        second = batcher.submit("a", Server("second"))
        clock.go_on.set()
        assert (first.result(PATIENCE), second.result(PATIENCE)) == ("second", "second")
    assert clock.slept == [0.05, 0.03]


def test_an_error_reaches_all_of_a_batch(clock: SteppedClock) -> None:
    with RequestBatcher(clock=clock) as batcher, pytest.raises(ValueError, match="no"):
        batcher.batch("a", Server(ValueError("no")))


def test_a_batcher_that_is_closed_makes_nobody_wait() -> None:
    clock = Paused()
    batcher = RequestBatcher(clock=clock)
    waiting = Thread(lambda: batcher.batch("a", Server("never")))
    assert clock.asleep.wait(PATIENCE)
    batcher.close()
    with pytest.raises(ClientClosedError):
        _ = waiting.result
    with pytest.raises(ClientClosedError):
        batcher.submit("a", Server("never"))


def test_five_at_a_time_a_tenth_of_a_second_apart(clock: SteppedClock) -> None:
    running, most = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(5)

    def operation() -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(PATIENCE)
        with lock:
            running -= 1
        return "done"

    with BatchProcessor(clock=clock) as batch:
        hold = Held()
        blocked = [batch.add("hold", hold)]
        assert hold.begun.wait(PATIENCE)
        answers = [batch.add(str(number), operation) for number in range(10)]
        hold.release.set()
        assert [answer.result(PATIENCE) for answer in answers] == ["done"] * 10
        assert blocked[0].result(PATIENCE) == "answer"
    assert most == 5
    assert clock.slept == [0.1, 0.1]


def test_one_failure_does_not_fail_the_others(clock: SteppedClock) -> None:
    with BatchProcessor(clock=clock) as batch:
        answers = [batch.add(str(n), Server(ValueError("no") if n == 1 else n)) for n in range(3)]
        results: list[Any] = [answer.exception(PATIENCE) or answer.result() for answer in answers]
    assert results[0] == 0
    assert isinstance(results[1], ValueError)
    assert results[2] == 2


def test_closing_refuses_what_is_queued(clock: SteppedClock) -> None:
    batch = BatchProcessor(clock=clock, batch_size=1)
    hold = Held()
    batch.add("hold", hold)
    assert hold.begun.wait(PATIENCE)
    queued = batch.add("queued", Server("never"))
    closing = Thread(batch.close)
    batch._closing.wait(PATIENCE)
    hold.release.set()
    closing.join(PATIENCE)
    assert isinstance(queued.exception(PATIENCE), ClientClosedError)
    with pytest.raises(ClientClosedError):
        batch.add("late", Server("never"))
