"""What waits: received events for `receive()`, calls for a thread that makes them, `call()` for its acknowledgement."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

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

    Args:
        size: how many may wait.
        ended: whether no event will ever come.
    """

    def __init__(self, size: int, *, ended: bool = False) -> None:
        self._waiting: deque[tuple[str, Outcome]] = deque(maxlen=size)
        self._changed = threading.Condition()
        self._ended = ended
        self._error: APIError | None = None

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
                if not self._changed.wait(None if until is None else until - time.monotonic()):
                    raise RequestTimeout(f"No event{f' {name!r}' if name else ''} within {timeout} s")
            outcome = self._waiting[index][1]
            del self._waiting[index]
            return outcome

    def _find(self, name: str | None) -> int | None:
        if name is None:
            return 0 if self._waiting else None
        return next((index for index, (other, _) in enumerate(self._waiting) if other == name), None)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise copy.copy(self._error)  # each thread gets a traceback of its own


class SerialExecutor:
    """Makes calls one after the other on a thread of its own, which runs from the first call until `stop`.

    Args:
        name: the thread's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._calls: SimpleQueue[tuple[Callable[..., object], tuple[object, ...]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def submit(self, function: Callable[..., object], *args: object) -> None:
        """Have a function called after those submitted before, if `stop` was not called; an exception is logged."""
        with self._lock:
            if self._stopped:
                return
            self._calls.put((function, args))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Make the calls submitted until now, then end.

        Args:
            wait: wait for that, unless this is the executor's own thread.
        """
        with self._lock:
            thread, self._stopped = self._thread, True
            self._calls.put(None)
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_TIMEOUT)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            function, args = call
            try:
                function(*args)
            except Exception:  # whatever it may raise
                _log.exception("%s failed", getattr(function, "__qualname__", function))


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
