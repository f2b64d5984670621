"""`SingleFlight`: concurrent calls of one key are one call, whatever becomes of it."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from duologue import Clock, QueryCancelledError, QueryTimeout
from duologue.query.single_flight import Flight, SingleFlight
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeClock, FakeFunction, Thread, wait_until


def lead(flights: SingleFlight, key: str, result: Any = "result") -> tuple[Thread, BlockingFunction]:
    """Return a thread that leads a call, and the function that it is in."""
    blocking = BlockingFunction(result)
    thread = Thread(lambda: flights.do(key, blocking))
    assert blocking.started.wait(TIMEOUT)
    return thread, blocking


def test_error_reaches_all() -> None:
    flights, error = SingleFlight(), ValueError("no")
    leader, blocking = lead(flights, "a", error)
    waiter = Thread(lambda: flights.do("a", FakeFunction("never")))
    wait_until(lambda: flights._flights["a"].waiters == 2)
    blocking.release.set()
    for thread in (leader, waiter):
        with pytest.raises(ValueError, match="no") as caught:
            _ = thread.result
        assert caught.value is error
    assert blocking.calls == 1
    assert len(flights) == 0
    assert flights.do("a", FakeFunction("next")) == "next"


def test_traceback_is_that_of_the_call() -> None:
    """However many threads raise an error, each sees where it was raised, and nothing of the others."""
    flight: Flight[Any] = Flight(lambda flight: None, Clock(), {}, lambda flight: None)
    try:
        FakeFunction(ValueError("no"))()
    except ValueError as error:
        flight.settle(error=error)
    seen = []
    for _ in range(3):
        with pytest.raises(ValueError, match="no") as caught:
            flight.result()
        seen.append([frame.name for frame in traceback.extract_tb(caught.value.__traceback__)])
    assert seen[0][-1] == "__call__"
    assert seen[0] == seen[1] == seen[2]


def test_other_key() -> None:
    flights = SingleFlight()
    leader, blocking = lead(flights, "a")
    assert len(flights) == 1
    assert flights.do("b", FakeFunction("other")) == "other"
    blocking.release.set()
    assert leader.result == "result"


@pytest.mark.parametrize("timeout", [0, 0.5, 5])
def test_timeout(timeout: float) -> None:
    """It is waited for just as long, and the leader's call goes on."""
    clock = FakeClock()
    flights = SingleFlight(clock=clock)
    leader, blocking = lead(flights, "a")
    with pytest.raises(QueryTimeout):
        flights.do("a", FakeFunction("never"), timeout=timeout)
    assert clock.slept == [timeout]
    blocking.release.set()
    assert leader.result == "result"


def test_timeout_of_leader() -> None:
    """It bounds the wait for another thread, not the call that a thread makes itself."""
    clock = FakeClock()
    assert SingleFlight(clock=clock).do("a", lambda: clock.advance(60), timeout=1) is None


def test_own_result() -> None:
    flights = SingleFlight()

    def function() -> Any:
        return flights.do("a", FakeFunction("never"))

    with pytest.raises(RuntimeError, match=r"^The function requests its own result and would deadlock$"):
        flights.do("a", function)


class InterruptedClock(Clock):
    """Calls a function, once, in a wait, as a signal's handler is called."""

    def __init__(self) -> None:
        self.handlers: list[Callable[[], object]] = []

    def sleep(self, seconds: float, until: threading.Event) -> None:
        if self.handlers:
            self.handlers.pop()()
        assert until.wait(TIMEOUT)


def test_wait_in_a_signal_handler() -> None:
    """After a wait within a wait, the outer one still counts as one: two calls that wait for each other are found."""
    clock = InterruptedClock()
    flights, started, is_waiting = SingleFlight(clock=clock), threading.Event(), threading.Event()

    def handle_signal() -> None:
        leader, blocking = lead(flights, "inner")
        clock.handlers.append(blocking.release.set)
        assert flights.do("inner", FakeFunction("never")) == leader.result == "result"
        is_waiting.set()

    def request_b() -> Any:
        started.set()
        assert is_waiting.wait(TIMEOUT)
        return flights.do("b", FakeFunction("never"))

    def request_a() -> Any:
        clock.handlers.append(handle_signal)
        return flights.do("a", FakeFunction("never"))

    one = Thread(lambda: flights.do("a", request_b))
    assert started.wait(TIMEOUT)
    other = Thread(lambda: flights.do("b", request_a))
    for thread in (one, other):
        with pytest.raises(RuntimeError, match="would deadlock"):
            _ = thread.result


