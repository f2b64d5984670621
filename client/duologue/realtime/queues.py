"""What waits: received events for `receive()`, work for a thread of its own, and calls for their acknowledgement."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple

from duologue.errors import APIError, ConnectionLostError, RequestTimeout, ResponseValidationError

_log = logging.getLogger("duologue")

_JOIN = 5.0
"""Seconds to wait for a thread that is ending; a callback of the caller's may keep it."""

NOT_CONNECTED = "There is no real-time connection; call connect()"


class ReceivedEvent(NamedTuple):
    """An event that came.

    Args:
        name: its name on the wire, `user:created`.
        payload: the contract's model, or plain JSON values where the contract does not know the event.
    """

    name: str
    payload: object


class EventQueue:
    """Events of one connection that wait for `receive()`; the oldest are dropped when there are too many.

    Args:
        size: how many may wait.
        ended: whether there is nothing more to come from the beginning.
    """

    def __init__(self, size: int, *, ended: bool = False) -> None:
        self._waiting: deque[ReceivedEvent | ResponseValidationError] = deque(maxlen=size)
        self._changed = threading.Condition()
        self._ended = ended
        self._error: APIError | None = None

    def end(self, error: APIError | None = None) -> None:
        """Let nothing more in; whoever waits is told, with an error if that was not meant. The first end counts."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
            self._changed.notify_all()

    def put(self, event: ReceivedEvent | ResponseValidationError) -> None:
        """Let an event, or what was wrong with one, wait."""
        with self._changed:
            if not self._ended:
                self._waiting.append(event)
                self._changed.notify()

    def take(self, timeout: float | None) -> ReceivedEvent:
        """Return the oldest event, see `Realtime.receive`."""
        event = self.next(timeout)
        if event is None:
            raise ConnectionLostError(NOT_CONNECTED)
        if isinstance(event, ResponseValidationError):
            raise event
        return event

    def next(self, timeout: float | None = None) -> ReceivedEvent | ResponseValidationError | None:
        """Return what is next, None when it has ended as it was meant to.

        Raises:
            RequestTimeout: nothing came in time.
            APIError: it has ended otherwise.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._waiting:
                if self._ended:
                    self._raise_error()
                    return None
                if not self._changed.wait(None if until is None else until - time.monotonic()):
                    raise RequestTimeout(f"No event within {timeout} s")
            return self._waiting.popleft()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise copy.copy(self._error)  # each thread gets a traceback of its own


class SerialExecutor:
    """Does things one after the other on a thread of its own, which lives from the first thing until `stop`.

    Args:
        name: the thread's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._things: SimpleQueue[tuple[Callable[..., object], tuple[object, ...]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def do(self, thing: Callable[..., object], *args: object) -> None:
        """Do a thing after those that were given before; what it raises is logged. After `stop` nothing is done."""
        with self._lock:
            if self._stopped:
                return
            self._things.put((thing, args))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Do what was given until now, then end; wait for that if asked to, unless it is this thread that asks."""
        with self._lock:
            thread, self._stopped = self._thread, True
            self._things.put(None)
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN)

    def _work(self) -> None:
        while (given := self._things.get()) is not None:
            thing, args = given
            try:
                thing(*args)
            except Exception:  # whatever it may raise
                _log.exception("%s failed", getattr(thing, "__qualname__", thing))


class Acknowledgement:
    """What the server acknowledges an event with, once it does."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._said: tuple[object, ...] = ()
        self._error: APIError | None = None

    def __call__(self, *said: object) -> None:
        """Take what the server said."""
        self._said = said
        self._there.set()

    def fail(self, error: APIError) -> None:
        """Expect nothing more."""
        self._error = error
        self._there.set()

    def wait(self, timeout: float) -> tuple[object, ...] | None:
        """Return what the server said, None if it said nothing in time; raise what became of the connection."""
        if not self._there.wait(timeout):
            return None
        if self._error is not None:
            raise self._error
        return self._said
