"""Named events and their listeners: `on`, `off`, `emit`, as in Node; a failing listener affects nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from duologue.concurrency import fork_safety

T = TypeVar("T")

_log = logging.getLogger("duologue")


class EventEmitter(Generic[T]):
    """The callbacks of a few named events, safe to share between threads.

    Args:
        names: the events that exist; any other name is an error of the caller.
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
        """Stop calling a function; one that is not registered is ignored.

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
        """Call all listeners in the order of registration, with no lock held: they may call the client.

        What a listener raises is logged; it affects neither the other listeners nor the caller.
        """
        with self._lock:
            callbacks = tuple(self._get_callbacks(name))
        for callback in callbacks:
            try:
                callback(event)
            except Exception:  # a callback may raise anything
                _log.exception("A callback for %s failed", name)

    def _get_callbacks(self, name: str) -> list[Callable[[T], object]]:
        try:
            return self._callbacks[name]
        except KeyError:
            raise ValueError(f"There is no event {name!r}; there are {', '.join(self._callbacks)}") from None
