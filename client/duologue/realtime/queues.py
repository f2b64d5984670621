"""What waits: received events for `receive()`, calls for a thread that makes them, `call()` for its acknowledgement."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from duologue.errors import APIError, ConnectionLostError, RequestTimeout, ResponseValidationError
from duologue.realtime.events import ReceivedEvent

_log = logging.getLogger("duologue")

_JOIN_TIMEOUT = 5.0
"""Seconds to wait for a thread that is ending; a callback may delay it."""

NOT_CONNECTED = "There is no realtime connection; call connect()"
DISCONNECTED = "There is no realtime connection at this moment"

Outcome = ReceivedEvent[Any, Any] | ResponseValidationError
"""An event, or what is wrong with it."""


class EventQueue:
    """The events of one connection that wait for `receive()`; if there are too many, the oldest are dropped.

    How many were dropped is logged when the next one is received: a program that uses only callbacks misses none.

    Args:
        size: how many may wait.
        ended: whether no event will ever come.
    """

    def __init__(self, size: int, *, ended: bool = False) -> None:
        self._waiting: deque[tuple[str, Outcome]] = deque(maxlen=size)
        self._changed = threading.Condition()
        self._ended = ended
        self._error: APIError | None = None
        self._dropped = 0

    def end(self, error: APIError | None = None) -> None:
        """Take no more events and wake all who wait; only the first end counts.

        Args:
            error: what to raise when all events were received; None for an end that was requested.
        """
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
            self._changed.notify_all()

    def put(self, name: str, outcome: Outcome) -> None:
        """Add an event, or what is wrong with it."""
        with self._changed:
            if not self._ended:
                self._dropped += len(self._waiting) == self._waiting.maxlen
                self._waiting.append((name, outcome))
                self._changed.notify_all()  # each may wait for another name

    def take(self, timeout: float | None, name: str | None = None) -> ReceivedEvent[Any, Any]:
        """Remove and return the oldest event, or the oldest of a name; see `Realtime.receive`."""
        outcome = self.next(timeout, name)
        if outcome is None:
            raise ConnectionLostError(NOT_CONNECTED)
        if isinstance(outcome, ResponseValidationError):
            raise outcome
        return outcome

    def next(self, timeout: float | None = None, name: str | None = None) -> Outcome | None:
        """Remove and return the oldest outcome, or the oldest of a name; None at an end that was requested.

        Raises:
            RequestTimeout: nothing came in time.
            APIError: the error that it ended with.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while (index := self._find(name)) is None:
                if self._ended:
                    self._raise_error()
                    return None
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise RequestTimeout(f"No event{f' {name!r}' if name else ''} within {timeout} s")
                self._changed.wait(left)
            outcome = self._waiting[index][1]
            del self._waiting[index]
            dropped, self._dropped = self._dropped, 0
        if dropped:
            _log.warning("realtime: %d events were dropped, because too many waited to be received", dropped)
        return outcome

    def after_fork(self) -> None:
        """End the queue in a forked process: no event comes there, and a lost thread may hold its lock."""
        self._changed = threading.Condition()
        self._ended, self._error = True, None

    def _find(self, name: str | None) -> int | None:
        if name is None:
            return 0 if self._waiting else None
        return next((index for index, (other, _) in enumerate(self._waiting) if other == name), None)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise copy.copy(self._error)  # each thread gets a traceback of its own


class _Submitted(NamedTuple):
    function: Callable[..., object]
    args: tuple[object, ...]
    may_drop: bool


class SerialExecutor:
    """Makes calls one after the other on a thread of its own, which runs from the first call until `stop`.

    Args:
        name: the thread's name.
        size: how many calls may wait; None for any number.
        when_full: whether `submit` waits then, or the oldest call that may be dropped is dropped.
        on_dropped: called on the thread, before the next call, with the number of calls that were dropped.
    """

    def __init__(
        self,
        name: str,
        *,
        size: int | None = None,
        when_full: Literal["wait", "drop"] = "wait",
        on_dropped: Callable[[int], object] = lambda count: None,
    ) -> None:
        self._name = name
        self._size = size
        self._waits = when_full == "wait"
        self._on_dropped = on_dropped
        self._changed = threading.Condition()
        self._calls: deque[_Submitted] = deque()
        self._count = 0
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._stopped = False

    def submit(self, function: Callable[..., object], *args: object, may_drop: bool = True) -> None:
        """Have a function called after those submitted before, if `stop` was not called; an exception is logged.

        Args:
            function: the function.
            args: its arguments.
            may_drop: whether this call counts, and may be dropped, when too many wait.
        """
        with self._changed:
            if self._waits and threading.current_thread() is not self._thread:
                while self._size is not None and self._count >= self._size and not self._stopped:
                    self._changed.wait()
            if self._stopped:
                return
            self._calls.append(_Submitted(function, args, may_drop))
            self._count += may_drop
            if self._size is not None and self._count > self._size and not self._waits:
                self._drop_oldest()
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, *, wait: bool = True, timeout: float = _JOIN_TIMEOUT) -> None:
        """Make the calls submitted until now, then end.

        Args:
            wait: wait for that, unless this is the executor's own thread.
            timeout: seconds to wait at most.
        """
        with self._changed:
            thread, self._stopped = self._thread, True
            self._changed.notify_all()
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _drop_oldest(self) -> None:
        index = next(index for index, call in enumerate(self._calls) if call.may_drop)
        del self._calls[index]
        self._count -= 1
        self._dropped += 1

    def _run(self) -> None:
        while (call := self._next()) is not None:
            try:
                call.function(*call.args)
            except Exception:  # whatever it may raise
                _log.exception("%s failed", getattr(call.function, "__qualname__", call.function))

    def _next(self) -> _Submitted | None:
        """Wait for the next call; None at the end."""
        with self._changed:
            while not self._calls:
                if self._stopped:
                    return None
                self._changed.wait()
            if self._dropped:
                count, self._dropped = self._dropped, 0
                return _Submitted(self._on_dropped, (count,), may_drop=False)
            call = self._calls.popleft()
            self._count -= call.may_drop
            self._changed.notify_all()
            return call


class Acknowledgement:
    """The server's acknowledgement of an event: call it with the acknowledgement's data."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._data: tuple[object, ...] = ()
        self._error: APIError | None = None

    def __call__(self, *data: object) -> None:
        """Take the data of the acknowledgement."""
        self._data = data
        self._done.set()

    def fail(self, error: APIError) -> None:
        """Have `wait` raise an error."""
        self._error = error
        self._done.set()

    def wait(self, timeout: float) -> tuple[object, ...] | None:
        """Return the data, None if there is none after the timeout, in seconds.

        Raises:
            APIError: the connection was lost.
        """
        if not self._done.wait(timeout):
            return None
        if self._error is not None:
            raise self._error
        return self._data
