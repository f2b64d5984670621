"""`EventEmitter`: `on`, `off` and `emit`, where no listener can affect the others or the caller."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from duologue.concurrency import fork_safety

T = TypeVar("T")

_log = logging.getLogger("duologue")


class EventEmitter(Generic[T]):
    """The listeners of a few named events, safe to share between threads.

    Args:
        names: the events there are.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")
        self._callbacks: dict[str, list[Callable[[T], object]]] = {name: [] for name in names}

    def on(self, name: str, callback: Callable[[T], object]) -> Callable[[], None]:
        """Call a function for each event of a name from now on; return a function that stops it.

        Raises:
            ValueError: there is no such event.
        """
        callbacks = self._get_callbacks(name)
        with self._lock:
            callbacks.append(callback)
        return lambda: self.off(name, callback)

    def off(self, name: str, callback: Callable[[T], object]) -> None:
        """Stop calling a function; one that is not a listener is ignored.

        Raises:
            ValueError: there is no such event.
        """
        callbacks = self._get_callbacks(name)
        with self._lock:
            if callback in callbacks:
                callbacks.remove(callback)

    def has_listeners(self, name: str) -> bool:
        """Return whether an event of this name would reach a listener."""
        return bool(self._get_callbacks(name))

    def emit(self, name: str, event: T) -> None:
        """Call the listeners in the order they were added. To be called without a lock: they may call the client.

        What a listener raises is logged, and affects neither the others nor the caller.
        """
        with self._lock:
            callbacks = tuple(self._get_callbacks(name))
        for callback in callbacks:
            try:
                callback(event)
            except Exception:
                _log.exception("A listener of %s failed", name)

    def _get_callbacks(self, name: str) -> list[Callable[[T], object]]:
        try:
            return self._callbacks[name]
        except KeyError:
            raise ValueError(f"there is no event {name!r}; the events are {', '.join(self._callbacks)}") from None