class Waiting(dict[int, Flight[Any]]):
    """Calls a function when a thread is about to wait."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function

    def __setitem__(self, thread: int, flight: Flight[Any]) -> None:
        super().__setitem__(thread, flight)
        self.function()


def test_leader_leaves_before_the_wait() -> None:
    """A thread that is about to wait takes over, if nothing is left to wait for."""
    blocking = BlockingFunction(KeyboardInterrupt())
    functions: list[Callable[[], Any]] = [blocking, FakeFunction("taken over")]

    def leave() -> None:
        blocking.release.set()
        leader.join(TIMEOUT)

    flight: Flight[Any] = Flight(
        lambda flight: flight.settle(functions.pop(0)()), Clock(), Waiting(leave), lambda flight: None
    )
    leader = Thread(flight.join)
    assert blocking.started.wait(TIMEOUT)
    waiter = Thread(flight.join)
    assert waiter.result == "taken over"
    with pytest.raises(KeyboardInterrupt):
        _ = leader.result


class CountingClock(Clock):
    """Counts the waits."""

    def __init__(self) -> None:
        self.waits = 0

    def sleep(self, seconds: float, until: threading.Event) -> None:
        self.waits += 1
        assert until.wait(TIMEOUT)


def test_others_wait_again_when_one_takes_over() -> None:
    """Two threads wait, the leader is interrupted, one takes over: the other sleeps until that one has a result."""
    clock, first, second = CountingClock(), BlockingFunction(KeyboardInterrupt()), BlockingFunction("taken over")
    functions: list[Callable[[], Any]] = [first, second]
    flight: Flight[Any] = Flight(lambda flight: flight.settle(functions.pop(0)()), clock, {}, lambda flight: None)
    leader = Thread(flight.join)
    assert first.started.wait(TIMEOUT)
    waiters = [Thread(flight.join) for _ in range(2)]
    wait_until(lambda: clock.waits == 2)
    first.release.set()
    assert second.started.wait(TIMEOUT)
    wait_until(lambda: clock.waits == 3)
    second.release.set()
    assert [waiter.result for waiter in waiters] == ["taken over"] * 2
    assert clock.waits == 3
    with pytest.raises(KeyboardInterrupt):
        _ = leader.result


def test_who_waited_is_forgotten() -> None:
    flights = SingleFlight()
    leader, blocking = lead(flights, "a")
    waiter = Thread(lambda: flights.do("a", FakeFunction("never")))
    wait_until(lambda: len(flights._waiting) == 1)
    blocking.release.set()
    assert leader.result == waiter.result == "result"
    assert flights._waiting == {}


@pytest.mark.parametrize("name", ["_lock", "_changed", "stop"])
def test_locks_after_a_fork(name: str) -> None:
    flight: Flight[Any] = Flight(lambda flight: None, Clock(), {}, lambda flight: None)
    before = getattr(flight, name)
    flight.drop_after_fork()
    assert getattr(flight, name) is not before


def test_call_of_lost_thread() -> None:
    """A forked process does not have the thread that led it: a caller that holds the call gets an error."""
    flights = SingleFlight()
    leader, blocking = lead(flights, "a")
    flight = flights._flights["a"]
    flights.after_fork()
    assert len(flights) == 0
    assert (flight.waiters, flight.leader) == (0, None)
    blocking.release.set()
    with pytest.raises(QueryCancelledError, match=r"^The process was forked during the fetch, which is its parent's$"):
        _ = leader.result


@pytest.mark.parametrize("in_background", [False, True])
def test_call_that_forks(in_background: bool) -> None:
    """It goes on in both processes, but those that wait for it are the parent's."""
    waiters: list[Thread] = []

    def function(flight: Flight[Any]) -> None:
        waiters.append(Thread(flight.join))
        wait_until(lambda: flight.waiters == (1 if in_background else 2))
        parents = flight._changed
        assert not flight.drop_after_fork()
        flight.settle(flight.waiters)
        parents.set()

    flight: Flight[Any] = Flight(function, Clock(), {}, lambda flight: None)
    if in_background:
        flight.run_unless_running()
    else:
        flight.join()
    assert flight.result() == (0 if in_background else 1)
    assert waiters[0].result == flight.result()
