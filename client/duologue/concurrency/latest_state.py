"""The state of the latest of several overlapping calls, and the listeners that receive it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from duologue.concurrency import fork_safety
from duologue.concurrency.notify import ListenerQueue, NotifyManager

S = TypeVar("S")


class LatestState(Generic[S]):
    """A state that belongs to the call that started last; what earlier calls report is dropped.

    Args:
        initial: the state before the first call.
    """

    def __init__(self, initial: S) -> None:
        self.value = initial
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")
        self._notify_manager = NotifyManager()
        self._listeners: dict[ListenerQueue[S], None] = {}
        self._call = 0

    def start(self, state: S) -> int:
        """Start a call with a state, and return the call's number."""
        with self._lock:
            self._call += 1
            call = self._call
        self.set(call, state)
        return call

    def set(self, call: int, state: S) -> None:
        """Set the state and notify the listeners, unless a later call has started.

        Args:
            call: the number that `start` returned.
            state: the new state.
        """
        with self._lock:
            if call != self._call:
                return
            self.value = state
            for queue in self._listeners:
                self._notify_manager.schedule(queue, state)
        self._notify_manager.flush()

    def subscribe(self, callback: Callable[[S], object]) -> Callable[[], None]:
        """Call a function with each new state, in order and with no lock held; return a function that unsubscribes."""
        queue = ListenerQueue(callback)
        with self._lock:
            self._listeners[queue] = None

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.pop(queue, None)

        return unsubscribe
