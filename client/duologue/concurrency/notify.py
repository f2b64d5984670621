"""Notifying listeners in order and with no lock held (TanStack Query's `notifyManager.ts`)."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger("duologue")


class ListenerQueue(Generic[T]):
    """The pending events of one listener.

    Events are added under their owner's lock, which orders them, and delivered later by whichever thread flushes
    first; only one thread at a time, so the listener receives them in that order. Events that the listener causes
    itself are delivered after it has returned.

    Args:
        callback: called with each event. What it raises is logged, and affects no other listener.
    """

    __slots__ = ("_callback", "_delivering", "_events")

    def __init__(self, callback: Callable[[T], object]) -> None:
        self._callback = callback
        self._events: deque[T] = deque()
        self._delivering = threading.Lock()

    def put(self, event: T) -> None:
        """Add an event."""
        self._events.append(event)

    def flush(self) -> None:
        """Deliver all events, unless another thread, or this one further up the stack, is delivering them."""
        while self._events and self._delivering.acquire(blocking=False):
            try:
                self._deliver()
            finally:
                self._delivering.release()

    def _deliver(self) -> None:
        while self._events:
            event = self._events.popleft()
            try:
                self._callback(event)
            except Exception:  # a callback may raise anything
                _log.exception("%s failed", getattr(self._callback, "__qualname__", self._callback))


class NotifyManager:
    """The listener queues that have pending events."""

    def __init__(self) -> None:
        self._pending: deque[ListenerQueue[Any]] = deque()

    def schedule(self, queue: ListenerQueue[T], event: T) -> None:
        """Add an event to a queue, to be delivered by the next `flush`."""
        queue.put(event)
        self._pending.append(queue)

    def flush(self) -> None:
        """Deliver all pending events. The calling thread must hold no lock."""
        while self._pending:
            try:
                queue = self._pending.popleft()
            except IndexError:  # another thread was faster
                return
            queue.flush()
