"""Ctrl-C may come between any two lines: no other thread is left waiting, and the cache is usable afterwards."""

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from duologue.concurrency import notify
from duologue.query import QueryCancelledError, QueryClient, QueryTimeout, cache, fetcher, query, single_flight
from duologue.query.single_flight import SingleFlight
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeFunction, Thread, wait_until
from tests.waiting import eventually

pytestmark = pytest.mark.slow

FILES = {module.__file__ for module in (notify, cache, fetcher, query, single_flight)}


class Interruption:
    """Raises `KeyboardInterrupt` in the calling thread before a line of the query layer, counted from the first.

    Args:
        line: the number of the line.
    """

    def __init__(self, line: int) -> None:
        self.left = line
        self.happened = False
        self.place = "nowhere"
        self._seen: set[tuple[FrameType, int]] = set()

    def run(self, function: Callable[[], Any]) -> Any:
        sys.settrace(self._trace)
        try:
            return function()
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line" and not self.happened and not self._leaves_with(frame):
            self.left -= 1
            if self.left < 0:
                self.happened = True
                self.place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self._trace

    def _leaves_with(self, frame: FrameType) -> bool:
        """Return whether the line is that of a `with` that is being left: Python checks for no signal there."""
        if not linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with "):
            return False
        visit = (frame, frame.f_lineno)
        seen = visit in self._seen
        self._seen.add(visit)
        return seen


class Pair:
    """A leader that is interrupted at a line, and a follower that has joined it before, if there was a call to join.

    Args:
        line: the line.
        call: makes the call with a function.
        count_joined: returns how many threads have joined the call.
    """

    def __init__(
        self, line: int, call: Callable[[Callable[[], Any]], Any], count_joined: Callable[[], int], result: Any
    ) -> None:
        self.interruption = Interruption(line)
        self._started, self._count_joined, self._result = threading.Event(), count_joined, result
        self.leader = Thread(lambda: self._lead(call))
        assert self._started.wait(TIMEOUT)
        self.follower = Thread(lambda: call(FakeFunction("data")))

    def _lead(self, call: Callable[[Callable[[], Any]], Any]) -> Any:
        self._leading = threading.get_ident()
        try:
            return self.interruption.run(lambda: call(self._function))
        finally:
            self._started.set()

    def _function(self) -> Any:
        if threading.get_ident() == self._leading and not self._started.is_set():
            self._started.set()
            wait_until(lambda: self._count_joined() == 2)
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    def end(self) -> None:
        """Assert that both threads have ended, the follower with the data, or the error of the function."""
        # cancelled: it joined just when the interrupted leader had no other thread to leave the fetch to
        expected = (QueryCancelledError, *([ValueError] if isinstance(self._result, ValueError) else []))
        with suppress(KeyboardInterrupt, *([ValueError] if isinstance(self._result, ValueError) else [])):
            assert self.leader.result == "data"
        with suppress(*expected):
            assert self.follower.result == "data"


@pytest.mark.parametrize("result", ["data", ValueError("no")], ids=["data", "error"])
def test_interrupted_fetch(result: Any) -> None:
    line, happened = 0, True
    while happened:
        with QueryClient() as client:
            pair = Pair(
                line,
                lambda function, client=client: client.fetch(("a",), function, retry=0),  # type: ignore[misc]
                lambda client=client: max([len(fetch._joined) for fetch in list(client.fetcher._fetches)]),  # type: ignore[misc]
                result,
            )
            try:
                pair.end()
                check(client)
            except AssertionError as error:
                raise AssertionError(f"interrupted at {pair.interruption.place}") from error
            happened, line = pair.interruption.happened, line + 1
    assert line > 100


