"""One call for any number of callers that want the same thing at the same time.

The documents' `RequestDeduplicator`, for threads; the field calls it single flight (Go's `x/sync/singleflight`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, Generic, TypeVar

from duologue.concurrency.clock import Clock
from duologue.errors import QueryTimeout

T = TypeVar("T")


class Flight(Generic[T]):
    """One call under way.

    It is made on the thread of the first who joins; the others wait. Should that thread be torn away (Ctrl-C), one of
    those who wait makes the call instead.

    Args:
        fly: makes the call and settles the flight; it may raise only what is no `Exception`.
        clock: waits.
        waits: which thread waits for which flight, shared by flights whose calls may want one another.
    """

    def __init__(self, fly: Callable[[Flight[T]], None], clock: Clock, waits: dict[int, Flight[Any]]) -> None:
        self._fly = fly
        self._clock = clock
        self._waits = waits
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self.leader: int | None = None
        self.waiters = 0
        self.settled = False
        self.stop = threading.Event()
        """Set when the flight is settled: whoever flies need not go on."""
        self._data: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    def settle(self, data: T | None = None, error: BaseException | None = None) -> None:
        """End the flight, unless it has ended: everybody who waits gets this answer."""
        with self._lock:
            if not self.settled:
                self.settled, self._data, self._error = True, data, error
                self._traceback = error.__traceback__ if error else None
                self._changed.set()
                self.stop.set()

    def acquire(self) -> bool:
        """Become the one who flies; False if somebody is, or if it is over."""
        with self._lock:
            if self.settled or self.leader is not None:
                return False
            self.leader = threading.get_ident()
            return True

    def join(self, timeout: float | None = None) -> T:
        """Make the call, or wait for the one who does, and return what came of it.

        Args:
            timeout: seconds to wait for another thread's call; None waits for ever.

        Raises:
            QueryTimeout: it took longer.
            RuntimeError: the call asks for itself, perhaps by way of calls that other threads make.
        """
        until = None if timeout is None else self._clock.monotonic() + timeout
        with self._lock:
            self.waiters += 1
        try:
            while not self.settled:
                if self.acquire():
                    self.fly()
                else:
                    self._wait(until)
        finally:
            with self._lock:
                self.waiters -= 1
        return self.outcome()

    def fly(self) -> None:
        """Make the call, having boarded."""
        try:
            self._fly(self)
        finally:
            self._leave()

    def outcome(self) -> T:
        """Return or raise what came of it."""
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)  # its own: each raise would add to it
        return self._data  # type: ignore[no-any-return]  # what the call of this key returned

    def _leave(self) -> None:
        """Give up the pilot's seat; where the flight is not over, somebody else takes it."""
        with self._lock:
            self.leader = None
            changed, self._changed = self._changed, threading.Event()
            if self.settled:
                self._changed.set()
        changed.set()

    def _wait(self, until: float | None) -> None:
        me = threading.get_ident()
        self._waits[me] = self  # before looking for a circle: of two threads that close one, the second sees it
        try:
            if self._needs(me):
                raise RuntimeError("The function asks for its own result, so it would wait for ever")
            self._sleep(until)
        finally:
            del self._waits[me]

    def _needs(self, thread: int) -> bool:
        """Tell whether whoever makes this call waits, perhaps by way of others, for a thread."""
        flight: Flight[Any] | None = self
        for _ in range(len(self._waits) + 1):
            leader = flight.leader if flight is not None else None
            if leader is None or leader == thread:
                return leader == thread
            flight = self._waits.get(leader)
        return False

    def _sleep(self, until: float | None) -> None:
        left = threading.TIMEOUT_MAX if until is None else until - self._clock.monotonic()
        changed = self._changed
        if self.settled or self.leader is None:
            return
        self._clock.sleep(max(left, 0.0), changed)
        if until is not None and not changed.is_set() and self._clock.monotonic() >= until:
            raise QueryTimeout


class SingleFlight:
    """Calls that are wanted several times at once are made once.

        flights = SingleFlight()
        sessions = flights.do("sessions", api.chats.list)

    Args:
        clock: waits; tests pass their own.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight[Any]] = {}
        self._waits: dict[int, Flight[Any]] = {}

    def do(self, key: Hashable, request: Callable[[], T], *, timeout: float | None = None) -> T:
        """Call a function, or wait for the call of the same key that is under way, and return what came of it.

        Args:
            key: calls with equal keys are one.
            request: the function.
            timeout: seconds to wait for another thread's call; None waits for ever.

        Raises:
            QueryTimeout: it took longer.
            Exception: what the function raised; everybody gets it.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is None or flight.settled:
                flight = Flight(lambda flown: self._call(key, request, flown), self._clock, self._waits)
                self._flights[key] = flight
        joined: T = flight.join(timeout)
        return joined

    dedupe = deduplicate = do
    """The two documents' names for it."""

    def __len__(self) -> int:
        return len(self._flights)

    def _call(self, key: Hashable, request: Callable[[], T], flight: Flight[T]) -> None:
        try:
            data = request()
        except Exception as error:
            self._forget(key, flight)
            flight.settle(error=error)
        else:
            self._forget(key, flight)
            flight.settle(data)

    def _forget(self, key: Hashable, flight: Flight[Any]) -> None:
        """Before it is settled: who asks after that wants a new call."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
