"""One call shared by all callers that want the same thing at the same time.

The specifications' `RequestDeduplicator`, for threads; the name is Go's (`x/sync/singleflight`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from duologue.concurrency.clock import Clock
from duologue.errors import QueryTimeout

T = TypeVar("T")


class Flight(Generic[T]):
    """One shared call.

    The first thread that joins becomes the leader and runs the call; the others wait for its result. If the leader is
    interrupted (Ctrl-C), one of the waiters takes over.

    Args:
        function: runs the call and settles the flight; it may raise only what is not an `Exception`.
        clock: waits.
        waiting: the flight that each thread waits for, shared by all flights whose calls may wait for each other.
    """

    def __init__(self, function: Callable[[Flight[T]], None], clock: Clock, waiting: dict[int, Flight[Any]]) -> None:
        self._function = function
        self._clock = clock
        self._waiting = waiting
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self.leader: int | None = None
        self.waiters = 0
        self.settled = False
        self.stop = threading.Event()
        """Set when the flight is settled: the leader need not continue."""
        self._data: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    def settle(self, data: T | None = None, error: BaseException | None = None) -> None:
        """Set the result that all waiters get; only the first one counts."""
        with self._lock:
            if not self.settled:
                self.settled, self._data, self._error = True, data, error
                self._traceback = error.__traceback__ if error else None
                self._changed.set()
                self.stop.set()

    def acquire(self) -> bool:
        """Become the leader; False if there is one, or if the flight is settled."""
        with self._lock:
            if self.settled or self.leader is not None:
                return False
            self.leader = threading.get_ident()
            return True

    def join(self, timeout: float | None = None) -> T:
        """Run the call, or wait for the leader, and return the result.

        Args:
            timeout: seconds to wait for another thread's call; None waits without limit.

        Raises:
            QueryTimeout: it took longer.
            RuntimeError: the call waits for itself, perhaps by way of calls that other threads run.
        """
        until = None if timeout is None else self._clock.monotonic() + timeout
        with self._lock:
            self.waiters += 1
        try:
            while not self.settled:
                if self.acquire():
                    self.run()
                else:
                    self._wait(until)
        finally:
            with self._lock:
                self.waiters -= 1
        return self.result()

    def run(self) -> None:
        """Run the call as its leader."""
        try:
            self._function(self)
        finally:
            self._release()

    def result(self) -> T:
        """Return or raise what the flight was settled with."""
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)  # its own: each raise would extend it
        return cast(T, self._data)

    def _release(self) -> None:
        """Stop being the leader; if the flight is not settled, a waiter takes over."""
        with self._lock:
            self.leader = None
            changed, self._changed = self._changed, threading.Event()
            if self.settled:
                self._changed.set()
        changed.set()

    def _wait(self, until: float | None) -> None:
        thread = threading.get_ident()
        self._waiting[thread] = self  # before looking for a cycle: of two threads that close one, the second sees it
        try:
            if self._depends_on(thread):
                raise RuntimeError("The function requests its own result and would deadlock")
            self._sleep(until)
        finally:
            del self._waiting[thread]

    def _depends_on(self, thread: int) -> bool:
        """Return whether the leader waits for a thread, perhaps by way of other flights."""
        flight: Flight[Any] | None = self
        for _ in range(len(self._waiting) + 1):
            leader = flight.leader if flight is not None else None
            if leader is None or leader == thread:
                return leader == thread
            flight = self._waiting.get(leader)
        return False

    def _sleep(self, until: float | None) -> None:
        seconds = threading.TIMEOUT_MAX if until is None else until - self._clock.monotonic()
        changed = self._changed
        if self.settled or self.leader is None:
            return
        self._clock.sleep(max(seconds, 0.0), changed)
        if until is not None and not changed.is_set() and self._clock.monotonic() >= until:
            raise QueryTimeout


class SingleFlight:
    """Deduplicates concurrent calls of the same key.

        flights = SingleFlight()
        sessions = flights.do("sessions", api.chats.list)

    Args:
        clock: waits; tests pass their own.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight[Any]] = {}
        self._waiting: dict[int, Flight[Any]] = {}

    def do(self, key: Hashable, request: Callable[[], T], *, timeout: float | None = None) -> T:
        """Call a function, or wait for the running call of the same key, and return the result.

        Args:
            key: concurrent calls with equal keys are one.
            request: the function.
            timeout: seconds to wait for another thread's call; None waits without limit.

        Raises:
            QueryTimeout: it took longer.
            Exception: what the function raised; every caller gets it.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is None or flight.settled:
                flight = Flight(lambda leading: self._call(key, request, leading), self._clock, self._waiting)
                self._flights[key] = flight
        result: T = flight.join(timeout)
        return result

    dedupe = deduplicate = do
    """The two specifications' names for it."""

    def __len__(self) -> int:
        return len(self._flights)

    def _call(self, key: Hashable, request: Callable[[], T], flight: Flight[T]) -> None:
        try:
            data = request()
        except Exception as error:
            self._remove(key, flight)
            flight.settle(error=error)
        else:
            self._remove(key, flight)
            flight.settle(data)

    def _remove(self, key: Hashable, flight: Flight[Any]) -> None:
        """Remove a flight before it is settled: callers that come after that want a new call."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
