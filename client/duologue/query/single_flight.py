"""One call shared by all callers that want the same thing at the same time.

The specifications' `RequestDeduplicator`, for threads; the name is Go's (`x/sync/singleflight`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.errors import QueryCancelledError, QueryTimeout

T = TypeVar("T")


class Flight(Generic[T]):
    """One shared call.

    The first thread that joins becomes the leader and runs the call; the others wait for its result. If the leader is
    interrupted (Ctrl-C), one of the waiters takes over. An interrupt may come between any two lines, so whatever a
    thread holds it gives back in `_leave`, which may be called again if it is interrupted itself.

    Args:
        function: runs the call and settles the flight; it may raise only what is not an `Exception`.
        clock: waits.
        waiting: the flight that each thread waits for, shared by all flights whose calls may wait for each other.
        on_idle: called with the flight when no thread runs it any more, nor waits to do so; it may not be settled.
    """

    def __init__(
        self,
        function: Callable[[Flight[T]], None],
        clock: Clock,
        waiting: dict[int, Flight[Any]],
        on_idle: Callable[[Any], None],
    ) -> None:
        self._function = function
        self._clock = clock
        self._waiting = waiting
        self._on_idle = on_idle
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._leading: object = None
        self._joined: set[object] = set()
        self.leader: int | None = None
        self.settled = False
        self.stop = threading.Event()
        """Set when the flight is settled: the leader need not continue."""
        self._data: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    @property
    def waiters(self) -> int:
        """How many threads have joined: the leader, unless it runs in the background, and those that wait for it."""
        return len(self._joined)

    def settle(self, data: T | None = None, error: BaseException | None = None) -> None:
        """Set the result that all waiters get; only the first one counts."""
        with self._lock:
            if not self.settled:
                self._data, self._error = data, error
                self._traceback = error.__traceback__ if error else None
                self.settled = True
                self._changed.set()
                self.stop.set()

    def join(self, timeout: float | None = None) -> T:
        """Run the call, or wait for the leader, and return the result.

        Args:
            timeout: seconds to wait for another thread's call; None waits without limit.

        Raises:
            QueryTimeout: it took longer.
            RuntimeError: the call waits for itself, perhaps by way of calls that other threads run.
        """
        until = None if timeout is None else self._clock.monotonic() + timeout
        token = object()
        try:
            try:
                self._joined.add(token)
                while not self.settled:
                    if self._lead(token):
                        self._function(self)
                    else:
                        self._wait(until)
            finally:
                self._leave(token)
        finally:
            if token in self._joined:  # an interrupt came just then
                self._leave(token)
        return self.result()

    def run_unless_running(self) -> None:
        """Run the call as its leader, unless it has one or is settled."""
        token = object()
        try:
            if self._lead(token):
                self._function(self)
        finally:
            if self._leading is token:
                self._leave(token)

    def result(self) -> T:
        """Return or raise what the flight was settled with."""
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)  # its own: each raise would extend it
        return cast(T, self._data)

    def drop_after_fork(self) -> bool:
        """Settle the flight in a forked process if a lost thread leads it; return whether that was so."""
        fork_safety.replace_locks(self, "_lock", "_changed", "stop")
        if self.leader == threading.get_ident():  # the call itself has forked, and goes on in both processes
            self._joined &= {self._leading}
            return False
        self.leader = self._leading = None
        self._joined.clear()
        self.settle(error=QueryCancelledError("The process was forked during the fetch, which is its parent's"))
        return True

    def _lead(self, token: object) -> bool:
        """Become the leader; False if there is one, or if the flight is settled."""
        with self._lock:
            if self.settled or self._leading is not None:
                return False
            self._leading = token
            self.leader = threading.get_ident()
            return True

    def _leave(self, token: object) -> None:
        """Stop leading, or waiting. If the flight is not settled, a waiter takes over."""
        with self._lock:
            if self._leading is token:
                self.leader = None
                self._leading = None
            if self._leading is None:
                self._changed.set()  # before it is replaced: the waiters wait for this one
                if not self.settled:
                    self._changed = threading.Event()
            idle = self._leading is None and (self.settled or self._joined <= {token})
        if idle:
            self._on_idle(self)
        self._joined.discard(token)

    def _wait(self, until: float | None) -> None:
        thread = threading.get_ident()
        outer = self._waiting.get(thread)  # that of a wait which a signal handler has interrupted
        try:
            self._waiting[thread] = (
                self  # before looking for a cycle: of two threads that close one, the second sees it
            )
            if self._depends_on(thread):
                raise RuntimeError("The function requests its own result and would deadlock")
            self._sleep(until)
        finally:
            if outer is None:
                self._waiting.pop(thread, None)
            else:
                self._waiting[thread] = outer

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
        changed = self._changed
        if self.settled or self.leader is None:
            return
        seconds = threading.TIMEOUT_MAX if until is None else until - self._clock.monotonic()
        self._clock.sleep(max(seconds, 0.0), changed)
        if until is not None and not self.settled and self._clock.monotonic() >= until:
            raise QueryTimeout  # also if the leader was interrupted at this moment: another waiter takes over


class SingleFlight:
    """Deduplicates concurrent calls of the same key.

        flights = SingleFlight()
        sessions = flights.do("sessions", api.chats.list)

    A forked process has none of the calls that run in its parent.

    Args:
        clock: waits; tests pass their own.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Flight[Any]] = {}
        self._waiting: dict[int, Flight[Any]] = {}
        fork_safety.watch_locks(self, "_lock")
        fork_safety.watch(self)

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
                flight = Flight(
                    lambda leading: _settle(leading, request),
                    self._clock,
                    self._waiting,
                    lambda idle: self._remove(key, idle),  # also if interrupted: the next caller's function is called
                )
                self._flights[key] = flight
        result: T = flight.join(timeout)
        return result

    dedupe = deduplicate = do
    """The two specifications' names for it."""

    def __len__(self) -> int:
        return len(self._flights)

    def after_fork(self) -> None:
        """Forget the calls that run in the parent."""
        self._waiting.clear()
        for key, flight in list(self._flights.items()):
            if flight.drop_after_fork():
                del self._flights[key]

    def _remove(self, key: Hashable, flight: Flight[Any]) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]


def _settle(flight: Flight[T], request: Callable[[], T]) -> None:
    try:
        data = request()
    except Exception as error:
        flight.settle(error=error)
    else:
        flight.settle(data)