def check(client: QueryClient) -> None:
    """Assert that a cache is usable."""
    assert client.wait_idle(timeout=TIMEOUT)
    assert client.is_fetching() == 0
    state = client.get_state(("a",))
    assert state is None or state.fetch_status == "idle"
    seen: list[Any] = []
    with client.observe(("a",), FakeFunction("newer"), lambda result: seen.append(result.data), stale_time=0):
        wait_until(lambda: client.get_data(("a",)) == "newer")
        client.set_data(("a",), "set")
        wait_until(lambda: seen[-1:] == ["set"])
    assert client.query(("a",), FakeFunction("newest")).refetch() == "newest"
    client.remove(("a",))
    assert len(client) == 0


def test_interrupted_flight() -> None:
    line, happened = 0, True
    while happened:
        flights = SingleFlight()
        pair = Pair(
            line,
            lambda function, flights=flights: flights.do("a", function),  # type: ignore[misc]
            lambda flights=flights: len(flights._flights["a"]._joined),  # type: ignore[misc]
            "data",
        )
        pair.end()
        assert len(flights) == 0
        assert flights.do("a", FakeFunction("newer"), timeout=TIMEOUT) == "newer"
        happened, line = pair.interruption.happened, line + 1
    assert line > 30


def test_interrupt_without_waiter() -> None:
    """The next caller's function is called, not that of the caller who was interrupted."""
    flights = SingleFlight()
    with pytest.raises(KeyboardInterrupt):
        flights.do("a", FakeFunction(KeyboardInterrupt()))
    assert len(flights) == 0
    assert flights.do("a", FakeFunction("other")) == "other"


def test_interrupt_and_timed_out_waiter() -> None:
    """The leader leaves the fetch to a waiter, whose time is over: then another one takes it, or it is cancelled."""
    for others in (0, 1):
        with QueryClient() as client:
            blocking = BlockingFunction(KeyboardInterrupt())
            leader = Thread(lambda client=client, call=blocking: client.fetch(("a",), call))  # type: ignore[misc]
            assert blocking.started.wait(TIMEOUT)
            (fetch,) = client.fetcher._fetches
            waiters = [
                Thread(lambda client=client: client.fetch(("a",), FakeFunction("data")))  # type: ignore[misc]
                for _ in range(others)
            ]
            wait_until(lambda fetch=fetch, others=others: fetch.waiters == 1 + others)  # type: ignore[misc]
            fetch.function = FakeFunction("data")
            late = Thread(lambda client=client: client.fetch(("a",), FakeFunction(), timeout=1e-9))  # type: ignore[misc]
            with pytest.raises(QueryTimeout):
                _ = late.result
            blocking.release.set()
            with pytest.raises(KeyboardInterrupt):
                _ = leader.result
            assert [waiter.result for waiter in waiters] == ["data"] * others
            assert client.wait_idle(timeout=TIMEOUT)
            state = client.get_state(("a",))
            assert state is None or state.fetch_status == "idle"


def test_interrupted_waiter() -> None:
    """A waiter that times out when there is no leader any more does not take the call over, but leaves it idle."""
    with QueryClient() as client:
        fetch = client.fetcher.start(client.query(("a",), FakeFunction("data")).spec)
        token = object()
        fetch._joined.add(token)  # of a leader that has just been interrupted
        fetch._leading, fetch.leader = token, -1
        late = Thread(lambda: fetch.join(0.2))
        wait_until(lambda: fetch.waiters == 2)
        fetch._joined.discard(token)
        with pytest.raises(QueryTimeout):
            _ = late.result
        fetch._leave(token)
        assert client.wait_idle(timeout=TIMEOUT)
        assert client.is_fetching() == 0


def test_interrupt_in_a_callback() -> None:
    """The events that it did not get to are delivered by the next thread that delivers any."""
    with QueryClient() as client:
        seen: list[Any] = []
        observer: Any = client.observe(
            ("a",), None, lambda result: FakeFunction(KeyboardInterrupt())() if not seen else 0
        )
        client.observe(("a",), None, lambda result: seen.append(result.data))
        with pytest.raises(KeyboardInterrupt):
            client.set_data(("a",), 1)
        observer.close()
        client.set_data(("b",), 1)
        assert eventually(lambda: seen == [1], within=TIMEOUT)
