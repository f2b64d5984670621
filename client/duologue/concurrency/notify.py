"""Notifying listeners in order and with no lock held (TanStack Query's `notifyManager.ts`)."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from duologue.concurrency import fork_safety

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

    __slots__ = ("__weakref__", "_callback", "_events", "_turn")

    def __init__(self, callback: Callable[[T], object]) -> None:
        self._callback = callback
        self._events: deque[T] = deque()
        self._turn: dict[str, list[int]] = {}
        """The thread that is delivering, in a list of that flush's own. A lock would stay locked if Ctrl-C came just
        after it was acquired, or if it was held during a fork."""
        fork_safety.watch(self)

    def put(self, event: T) -> None:
        """Add an event."""
        self._events.append(event)

    def flush(self) -> None:
        """Deliver all events, unless another thread, or this one further up the stack, is delivering them."""
        turn = [threading.get_ident()]
        while self._events:
            try:
                if self._turn.setdefault("delivering", turn) is not turn:
                    return
                self._deliver()
            finally:
                if self._turn.get("delivering") is turn:
                    self._turn.clear()

    def after_fork(self) -> None:
        """Let the child deliver; unless the callback itself has forked, and is still running there."""
        if self._turn.get("delivering") != [threading.get_ident()]:
            self._turn.clear()

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
            try:
                queue.flush()
            except BaseException:  # Ctrl-C in a callback: the events after that are the next flush's
                self._pending.append(queue)
                raise
