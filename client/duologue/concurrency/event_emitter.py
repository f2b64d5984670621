"""Telling whoever asked to be told: `on`, `off`, and an announcement that no listener can spoil."""

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
        names: the events there are; any other name is a mistake of the caller.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")
        self._callbacks: dict[str, list[Callable[[T], object]]] = {name: [] for name in names}

    def on(self, name: str, callback: Callable[[T], object]) -> None:
        """Call a function for each event of a name from now on.

        Raises:
            ValueError: there is no such event.
        """
        known = self._of(name)
        with self._lock:
            known.append(callback)

    def off(self, name: str, callback: Callable[[T], object]) -> None:
        """Stop calling a function; one that is not called anyway is no mistake.

        Raises:
            ValueError: there is no such event.
        """
        known = self._of(name)
        with self._lock:
            if callback in known:
                known.remove(callback)

    def emit(self, name: str, event: T) -> None:
        """Call those who listen, in the order they came. Hold no lock meanwhile: they may call the client.

        What one of them raises is logged, and neither the others nor the caller notice.
        """
        with self._lock:
            listening = tuple(self._of(name))
        for callback in listening:
            try:
                callback(event)
            except Exception:  # whatever a callback may raise
                _log.exception("A callback for %s failed", name)

    def _of(self, name: str) -> list[Callable[[T], object]]:
        try:
            return self._callbacks[name]
        except KeyError:
            raise ValueError(f"there is no event {name!r}; there are {', '.join(self._callbacks)}") from None
